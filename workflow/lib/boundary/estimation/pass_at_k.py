"""Statistic: pass@k for every k, with intervals."""

from __future__ import annotations

import pandas as pd

from boundary.estimation.resampled_curves import ResampledCurves, tabulate_curves
from boundary.estimation.unbiased import every_k


def estimate(
    counts: pd.DataFrame, n: int, *, resamples: int, level: float, seed: int
) -> pd.DataFrame:
    """pass@k of a cell's count records for k = 1, 2, 3, ..., averaged over problems.

    Columns: k, pass_at_k, low and high (score interval), low_bootstrap and high_bootstrap (percentile
    bootstrap over problems), low_samples and high_samples (that draws samples within problems, too),
    problems. The first holds where the others fail, with few problems or nearly all solved. k ends at
    ``n``, or at the least number of judged samples of a problem: a missing sample is not a wrong one.
    Raises BoundaryError naming a problem of which none was judged.
    """
    resampled = ResampledCurves([counts], every_k(counts)[:n], resamples=resamples, seed=seed)
    (curve,) = tabulate_curves(resampled, level)
    return curve.assign(problems=len(counts))
