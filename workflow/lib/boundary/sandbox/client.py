"""A sandbox from outside: programs and inputs go in; what comes out is bytes, read with care."""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Literal, NamedTuple

from boundary.errors import BoundaryError
from boundary.sandbox.bubblewrap import ENVIRONMENT, sandbox_command
from boundary.sandbox.inside.server import STOP

Mode = Literal["main", "call", "serve", "test"]
SECONDS_TO_START = 60.0
SECONDS_TO_ANSWER = 30.0  # beyond a program's patience, until the server itself is given up
REPORT_BYTES = 1 << 16
READ_BYTES = 1 << 16
WHAT_TO_CHANGE = (
    "It needs user namespaces, on Linux 5.14 or newer: allow them on the machine (sysctl "
    "kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, and "
    "kernel.apparmor_restrict_unprivileged_userns=0, where these exist) or in the container's settings "
    "(for Docker: --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined). Programs of models are never run outside a sandbox"
)


class SandboxError(Exception):
    """The sandbox itself ended or does not answer: nothing was found out about the program."""


class Limits(NamedTuple):
    """What a run may take: CPU seconds, megabytes of memory, seconds by the clock, bytes of output."""

    seconds: float
    megabytes: int
    patience: float
    output: int


@dataclass(frozen=True)
class Run:
    """A program to run. ``entry`` is its function's name, where one is called.

    ``prelude`` is what stands before it: nothing, or what contests' programs are given (server.PRELUDE).
    """

    code: str
    mode: Mode
    limits: Limits
    entry: str = ""
    stdin: str = ""
    prelude: Literal["none", "contest"] = "none"


@dataclass
class Ending:
    """How a run ended.

    ``ended``: exited, or the limit at which it was ended (cpu, clock, memory, processes, output).
    ``status`` is the exit code, or less than 0 the signal. ``report`` is what the process said of itself,
    and may be anything or None: it is the program's word. ``cpu`` is in seconds, ``peak`` in bytes, as
    far as seen.
    """

    ended: str
    status: int
    cpu: float
    peak: int
    stdout: bytes = b""
    report: Any = None


class Sandbox:
    """One server in a sandbox, started when first needed, while the ``with`` block lasts.

    It runs one program at a time, for one thread.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, if it is not there. Raises BoundaryError with what to change if it cannot."""
        if self._closed:
            raise BoundaryError("the sandbox is closed")
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, tempfile.TemporaryFile() as said:
            self._control = ours
            self._process = subprocess.Popen(
                sandbox_command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            ours.settimeout(SECONDS_TO_START)
            try:
                packet = ours.recv(READ_BYTES)
            except TimeoutError:
                packet = b""
            if not packet:
                self.stop()
                raise BoundaryError(_cannot_start(said))

    def stop(self) -> None:
        """End the server and all that it runs; the next run starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._control is not None:
            self._control.close()
            self._control = None

    def close(self) -> None:
        """Stop, for good."""
        self._closed = True
        self.stop()

    def run(self, run: Run) -> Ending:
        """Run a program. Raises SandboxError where nothing can be said of it."""
        pending = self.begin(run, None)
        return pending.finish()

    def begin(self, run: Run, link: socket.socket | None) -> Pending:
        """Start a program, and go on; ``link`` is its end of the line to another's. Raises SandboxError."""
        self.start()
        assert self._control is not None
        opened = [_file_of(run.code), _file_of(run.stdin)]
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
            "prelude": run.prelude,
            "limits": run.limits[:3],
        }
        try:
            socket.send_fds(self._control, [json.dumps(asked).encode()], descriptors)
        except OSError as error:
            pending.close()
            self.stop()
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
                self._sandbox.stop()
                raise SandboxError(str(error)) from error
            finally:
                self.close()
        return self._ending()

    def close(self) -> None:
        """Read no more."""
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
            self._answer["cpu"],
            self._answer["bytes"],
            b"" if self._stdout is None else bytes(self._read[self._stdout]),
            report,
        )


def _read_report(written: bytes) -> Any:
    """The last whole line of it, as JSON: what the process itself writes is its last word."""
    try:
        return json.loads(written.decode().strip().rpartition("\n")[2])
    except (ValueError, RecursionError):
        return None


def _file_of(text: str) -> int:
    """A file without a name that holds ``text``, open for reading alone."""
    writable = os.memfd_create("input", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(writable), "wb") as file:
            file.write(text.encode("utf-8", "surrogatepass"))
        return os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(writable)


def _cannot_start(said: IO[bytes]) -> str:
    said.seek(0)
    words = said.read(4000).decode("utf-8", "replace").strip().splitlines()
    return (
        "programs cannot be run: the sandbox does not start "
        f"({words[-1] if words else 'no reason given'}). {WHAT_TO_CHANGE}"
    )
