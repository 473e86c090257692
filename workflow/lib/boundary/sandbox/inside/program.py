"""What a program's process does, once it is confined: run the program, and tell how it ended.

Modes: ``main`` runs it as a script, with real standard input and output; ``call`` loads it and calls its
function, once for each list of arguments in standard input; ``serve`` answers calls on the link; ``test``
is no model's program but a benchmark's, whose assertions call the function at the other end of the link.

The report is what the process says of itself, on a descriptor of its own: a program can write there what
it likes, and so the report only ever says why a run failed, or what a call returned.
"""

from __future__ import annotations

import atexit
import builtins
import json
import os
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from .plain_data import NotPlainError, decode, encode

LINK, REPORT = 3, 4
LENGTH = struct.Struct("!I")
LONGEST = 64 << 20  # bytes of one message on the link


class RaisedError(Exception):
    """An exception of the program's own making, at the other end."""


class BrokenLinkError(Exception):
    """The program at the other end is gone, or speaks no protocol."""


def run(mode: str, code: str, entry: str, prelude: dict[str, Any]) -> None:
    """Run ``code`` and report. Returns only if the program lets it."""
    told: dict[str, Any] = {"ended": True}
    try:
        if mode == "main":
            _run_script(code, prelude)
        elif mode == "call":
            told = _call_all(code, entry, prelude)
        elif mode == "serve":
            _serve(_function(code, entry, prelude))
        else:
            told = _test(code, entry)
    except SystemExit as ending:
        if ending.code not in (None, 0, False):
            told = {"raised": "SystemExit", "text": _text(ending)}
    except BaseException as error:
        told = {"raised": type(error).__name__, "text": _text(error)}
    _report(told)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except BaseException:
        return ""


def _report(told: dict[str, Any]) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            continue
    _write_all(REPORT, json.dumps(told).encode() + b"\n")


def _call_all(code: str, entry: str, prelude: dict[str, Any]) -> dict[str, Any]:
    calls = [decode(arguments) for arguments in json.load(sys.stdin)]
    returned: list[Any] = []
    try:
        function = _function(code, entry, prelude)
        for arguments in calls:
            returned.append(encode(function(*arguments)))
    except BaseException as error:
        return {"raised": type(error).__name__, "text": _text(error), "returned": returned}
    return {"returned": returned}


def _run_script(code: str, prelude: dict[str, Any]) -> None:
    namespace = {**prelude, "__name__": "__main__"}
    try:
        exec(compile(code, "program.py", "exec"), namespace)
    finally:
        # As an interpreter does at its end: threads are waited for, then what was registered runs.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()


def _function(code: str, entry: str, prelude: dict[str, Any]) -> Callable[..., Any]:
    namespace = {**prelude, "__name__": "program"}
    exec(compile(code, "program.py", "exec"), namespace)
    if entry not in namespace and "Solution" in namespace:
        return getattr(namespace["Solution"](), entry)
    return namespace[entry]


def _serve(function: Callable[..., Any]) -> None:
    while (asked := receive()) is not None:
        arguments, named = decode(asked["arguments"]), decode(asked["named"])
        try:
            answer = {"returned": encode(function(*arguments, **named))}
        except NotPlainError as error:
            answer = {"raised": "NotPlainError", "text": str(error)}
        except MemoryError:
            raise
        except BaseException as error:
            answer = {"raised": type(error).__name__, "text": _text(error)}
        send(answer)


def _test(code: str, entry: str) -> dict[str, Any]:
    """Run a benchmark's test: its reference program first, whose helpers tests use, then the assertions.

    ``code`` is JSON: the reference program and the test.
    """
    document = json.loads(code)
    namespace: dict[str, Any] = {"__name__": "test"}
    exec(compile(document["reference"], "reference.py", "exec"), namespace)
    calls, raised = 0, None

    def candidate(*arguments: Any, **named: Any) -> Any:
        nonlocal calls, raised
        calls += 1
        try:
            return _call(arguments, named)
        except Exception as error:
            raised = error
            raise

    namespace[entry] = candidate
    try:
        exec(compile(document["test"], "test.py", "exec"), namespace)
        if "check" in namespace:
            namespace["check"](candidate)
    except BaseException as error:
        failed = {"failed": type(error).__name__, "call": calls, "text": _text(error)}
        return failed | {
            "broken": isinstance(error, BrokenLinkError),
            "by_the_program": error is raised,
        }
    return {"passed": True, "calls": calls}


def _call(arguments: Any, named: Any) -> Any:
    try:
        send({"arguments": encode(arguments), "named": encode(named)})
        answer = receive()
        if answer is None:
            raise BrokenLinkError("the program ended")
        if "returned" in answer:
            return decode(answer["returned"])
        raised, text = answer["raised"], answer["text"]
    except (NotPlainError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
        raise BrokenLinkError(f"{type(error).__name__}: {error}") from error
    kind = getattr(builtins, str(raised), None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        raise kind(text)
    raise RaisedError(f"{raised}: {text}")


def send(message: dict[str, Any]) -> None:
    """Write one message to the link."""
    text = json.dumps(message).encode()
    _write_all(LINK, LENGTH.pack(len(text)) + text)


def _write_all(descriptor: int, data: bytes) -> None:
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
