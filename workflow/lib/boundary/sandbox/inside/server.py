"""The server: clones one process for each program, watches over it, and says how it ended.

It holds nothing of any program: code, input and output pass by on descriptors of the host's, and so there
is nothing for the next program to find. What it is asked, and what it answers, is one packet of JSON each.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

from .isolation import MEGABYTE, PROCESSES, Isolation, Limits
from .link import LINK
from .program import REPORT, read_text, run

STOP = b"stop"
CONFINED = b"confined"
GLANCE, LOOK = 0.02, 0.05  # seconds until a program is first looked at, and then between looks
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# What programs for contests are given by LiveCodeBench's own runner, all of each.
PRELUDE = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools "
    "operator io sys json typing"
)


def main(descriptor: int, user: int | None) -> None:
    """Serve on the control socket until it ends; as ``user``, where root started the sandbox."""
    control = socket.socket(fileno=descriptor)
    with suppress(ImportError):
        import numpy  # noqa: F401  (programs find it loaded)
    prelude = _prelude()
    isolation = Isolation()
    if user is not None:
        isolation.become(user)
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"ready": True}).encode())
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 8)
        if not packet:
            return
        if packet == STOP:  # for a program that had just ended by itself
            continue
        answer = _run(isolation, json.loads(packet), descriptors, control, prelude)
        control.send(json.dumps(answer).encode())


def _prelude() -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    for name in PRELUDE.split():
        exec(f"import {name}\nfrom {name} import *", namespace)
    namespace.pop("__builtins__")
    return namespace


def _run(
    isolation: Isolation,
    asked: dict[str, Any],
    descriptors: list[int],
    control: socket.socket,
    prelude: dict[str, Any],
) -> dict[str, Any]:
    limits = Limits(*asked["limits"])
    # Whether it was confined is said on a descriptor that is closed before the program begins.
    confined, say_confined = os.pipe()
    try:
        pid = isolation.clone()
    except OSError as error:
        _close([*descriptors, confined, say_confined])
        return {"ended": "unconfined", "why": str(error)}
    if pid == 0:
        given = prelude if asked["is_contest"] else {}
        _be_the_program(isolation, limits, asked, descriptors, say_confined, given)
    _close([*descriptors, say_confined])
    ended, cpu = _watch(pid, limits, control)
    _, status, usage = os.wait4(pid, 0)
    said = os.read(confined, 1024)
    os.close(confined)
    if said != CONFINED:
        return {"ended": "unconfined", "why": said.decode("utf-8", "replace")}
    return {
        "ended": ended,
        "status": os.waitstatus_to_exitcode(status),
        "cpu": max(cpu, usage.ru_utime + usage.ru_stime),
    }


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _be_the_program(
    isolation: Isolation,
    limits: Limits,
    asked: dict[str, Any],
    descriptors: list[int],
    say_confined: int,
    prelude: dict[str, Any],
) -> None:
    """In the child: never returns."""
    try:
        code, stdin, stdout, link, report, say_confined = _above([*descriptors, say_confined])
        for descriptor, place in ((stdin, 0), (stdout, 1), (link, LINK), (report, REPORT)):
            os.dup2(descriptor, place)
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        text = read_text(code)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        isolation.confine(limits)
        os.write(say_confined, CONFINED)
    except BaseException as error:
        os.write(say_confined, f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    try:
        os.closerange(REPORT + 1, 1024)
        run(asked["mode"], text, asked["entry"], prelude)
    finally:
        os._exit(0)


def _above(descriptors: list[int]) -> list[int]:
    """The same files at numbers that no place of the program's has."""
    return [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100) for descriptor in descriptors]


def _watch(pid: int, limits: Limits, control: socket.socket) -> tuple[str, float]:
    """Wait for the program's end, or end it at a limit: how it ended, and CPU seconds as far as seen."""
    started = time.monotonic()
    process = os.pidfd_open(pid)
    own = _resident(os.getpid())
    poll = select.poll()
    poll.register(process, select.POLLIN)
    poll.register(control, select.POLLIN)
    ended, cpu, wait = "exited", 0.0, GLANCE
    try:
        while True:
            happened = {descriptor for descriptor, _ in poll.poll(1000 * wait)}
            if process in happened:
                break
            if control.fileno() in happened:
                control.recv(16)
                ended = "stopped"
                break
            wait = LOOK
            processes = _processes()
            cpu = max(cpu, sum(_cpu_seconds(each) for each in processes))
            memory = sum(max(0, _resident(each) - own) for each in processes)
            if memory > limits.megabytes * MEGABYTE:
                ended = "memory"
            elif cpu > limits.seconds:
                ended = "cpu"
            elif len(processes) > 2 * PROCESSES:
                ended = "processes"
            elif time.monotonic() - started > limits.patience:
                ended = "clock"
            if ended != "exited":
                break
    finally:
        # The first process of its namespace: the kernel ends all others with it.
        signal.pidfd_send_signal(process, signal.SIGKILL)
        os.close(process)
    return ended, cpu


def _processes() -> list[int]:
    """The program's processes: all but the first of the sandbox and the server itself."""
    own = {1, os.getpid()}
    names = os.listdir("/proc")  # noqa: PTH208
    return [int(name) for name in names if name.isdecimal() and int(name) not in own]


def _cpu_seconds(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
    except (OSError, ValueError):
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0
