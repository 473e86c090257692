"""The line between a program and a benchmark's assertions: messages of JSON, each after its length.

Both ends are in sandboxes of their own. What comes from the program's may be anything.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

LINK = 3  # the descriptor, at both ends
LENGTH = struct.Struct("!I")
LONGEST = 16 << 20  # bytes of one message


def send(message: dict[str, Any]) -> None:
    """Write one message to the link."""
    text = json.dumps(message).encode()
    write_all(LINK, LENGTH.pack(len(text)) + text)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``, however much is taken at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def receive() -> dict[str, Any] | None:
    """The next message of the link; None where it ends. Raises ValueError for one that is too long."""
    head = _read_exactly(LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    if length > LONGEST:
        raise ValueError(f"a message of {length} bytes")
    text = _read_exactly(length)
    return None if text is None else json.loads(text)


def _read_exactly(size: int) -> bytes | None:
    parts, left = [], size
    while left:
        part = os.read(LINK, min(left, 1 << 20))
        if not part:
            return None
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
