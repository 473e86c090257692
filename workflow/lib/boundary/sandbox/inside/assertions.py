"""Running a benchmark's own assertions, which call a program in another sandbox.

One process for all programs: it holds expected outputs, and so no program ever runs in it. What a program
returns comes as plain data (see plain_data); what it raises comes as the built-in exception of that name.
"""

from __future__ import annotations

import builtins
import json
import os
import random
import resource
import socket
from functools import lru_cache
from types import CodeType
from typing import Any

from .isolation import Isolation
from .link import LINK, receive, send
from .plain_data import NotPlainError, decode, encode
from .program import read_text, text_of

MEMORY = 2 << 30


class RaisedError(Exception):
    """An exception of the program's own making, at the other end."""


class BrokenLinkError(Exception):
    """The program at the other end is gone, or speaks no protocol."""


def main(descriptor: int, user: int | None) -> None:
    """Serve on the control socket until it ends; as ``user``, where root started the sandbox."""
    control = socket.socket(fileno=os.dup(descriptor) if descriptor == LINK else descriptor)
    isolation = Isolation()
    if user is not None:
        isolation.become(user)
    isolation.refuse()
    most = isolation.own_bytes + MEMORY  # what a program answers is read here
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    control.send(json.dumps({"ready": True}).encode())
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 2)
        if not packet:
            return
        document, link = descriptors
        text = read_text(document)
        os.dup2(link, LINK)
        os.close(link)
        told = run_assertions(text, json.loads(packet)["entry"])
        os.close(LINK)
        control.send(json.dumps(told).encode())


@lru_cache(maxsize=4)
def _compiled(text: str) -> tuple[CodeType, CodeType]:
    """The reference program and the test of a document of JSON."""
    document = json.loads(text)
    return (
        compile(document["reference"], "reference.py", "exec"),
        compile(document["test"], "test.py", "exec"),
    )


def run_assertions(text: str, entry: str) -> dict[str, Any]:
    """Run a test: its reference program first, whose helpers tests use, then the assertions."""
    calls, raised = 0, None

    def candidate(*arguments: Any, **named: Any) -> Any:
        nonlocal calls, raised
        calls += 1
        try:
            return _call(arguments, named)
        except Exception as error:
            raised = error
            raise

    namespace: dict[str, Any] = {"__name__": "test"}
    random.seed(0)
    try:
        reference, test = _compiled(text)
        exec(reference, namespace)
        namespace[entry] = candidate
        exec(test, namespace)
        if "check" in namespace:
            namespace["check"](candidate)
    except BaseException as error:
        return {
            "failed": type(error).__name__,
            "text": text_of(error),
            "call": calls,
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
