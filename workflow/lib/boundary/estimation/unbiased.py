"""The unbiased estimator of pass@k, the chance that at least one of k samples is right."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from boundary.errors import BoundaryError

Floats = NDArray[np.float64]
LARGEST_K = 4096  # of a curve: what follows takes time and memory by n x k


def pass_at_k(n: ArrayLike, correct: ArrayLike, ks: ArrayLike) -> Floats:
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


def tabulate(sizes: NDArray[np.int64], ks: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    """pass@k for every n of ``sizes`` [problems] and every correct from 0 to n.

    Returns the table, [rows, ks], and where each problem's rows begin: that of c correct samples is c
    further. Raises ValueError as pass_at_k does.
    """
    present, which = np.unique(sizes, return_inverse=True)
    table = np.concatenate([pass_at_k(np.full(n + 1, n), np.arange(n + 1), ks) for n in present])
    return table, np.concatenate([[0], np.cumsum(present + 1)])[which]


def powers_of_two(n: int) -> list[int]:
    """1, 2, 4, ... and n itself: the k that tables show."""
    powers = [1 << exponent for exponent in range(n.bit_length()) if 1 << exponent < n]
    return [*powers, n]


def every_k(counts: pd.DataFrame) -> NDArray[np.int64]:
    """1, 2, 3, ... up to the least number of judged samples of a problem, and to LARGEST_K.

    Raises BoundaryError naming a problem of which no sample was judged.
    """
    check_judged(counts)
    return np.arange(1, min(LARGEST_K, int(counts["n"].min())) + 1)


def check_judged(counts: pd.DataFrame) -> None:
    """See that every problem has a judged sample. Raises BoundaryError naming one that has none."""
    unjudged = counts[counts["n"] == 0]
    if len(unjudged):
        raise BoundaryError(
            f"problem {unjudged.iloc[0]['problem_id']}: none of its samples was judged "
            f"({len(unjudged)} such problems); see the cell's verdicts.csv. What was not judged counts "
            "neither way, so that nothing can be said of it"
        )


def check_enough(counts: pd.DataFrame, k: int) -> None:
    """See that pass@k can be estimated. Raises BoundaryError naming a problem with fewer samples."""
    short = counts[counts["n"] < k]
    if len(short):
        raise BoundaryError(
            f"problem {short.iloc[0]['problem_id']}: {short.iloc[0]['n']} judged samples, and pass@{k} "
            f"needs {k} ({len(short)} such problems). A missing sample is not a wrong one"
        )
