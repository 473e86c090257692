"""The sampling-efficiency gap: how far pass@1 stays behind what the base reaches in many samples."""

from __future__ import annotations

import pandas as pd

from boundary.estimation.intervals import Measured, mean_difference
from boundary.estimation.unbiased import check_enough, pass_at_k

BASE_K = 256  # of the base's pass@k, or the largest k if that is less
POINTS = 100


def efficiency_gap(base: pd.DataFrame, model: pd.DataFrame, k: int, level: float) -> Measured:
    """Delta_SE in points and the ends of its interval: the base's pass@k less the model's pass@1.

    ``base`` and ``model`` are count records on the same problems in the same order. The paper takes k =
    256 (section 4.3, table 2); lower is better. Raises BoundaryError naming a problem of which less than
    k samples of the base were judged.
    """
    check_enough(base, k)
    reached = pass_at_k(base["n"], base["correct"], [k])[:, 0]
    at_once = pass_at_k(model["n"], model["correct"], [1])[:, 0]
    estimate, low, high = (POINTS * end for end in mean_difference(at_once, reached, level))
    return estimate, low, high
