"""A seccomp filter for what namespaces leave open.

A list of what is refused: a program is ordinary Python, which needs most calls, and what it can reach is
bounded by its namespaces, its limits and its lack of privileges. Refused are new namespaces and mounts,
sockets, memory that no limit counts (memfd, System V segments and queues), the calls by which kernels have
been broken from user namespaces, and every call of another architecture's table.
"""

from __future__ import annotations

import ctypes
import struct

# linux/filter.h, linux/seccomp.h
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
EPERM, ENOSYS = 1, 38
PR_SET_SECCOMP, MODE_FILTER = 22, 2
X32_BIT = 0x40000000
NEW_NAMESPACES = 0x7E020080  # all CLONE_NEW* flags of clone(2)

AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = (
    435  # its flags lie in memory, where no filter looks: refused as unknown, and clone is tried
)
# asm/unistd_64.h and asm-generic/unistd.h: the same call's number in the two tables.
NUMBERS = {
    "socket": (41, 198),
    "ptrace": (101, 117),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "personality": (135, 92),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def build_filter(machine: str) -> bytes:
    """The filter for a machine as platform.machine names it. Raises KeyError for another than these two."""
    table = 0 if machine == "x86_64" else 1
    refused = sorted(numbers[table] for numbers in NUMBERS.values())
    lines = [
        _line(LOAD, ARCHITECTURE),
        _line(JUMP_EQUAL, AUDIT_ARCHITECTURE[machine], 1, 0),
        _line(RETURN, KILL),
        _line(LOAD, NUMBER),
        _line(JUMP_AT_LEAST, X32_BIT, 0, 1),
        _line(RETURN, KILL),
        _line(JUMP_EQUAL, CLONE3, 0, 1),
        _line(RETURN, REFUSE | ENOSYS),
    ]
    for number in refused:
        lines += [_line(JUMP_EQUAL, number, 0, 1), _line(RETURN, REFUSE | EPERM)]
    lines += [
        _line(JUMP_EQUAL, CLONE[machine], 0, 3),
        _line(LOAD, FIRST_ARGUMENT),
        _line(JUMP_ANY_BIT, NEW_NAMESPACES, 0, 1),
        _line(RETURN, REFUSE | EPERM),
        _line(RETURN, ALLOW),
    ]
    return b"".join(lines)


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def refuse_system_calls(libc: ctypes.CDLL, instructions: bytes) -> None:
    """Put the filter on this process and all that it starts. Raises OSError."""
    program = _Program(len(instructions) // 8, instructions)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
