"""What a new sandbox must withstand before any program of a model runs in it."""

from __future__ import annotations

from boundary.errors import BoundaryError
from boundary.sandbox.client import Run, Sandbox
from boundary.sandbox.inside.isolation import Limits

LIMITS = Limits(seconds=2.0, megabytes=256, patience=10.0, output=1 << 16)
# Prints what it could do and must not.
PROBE = """
import ctypes, os, resource, socket

def can(what, action):
    try:
        if action() is not False:
            print(what)
    except (OSError, MemoryError, ValueError):
        pass

libc = ctypes.CDLL(None)
can("open a socket", lambda: socket.socket())
can("make a namespace", lambda: libc.unshare(0x10000000) == 0)
can("trace a process", lambda: libc.ptrace(0, 0, 0, 0) == 0)
can("mount", lambda: libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b"") == 0)
can("be root", lambda: os.getuid() == 0 or os.setuid(0) is None)
can("see processes", lambda: bool(os.listdir("/proc")))
can("read the machine's accounts", lambda: open("/etc/passwd"))
for folder in ("/", "/dev", "/usr", "/sandbox", "/packages"):
    can("write to " + folder, lambda: open(folder + "/probe", "w"))
can("take more memory", lambda: bytearray(1 << 29))
can("raise a limit", lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))
print("done")
"""


def check_contained(sandbox: Sandbox) -> None:
    """See that a sandbox holds what it must. Raises BoundaryError with what it did not."""
    ending = sandbox.run(Run(PROBE, "main", LIMITS))
    done = ending.stdout.decode("utf-8", "replace").splitlines()
    if done != ["done"]:
        could = ", ".join(line for line in done if line != "done") or f"not run ({ending.report})"
        raise BoundaryError(
            f"programs cannot be run: in the sandbox, a program could {could}. Nothing is run in a sandbox "
            "that does not hold; is the kernel older than 5.14, or bubblewrap's program not the one of "
            "envs/verify.yaml?"
        )
