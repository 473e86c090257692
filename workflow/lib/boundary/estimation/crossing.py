"""The crossing k*: from how many samples on the base solves more than what post-training made of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TIE = 1e-6  # differences of pass@k that count for none


class CrossingFinder:
    """The crossing of many curves at once, which are seen a few ks at a time, in ascending order."""

    def __init__(self, curves: int) -> None:
        self._last_above = np.zeros(curves, dtype=np.int64)
        self._last_below = np.zeros(curves, dtype=np.int64)

    def see(self, ks: NDArray[np.int64], differences: NDArray[np.floating]) -> None:
        """Take the model's pass@k less the base's, [ks, curves]."""
        at = ks[:, None]
        for last, here in (
            (self._last_above, differences > TIE),
            (self._last_below, differences < -TIE),
        ):
            np.maximum(last, np.where(here, at, 0).max(axis=0), out=last)

    def crossings(self) -> Floats:
        """For each curve the first k from which on the model is never above the base, and at last below.

        Infinite where the curve ends with the model above, or level all along. Levels at the end do not
        count: two curves that meet at 1 have crossed if the base was ahead before.
        """
        crossed = self._last_below > self._last_above
        return np.where(crossed, self._last_above + 1.0, math.inf)


def find_crossing(ks: NDArray[np.int64], difference: Floats) -> float:
    """The crossing of one curve, [ks]."""
    finder = CrossingFinder(1)
    finder.see(ks, difference[:, None])
    return float(finder.crossings()[0])


def crossing_interval(ks: NDArray[np.int64], low: Floats, high: Floats) -> tuple[float, float]:
    """The ks at which the curves may cross: those where the difference's interval holds 0.

    ``low`` and ``high`` are the ends of the difference's intervals, [ks]. From the first k at which the
    model may not be above to the first from which on it cannot be; infinite if that is beyond the last.
    """
    may_be_level = np.flatnonzero(low <= 0)
    may_be_above = np.flatnonzero(high >= 0)
    first = float(ks[may_be_level[0]]) if len(may_be_level) else math.inf
    if not len(may_be_above):
        return first, 1.0
    last = may_be_above[-1] + 1
    return first, float(ks[last]) if last < len(ks) else math.inf
