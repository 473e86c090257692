"""A process of its own namespaces, without privileges, under limits.

Constants are those of sched.h, sys/mount.h, sys/prctl.h and linux/capability.h.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
from typing import NamedTuple

from .system_calls import CLONE, build_filter, refuse_system_calls

NEW_USER, NEW_PID, NEW_MOUNTS, NEW_IPC = 0x10000000, 0x20000000, 0x00020000, 0x08000000
NEW_HOST_NAME = 0x04000000
NAMESPACES = NEW_USER | NEW_PID | NEW_MOUNTS | NEW_IPC | NEW_HOST_NAME
SIGCHLD = 17
NOSUID_NODEV = 2 | 4
READ_ONLY = 1
PR_SET_DEATH_SIGNAL, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVILEGES = 1, 4, 38
CAPABILITIES_VERSION = 0x20080522
CAPSET = {"x86_64": 126, "aarch64": 91}
MEGABYTE = 1 << 20
FILE_MEGABYTES, FILES = 16, 64  # of one file, and open at once
FOLDER_MEGABYTES, FOLDER_FILES = 32, 1024  # in /tmp and in /dev/shm
PROCESSES = 32  # and threads, of one program


class Limits(NamedTuple):
    """What a program may take: CPU seconds, megabytes of memory, seconds by the clock, bytes of output.

    The last is kept outside, where output is read.
    """

    seconds: float
    megabytes: int
    patience: float
    output: int


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Capabilities(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


class Isolation:
    """Clones processes into namespaces of their own. Made once, before any program is there."""

    def __init__(self) -> None:
        # Not CDLL: the interpreter's lock is kept, since the child goes on in the interpreter.
        self.libc = ctypes.PyDLL(None, use_errno=True)
        self.machine = platform.machine()
        self.filter = build_filter(self.machine)
        self.user, self.group = os.getuid(), os.getgid()
        with open("/proc/self/statm") as statm:  # noqa: PTH123
            self.own_bytes = int(statm.read().split()[0]) * resource.getpagesize()

    def clone(self) -> int:
        """0 in the child, whose namespaces are new; its process number in the parent. Raises OSError."""
        flags = ctypes.c_ulong(NAMESPACES | SIGCHLD)
        return self._checked("clone", self.libc.syscall(CLONE[self.machine], flags, 0, 0, 0, 0))

    def confine(self, limits: Limits) -> None:
        """In the child: folders of its own, no privileges, limits, and the filter last. Raises OSError."""
        os.setsid()  # in the server's process group, kill(0, 9) would reach the server
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{self.user} {self.user} 1")
        _write("/proc/self/gid_map", f"{self.group} {self.group} 1")
        size = f"size={FOLDER_MEGABYTES}m,nr_inodes={FOLDER_FILES},mode=1777"
        self._mount("/tmp", NOSUID_NODEV, size)
        self._mount("/dev/shm", NOSUID_NODEV, size)
        self._mount("/proc", NOSUID_NODEV | READ_ONLY, "size=4k,nr_inodes=2")
        os.chdir("/tmp")
        self._control(PR_SET_DEATH_SIGNAL, 9)
        self._drop_capabilities()
        _limit(limits, self.own_bytes)
        self.refuse()

    def refuse(self) -> None:
        """No new privileges, and the filter, on this very process. Raises OSError."""
        self._control(PR_SET_NO_NEW_PRIVILEGES, 1)
        refuse_system_calls(self.libc, self.filter)

    def _mount(self, folder: str, flags: int, options: str) -> None:
        self._checked(
            f"mount {folder}",
            self.libc.mount(
                b"tmpfs", folder.encode(), b"tmpfs", ctypes.c_ulong(flags), options.encode()
            ),
        )

    def _control(self, option: int, value: int) -> None:
        self._checked("prctl", self.libc.prctl(option, value, 0, 0, 0))

    def _drop_capabilities(self) -> None:
        header, nothing = _Header(CAPABILITIES_VERSION, 0), (_Capabilities * 2)()
        number = CAPSET[self.machine]
        self._checked(
            "capset", self.libc.syscall(number, ctypes.byref(header), ctypes.byref(nothing))
        )

    def become(self, user: int) -> None:
        """Take another user's number for good, where root started the sandbox. Raises OSError."""
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        # What changed its user may not write its own /proc files, and so no child could map its user.
        self._control(PR_SET_DUMPABLE, 1)
        self.user = self.group = user

    def _checked(self, what: str, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")
        return result


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _limit(limits: Limits, own_bytes: int) -> None:
    most = {
        resource.RLIMIT_AS: own_bytes + limits.megabytes * MEGABYTE,
        resource.RLIMIT_CPU: int(limits.seconds) + 1,  # of one process; the server adds them up
        resource.RLIMIT_FSIZE: FILE_MEGABYTES * MEGABYTE,
        resource.RLIMIT_NPROC: PROCESSES,
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, value in most.items():
        resource.setrlimit(kind, (value, value))
