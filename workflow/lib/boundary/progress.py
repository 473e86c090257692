"""Progress of long work: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import NoReturn, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0


class _LogBar(tqdm):  # type: ignore[type-arg]  # it is generic in its stubs alone
    """A bar that prints a line now and then instead of redrawing itself."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        print(self, file=sys.stderr, flush=True)


def progress_bar(total: int, what: str, unit: str, initial: int = 0) -> tqdm[NoReturn]:
    """A bar to ``update(count)``: rate and time left, on standard error.

    ``initial`` counts what an earlier attempt did; the rate is this attempt's.
    """
    if sys.stderr.isatty():
        return tqdm(total=total, initial=initial, desc=what, unit=unit, dynamic_ncols=True)
    return _LogBar(
        total=total,
        initial=initial,
        desc=what,
        unit=unit,
        ascii=True,
        ncols=100,
        mininterval=SECONDS_BETWEEN_LINES,
        maxinterval=SECONDS_BETWEEN_LINES,
    )


def track(items: Iterable[Item], what: str, unit: str, done: int = 0) -> Iterator[Item]:
    """Yield ``items`` (a sized iterable) under a progress bar, behind ``done`` of an earlier attempt."""
    with progress_bar(done + len(items), what, unit, done) as bar:  # type: ignore[arg-type]
        for item in items:
            yield item
            bar.update()
