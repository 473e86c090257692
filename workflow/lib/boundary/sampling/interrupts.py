"""Interrupts (Ctrl-C) that ask for an end, where one that is raised at once loses what is under way."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class FirstInterrupt:
    """While the ``with`` block lasts, the first interrupt is noted and a second one is raised.

    Does nothing where interrupts are ignored, as they are behind a shell's ``&``, and in threads, which get
    none.
    """

    def __init__(self) -> None:
        self.came = False
        self._replaced = False

    def __enter__(self) -> FirstInterrupt:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._replaced = True
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True

    def __exit__(self, *raised: object) -> None:
        if self._replaced:
            signal.signal(signal.SIGINT, signal.default_int_handler)
