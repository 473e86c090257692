"""Which of a file's problems a benchmark takes: a part of a seeded split, a window of dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from boundary.benchmarks.problem import Problem
from boundary.data.provenance import text_digest
from boundary.errors import BoundaryError


def part_positions(name: str, sizes: Mapping[str, int], seed: int) -> frozenset[int]:
    """Positions, from 0, of the part ``name`` of a file that holds as many problems as ``sizes`` sum to.

    All positions are put in the order of the SHA-256 of "SEED POSITION" in hexadecimal; the first part by
    name takes as many as its size from the front, the second as many of the rest. So every position is in
    exactly one part, and no library's random numbers can change which.
    """
    dealt = sorted(
        range(sum(sizes.values())), key=lambda position: text_digest(f"{seed} {position}")
    )
    begin = sum(size for other, size in sizes.items() if other < name)
    return frozenset(dealt[begin : begin + sizes[name]])


def is_between(problem: Problem, begin: date, end: date, place: str) -> bool:
    """Whether the ``date`` in a problem's meta is ``begin`` or later, and before ``end``.

    Raises BoundaryError, beginning with ``place``, if there is none.
    """
    told = problem.meta.get("date")
    if told is None:
        raise BoundaryError(
            f"{place}: no date, by which `between` chooses; leave `between` out, or name the format of "
            "the file that tells one: livecodebench"
        )
    return begin <= date.fromisoformat(told) < end
