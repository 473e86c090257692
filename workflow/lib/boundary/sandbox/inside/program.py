"""What a program's process does, once it is confined: run the program, and tell how it ended.

Modes: ``main`` runs it as a script, with real standard input and output; ``call`` loads it and calls its
function, once for each list of arguments in standard input; ``serve`` answers calls on the link.

The report is what the process says of itself, on a descriptor of its own: a program can write there what
it likes, and so the report only ever says why a run failed, or what a call returned.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from .link import receive, send, write_all
from .plain_data import NotPlainError, decode, encode

REPORT = 4  # the descriptor


def run(mode: str, code: str, entry: str, prelude: dict[str, Any]) -> None:
    """Run ``code`` and report. Returns only if the program lets it."""
    told: dict[str, Any] = {"ended": True}
    try:
        if mode == "main":
            _run_script(code, prelude)
        elif mode == "call":
            told = _call_all(code, entry, prelude)
        else:
            _serve(_function(code, entry, prelude))
    except SystemExit as ending:
        if ending.code not in (None, 0, False):
            told = {"raised": "SystemExit", "text": text_of(ending)}
    except BaseException as error:
        told = {"raised": type(error).__name__, "text": text_of(error)}
    _report(told)


def read_text(descriptor: int) -> str:
    """All of a file that the host opened, which is closed then."""
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode("utf-8", "surrogatepass")


def text_of(error: BaseException) -> str:
    """The beginning of what an exception says, if it says anything."""
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
    write_all(REPORT, json.dumps(told).encode() + b"\n")


def _call_all(code: str, entry: str, prelude: dict[str, Any]) -> dict[str, Any]:
    calls = [decode(arguments) for arguments in json.load(sys.stdin)]
    returned: list[Any] = []
    try:
        function = _function(code, entry, prelude)
        for arguments in calls:
            returned.append(encode(function(*arguments)))
    except BaseException as error:
        return {"raised": type(error).__name__, "text": text_of(error), "returned": returned}
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
            answer = {"raised": type(error).__name__, "text": text_of(error)}
        send(answer)
