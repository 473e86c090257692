"""Collecting what comes one by one into groups that are worth writing down at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def timed_groups(
    steps: Iterable[list[Item]],
    seconds: float,
    size: Callable[[Item], float] = lambda item: 0,
    largest: float = math.inf,
) -> Iterator[list[Item]]:
    """Groups of what ``steps`` yield, ``seconds`` long, or less where their ``size`` reaches ``largest``.

    What came before a step fails, or is interrupted, still comes. No group is empty.
    """
    group: list[Item] = []
    total = 0.0
    flushed = time.monotonic()
    try:
        for items in steps:
            group += items
            total += sum(map(size, items))
            late = time.monotonic() - flushed >= seconds
            if group and (late or total >= largest):
                yield group
                group, total, flushed = [], 0.0, time.monotonic()
    except (Exception, KeyboardInterrupt):
        if group:
            yield group
        raise
    if group:
        yield group
