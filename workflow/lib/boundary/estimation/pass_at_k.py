"""pass@k: the chance that at least one of k samples is right."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from boundary.errors import BoundaryError
from boundary.estimation.bootstrap import bootstrap_means, percentile_interval


def pass_at_k(n: ArrayLike, correct: ArrayLike, ks: ArrayLike) -> NDArray[np.float64]:
    """Unbiased pass@k of each problem: 1 - C(n - c, k) / C(n, k), shape [problems, ks].

    ``n`` and ``correct`` are [problems]. The ratio of binomials is the product over i < k of
    (n - c - i) / (n - i), which needs no large number and is zero once k > n - c.
    Source: arXiv 2107.03374, eq. 1; section 2.2 of the paper. Raises ValueError where k > n, k < 1 or
    correct is not within 0 ... n.
    """
    sizes, hits, wanted = (np.asarray(values, dtype=np.int64) for values in (n, correct, ks))
    if (hits < 0).any() or (hits > sizes).any():
        raise ValueError("correct must lie within 0 ... n")
    if (wanted < 1).any() or wanted.max() > sizes.min():
        raise ValueError(f"k must lie within 1 ... {sizes.min()}, the smallest n")
    pairs, which = np.unique(np.stack([sizes, hits], axis=1), axis=0, return_inverse=True)
    drawn_before = np.arange(wanted.max())
    remaining = pairs[:, :1] - drawn_before
    wrong = np.clip(remaining - pairs[:, 1:], 0, None)
    all_wrong = np.cumprod(wrong / remaining, axis=1)
    return 1.0 - all_wrong[which.reshape(-1)][:, wanted - 1]


def powers_of_two(n: int) -> list[int]:
    """1, 2, 4, ... and n itself: the k of a curve."""
    powers = [1 << exponent for exponent in range(n.bit_length()) if 1 << exponent < n]
    return [*powers, n]


def estimate(
    counts: pd.DataFrame, n: int, *, resamples: int, level: float, seed: int
) -> pd.DataFrame:
    """pass@k for k = 1, 2, 4, ... n of a cell's count records, averaged over problems.

    Columns: k, pass_at_k, low, high (bootstrap over problems), problems. Raises BoundaryError naming
    the problem that has fewer than n judged samples: a missing sample is not a wrong one.
    """
    short = counts[counts["n"] < n]
    if len(short):
        first = short.iloc[0]
        raise BoundaryError(
            f"problem {first['problem_id']}: {first['n']} judged samples, and pass@{n} needs {n} "
            f"({len(short)} such problems). How many timed out or failed is in the cell's verdicts.csv, "
            "why is in the column detail of its verdicts; what was not judged counts neither way"
        )
    ks = powers_of_two(n)
    values = pass_at_k(counts["n"], counts["correct"], ks)
    low, high = percentile_interval(bootstrap_means(values, resamples, seed), level)
    return pd.DataFrame(
        {
            "k": ks,
            "pass_at_k": values.mean(axis=0),
            "low": low,
            "high": high,
            "problems": len(counts),
        }
    )
