"""Turns at the machine: many programs at once, or one alone.

A program's limit is CPU time, but CPU time is dearer on a busy machine: caches and cores are shared. Who
ran out of time is run again while no other program of this user runs on this machine, in whatever job.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boundary.errors import BoundaryError


class Turns:
    """Two locked files. Each worker has its own, since a lock belongs to who opened the file."""

    def __init__(self) -> None:
        folder = Path(tempfile.gettempdir()) / f"boundary-{os.geteuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
            raise BoundaryError(
                f"{folder}: belongs to somebody else; set TMPDIR to a folder of yours"
            )
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._door, self._room = (
            os.fdopen(os.open(folder / name, flags, 0o600), "r+b") for name in ("door", "room")
        )

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Among others."""
        fcntl.flock(self._door, fcntl.LOCK_SH)
        fcntl.flock(self._room, fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """With nobody else: who comes now waits at the door, until those in the room have left it."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)
            fcntl.flock(self._door, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the files back."""
        for file in (self._door, self._room):
            file.close()
