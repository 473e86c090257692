"""A server in a sandbox as a process of ours: started, asked over a socket, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from typing import IO

from boundary.errors import BoundaryError
from boundary.sandbox.bubblewrap import ENVIRONMENT, sandbox_command

SECONDS_TO_START = 60.0
PACKET_BYTES = 1 << 16
WHAT_TO_CHANGE = (
    "It needs user namespaces, on Linux 5.14 or newer: allow them on the machine (sysctl "
    "kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, and "
    "kernel.apparmor_restrict_unprivileged_userns=0, where these exist) or in the container's settings "
    "(for Docker: --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined). Programs of models are never run outside a sandbox"
)


class SandboxError(Exception):
    """The sandbox itself ended or does not answer: nothing was found out about the program."""


class Served:
    """A module of ``inside`` in a sandbox, started when first needed, until it is closed.

    It does one thing at a time, for one thread.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

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
                sandbox_command(self._module, theirs.fileno()),
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
                packet = ours.recv(PACKET_BYTES)
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


def file_of(text: str) -> int:
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
