"""Bootstrap: problems drawn with replacement, and within each of them its samples, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from boundary.estimation.intervals import Interval

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]
COLUMNS_AT_ONCE = 128  # of all resamples, which bounds the memory


def draw_problems(problems: int, resamples: int, seed: int) -> Integers:
    """The problems of each resample, [resamples, problems].

    The same seed draws the same problems, so that models on one benchmark are resampled in pairs.
    """
    rng = np.random.default_rng(seed)
    return rng.integers(problems, size=(resamples, problems), dtype=np.int32)


def count_draws(drawn: Integers, rows: int) -> NDArray[np.float32]:
    """How often each of ``rows`` stands in each resample of ``drawn``: [rows, resamples]."""
    weights = np.empty((rows, len(drawn)), dtype=np.float32)
    for resample, chosen in enumerate(drawn):
        weights[:, resample] = np.bincount(chosen, minlength=rows)
    return weights


def blocks(columns: int) -> Iterator[slice]:
    """Some columns at a time."""
    for start in range(0, columns, COLUMNS_AT_ONCE):
        yield slice(start, min(start + COLUMNS_AT_ONCE, columns))


def resampled_means(
    values: Floats, weights: NDArray[np.float32]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Means of ``values`` [rows, columns] in each resample, whose rows ``weights`` count.

    Yields some columns at a time, as their slice and [columns, resamples]. In single precision, whose
    errors are thousands of times smaller than those of drawing some thousand resamples.
    """
    total = weights[:, 0].sum()
    single = values.astype(np.float32)
    for columns in blocks(values.shape[1]):
        yield columns, single[:, columns].T @ weights / total


def percentile_interval(means: NDArray[np.floating], level: float) -> Interval:
    """Low and high end of the central interval that holds ``level`` of the last axis, the resamples."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return low.astype(np.float64), high.astype(np.float64)


def join(parts: Iterable[Interval]) -> Interval:
    """One interval of all columns from those of some columns each."""
    low, high = map(np.concatenate, zip(*parts, strict=True))
    return low, high
