"""Intervals of means over problems that hold where the bootstrap fails: few problems, a mean near 1.

When every problem of a benchmark is solved, so it is in every resample, and the bootstrap's interval has
no width. Wilson's score interval of a proportion has none of that trouble. Here it is used on means of
values between 0 and 1: their variance, smaller than a proportion's, makes the problems count for more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats]  # low and high ends
Measured = tuple[float, float, float]  # a value and the ends of its interval
# An effective number of problems beyond this many times their number is not believed.
LARGEST_GAIN = 1000.0


def score_interval(values: Floats, level: float) -> Interval:
    """Low and high end, [columns], for the mean of each column of ``values`` [problems, columns].

    Wilson (1927), with Student's t for few problems, and with the effective number of problems of
    surveys (Korn and Graubard 1998): problems times m (1 - m) / s^2, for the mean m and the variance s^2
    of the column with one more problem at 0 and one at 1. These keep a column without any variance from
    counting as certain.
    """
    problems = len(values)
    means = values.mean(axis=0)
    ends = np.repeat([[0.0], [1.0]], values.shape[1], axis=1)
    with_both = np.concatenate([values, ends])
    middle = with_both.mean(axis=0)
    shrinkage = with_both.var(axis=0, ddof=1) / (middle * (1 - middle))
    effective = problems / np.clip(shrinkage, 1 / LARGEST_GAIN, None)
    squared = _quantile(problems, level) ** 2 / effective
    centre = (means + squared / 2) / (1 + squared)
    spread = np.sqrt(squared * (means * (1 - means) + squared / 4)) / (1 + squared)
    return np.clip(centre - spread, 0, 1), np.clip(centre + spread, 0, 1)


def score_interval_of_difference(first: Floats, second: Floats, level: float) -> Interval:
    """Low and high end, [columns], for the mean of ``second`` less that of ``first``.

    Both are [problems, columns] and the problems are the same. From the two score intervals and the
    correlation of the pairs: Newcombe (1998), method 10 for paired proportions (MOVER).
    """
    (low_1, high_1), (low_2, high_2) = (score_interval(values, level) for values in (first, second))
    mean_1, mean_2 = first.mean(axis=0), second.mean(axis=0)
    correlation = _correlation(first, second)

    def reach(one: Floats, other: Floats) -> Floats:
        squared = one**2 + other**2 - 2 * correlation * one * other
        return np.sqrt(np.clip(squared, 0, None))

    difference = mean_2 - mean_1
    low = difference - reach(mean_2 - low_2, high_1 - mean_1)
    return low, difference + reach(high_2 - mean_2, mean_1 - low_1)


def _correlation(first: Floats, second: Floats) -> Floats:
    """Correlation over problems, [columns], with four more pairs: (0, 0), (0, 1), (1, 0) and (1, 1).

    Where two models differ on a handful of problems, their correlation is no proof that they differ on no
    other. So these pairs weigh as one problem each where no difference was seen, and less the more
    problems share in the difference: 1 / (1 + m), for the m equal differences that have its sum and its
    sum of squares.
    """
    apart = np.abs(second - first)
    squares = (apart**2).sum(axis=0)
    sharing = np.divide(
        apart.sum(axis=0) ** 2, squares, out=np.zeros_like(squares), where=squares > 0
    )
    weight = 1 / (1 + sharing)
    total = len(first) + 4 * weight
    mean_1, mean_2 = ((v.sum(axis=0) + 2 * weight) / total for v in (first, second))
    around = {(one, other): (one - mean_1) * (other - mean_2) for one in (0, 1) for other in (0, 1)}
    together = ((first - mean_1) * (second - mean_2)).sum(axis=0)
    together += weight * sum(around.values())
    spread = [
        ((v - mean) ** 2).sum(axis=0) + weight * 2 * (mean**2 + (1 - mean) ** 2)
        for v, mean in ((first, mean_1), (second, mean_2))
    ]
    return together / np.sqrt(spread[0] * spread[1])


def mean_difference(first: Floats, second: Floats, level: float) -> Measured:
    """Mean of ``second`` less that of ``first``, both [problems], with its score interval."""
    low, high = score_interval_of_difference(first[:, None], second[:, None], level)
    return float((second - first).mean()), float(low[0]), float(high[0])


def _quantile(problems: int, level: float) -> float:
    """How many standard errors an interval reaches to either side, by Student's t."""
    from scipy import stats

    return float(stats.t.ppf((1 + level) / 2, max(problems - 1, 1)))
