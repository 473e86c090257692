"""Bootstrap over problems: intervals for means of per-problem values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 1000  # resamples at a time, which bounds the memory


def bootstrap_means(values: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Means of ``values`` [problems, columns] over problems drawn with replacement.

    Returns [resamples, columns]. The same seed draws the same problems for any values, so that two
    models on one benchmark are resampled in pairs.
    """
    rng = np.random.default_rng(seed)
    problems = len(values)
    means = np.empty((resamples, values.shape[1]))
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        weights = rng.multinomial(problems, np.full(problems, 1 / problems), size=size)
        means[start : start + size] = weights @ values / problems
    return means


def percentile_interval(
    means: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high ends [columns] of the central interval that holds ``level`` of the resamples."""
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high
