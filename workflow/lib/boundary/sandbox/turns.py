"""Turns at the machine: many programs at once, or one alone.

A program's limit is CPU time, but CPU time is dearer on a busy machine: caches and cores are shared. Who
ran out of time is run again while no other program of this user runs on this machine, in whatever job.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from boundary.data.lock_folder import lock_folder


class Turns:
    """Two locked files. Each worker has its own, since a lock belongs to who opened the file."""

    def __init__(self) -> None:
        folder = lock_folder("boundary")
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._door, self._room = (
            os.fdopen(os.open(folder / name, flags, 0o600), "r+b") for name in ("door", "room")
        )

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Among others."""
        fcntl.flock(self._door, fcntl.LOCK_SH)
        fcntl.flock(self._room, fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """With nobody else: who comes now waits at the door, until those in the room have left it."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)
            fcntl.flock(self._door, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the files back."""
        for file in (self._door, self._room):
            file.close()
