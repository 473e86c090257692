"""Accuracy histogram: how many problems are answered correctly in which share of their samples."""

from __future__ import annotations

import numpy as np
import pandas as pd

from boundary.estimation.intervals import score_interval
from boundary.estimation.unbiased import check_judged

BINS = ["0", *(f"({i / 10:g}, {(i + 1) / 10:g}]" for i in range(9)), "(0.9, 1)", "1"]


def accuracy_bin(n: int, correct: int) -> int:
    """Index into ``BINS``: exactly 0, (0, 0.1], ..., (0.9, 1), exactly 1 (the paper, fig. 5).

    In integers, so that 1 of 10 lies in (0, 0.1] whatever floating point makes of a tenth.
    """
    if correct == n:
        return len(BINS) - 1
    return -(-10 * correct // n)


def estimate(
    counts: pd.DataFrame, n: int, *, resamples: int, level: float, seed: int
) -> pd.DataFrame:
    """Histogram of a cell's count records.

    Columns: bin, problems, share (of all problems), low, high (of the share: its score
    interval).
    Raises BoundaryError if no sample of a problem was judged.
    """
    check_judged(counts)
    bins = [accuracy_bin(*pair) for pair in zip(counts["n"], counts["correct"], strict=True)]
    member = np.eye(len(BINS))[bins]
    low, high = score_interval(member, level)
    problems = member.sum(axis=0).astype(int)
    return pd.DataFrame(
        {
            "bin": BINS,
            "problems": problems,
            "share": problems / len(counts),
            "low": low,
            "high": high,
        }
    )
