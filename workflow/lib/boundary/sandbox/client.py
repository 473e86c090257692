"""A sandbox from outside: programs and inputs go in; what comes out is bytes, read with care."""

from __future__ import annotations

import json
import os
import selectors
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from boundary.sandbox.inside.isolation import Limits
from boundary.sandbox.inside.server import STOP
from boundary.sandbox.process import SandboxError, Served, file_of

Mode = Literal["main", "call", "serve"]  # see inside.program
SECONDS_TO_ANSWER = 30.0  # beyond a program's patience, until the server itself is given up
REPORT_BYTES = 1 << 16
READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Run:
    """A program to run. ``entry`` is its function's name, where one is called.

    Programs for contests are given modules that they need not import (server.PRELUDE).
    """

    code: str
    mode: Mode
    limits: Limits
    entry: str = ""
    stdin: str = ""
    is_contest: bool = False


@dataclass
class Ending:
    """How a run ended.

    ``ended``: exited, or the limit at which it was ended (cpu, clock, memory, processes, output).
    ``status`` is the exit code, or less than 0 the signal. ``report`` is what the process said of itself,
    and may be anything or None: it is the program's word.
    """

    ended: str
    status: int
    stdout: bytes = b""
    report: Any = None


class Sandbox(Served):
    """A sandbox that runs programs, each in a process of its own."""

    def __init__(self) -> None:
        super().__init__("server")

    def run(self, run: Run) -> Ending:
        """Run a program. Raises SandboxError where nothing can be said of it."""
        pending = self.begin(run, None)
        return pending.finish()

    def begin(self, run: Run, link: socket.socket | None) -> Pending:
        """Start a program, and go on; ``link`` is its end of the line to another's. Raises SandboxError."""
        self.start()
        assert self._control is not None
        opened = [file_of(run.code), file_of(run.stdin)]
        report_read, report_write = os.pipe2(os.O_CLOEXEC)
        stdout_read = None
        if run.mode == "main":
            stdout_read, stdout_write = os.pipe2(os.O_CLOEXEC)
        else:  # what it prints is no output; were it a pipe, who prints much would wait for a reader
            stdout_write = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
        line = os.open("/dev/null", os.O_RDWR) if link is None else os.dup(link.fileno())
        descriptors = [*opened, stdout_write, line, report_write]
        pending = Pending(self, self._control, run, stdout_read, report_read)
        asked = {
            "mode": run.mode,
            "entry": run.entry,
            "is_contest": run.is_contest,
            "limits": run.limits,
        }
        try:
            socket.send_fds(self._control, [json.dumps(asked).encode()], descriptors)
        except OSError as error:
            pending.abandon()
            raise SandboxError(f"the sandbox ended: {error}") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return pending


class Pending:
    """A run that is under way."""

    def __init__(
        self, sandbox: Sandbox, control: socket.socket, run: Run, stdout: int | None, report: int
    ) -> None:
        self._sandbox, self._control, self._run = sandbox, control, run
        self._most = {report: run.limits.output if run.mode == "call" else REPORT_BYTES}
        if stdout is not None:
            self._most[stdout] = run.limits.output
        self._read = {descriptor: bytearray() for descriptor in self._most}
        self._stdout, self._report = stdout, report
        self._answer: dict[str, Any] | None = None
        self._too_much = False

    def finish(self) -> Ending:
        """Read all that comes out, until the program has ended. Raises SandboxError."""
        deadline = time.monotonic() + self._run.limits.patience + SECONDS_TO_ANSWER
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            for descriptor in self._most:
                selector.register(descriptor, selectors.EVENT_READ)
            try:
                while selector.get_map():
                    ready = selector.select(deadline - time.monotonic())
                    if not ready:
                        raise SandboxError("the sandbox does not answer")
                    for key, _ in ready:
                        self._take(key.fd, selector)
            except (SandboxError, OSError) as error:
                self.abandon()
                raise SandboxError(str(error)) from error
            finally:
                self._close()
        return self._ending()

    def abandon(self) -> None:
        """Learn nothing of the program, and end its sandbox; the next run starts another."""
        self._close()
        self._sandbox.stop()

    def _close(self) -> None:
        while self._most:
            os.close(self._most.popitem()[0])

    def stop(self) -> None:
        """End the program, if it has not ended by itself."""
        if self._answer is None:
            with suppress(OSError):
                self._control.send(STOP)

    def _take(self, descriptor: int, selector: selectors.BaseSelector) -> None:
        if descriptor == self._control.fileno():
            packet = self._control.recv(READ_BYTES)
            if not packet:
                raise SandboxError("the sandbox ended")
            self._answer = json.loads(packet)
            selector.unregister(self._control)
            return
        part = os.read(descriptor, READ_BYTES)
        if not part:
            selector.unregister(descriptor)
            return
        kept = self._read[descriptor]
        if len(kept) + len(part) > self._most[descriptor]:
            if not self._too_much:
                self.stop()
            self._too_much = True
            return
        kept += part

    def _ending(self) -> Ending:
        assert self._answer is not None
        if self._answer["ended"] == "unconfined":
            raise SandboxError(f"the sandbox cannot confine a program: {self._answer['why']}")
        report = _read_report(bytes(self._read[self._report]))
        ended = "output" if self._too_much else self._answer["ended"]
        if ended == "exited" and self._answer["cpu"] > self._run.limits.seconds:
            ended = "cpu"
        return Ending(
            ended,
            self._answer["status"],
            b"" if self._stdout is None else bytes(self._read[self._stdout]),
            report,
        )


def _read_report(written: bytes) -> Any:
    """The last whole line of it, as JSON: what the process itself writes is its last word."""
    try:
        return json.loads(written.decode().strip().rpartition("\n")[2])
    except (ValueError, RecursionError):
        return None
