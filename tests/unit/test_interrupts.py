"""Ctrl-C, at any moment: the first is noted, the second raised, and afterwards all is as before."""

import os
import signal
import threading

import pytest
from boundary.sampling.interrupts import FirstInterrupt


@pytest.fixture(autouse=True)
def not_ignored():
    """As in the foreground: who is started behind a shell's ``&`` ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_noted_and_the_second_raised():
    with pytest.raises(KeyboardInterrupt), FirstInterrupt() as first:
        assert not first.came
        interrupt()
        assert first.came
        interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_ignores_them_goes_on_ignoring_them():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with FirstInterrupt() as first:
        interrupt()
        assert not first.came
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_thread_has_none_to_note():
    seen = []

    def enter():
        with FirstInterrupt() as first:
            seen.append(first.came)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False]
