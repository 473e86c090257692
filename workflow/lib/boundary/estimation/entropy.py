"""The entropy of a model's output: of the next token's distribution, over the tokens of its responses."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from boundary.errors import BoundaryError
from boundary.estimation.intervals import Measured


def by_problem(scores: pd.DataFrame) -> pd.DataFrame:
    """Entropies of the score records ``scores`` of a model's own responses, by problem.

    Columns: problem_id, entropy (nats, mean over the tokens; NaN without a scored response), tokens and
    responses (those scored), unscored. Raises BoundaryError if no response was scored, or none with its
    entropy.
    """
    if scores["nll_sum"].isna().all():
        raise BoundaryError(f"none of the {len(scores)} responses was scored")
    told = scores["entropy_mean"].notna()
    if not told.any():
        raise BoundaryError(
            "the scores hold no entropies, which vllm does not tell; score with transformers"
        )
    tokens = scores["n_tokens"].where(told, 0)
    sums = (
        pd.DataFrame(
            {
                "problem_id": scores["problem_id"],
                "entropy": scores["entropy_mean"].astype(np.float64) * tokens,
                "tokens": tokens,
                "responses": told.astype(int),
                "unscored": (~told).astype(int),
            }
        )
        .groupby("problem_id", sort=False, observed=True)
        .sum()
    )
    return sums.assign(entropy=sums["entropy"] / sums["tokens"]).reset_index()


def measure(table: pd.DataFrame, level: float) -> Measured:
    """Mean entropy over the problems of ``by_problem`` that have one, and the ends of its interval.

    Student's t, and no less than 0; NaN ends of one problem alone.
    """
    from scipy import stats

    values = table["entropy"].dropna().to_numpy(np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, math.nan, math.nan
    quantile = float(stats.t.ppf((1 + level) / 2, len(values) - 1))
    reach = quantile * float(values.std(ddof=1)) / math.sqrt(len(values))
    return mean, max(mean - reach, 0.0), mean + reach


def estimate(scores: pd.DataFrame, *, temperature: float, level: float) -> pd.DataFrame:
    """The output entropy of a cell that was sampled at ``temperature``: measure, value, low, high.

    Measures: temperature; entropy, as ``measure`` has it; problems; problems_left_out, those without a
    scored response; responses and tokens, those scored; unscored. Only entropy has an interval, and NaN
    stands for the ends of the others. Raises BoundaryError as ``by_problem`` does.
    """
    table = by_problem(scores)
    told = int(table["entropy"].notna().sum())
    counts = {
        "problems": told,
        "problems_left_out": len(table) - told,
        **{name: int(table[name].sum()) for name in ("responses", "tokens", "unscored")},
    }
    rows = [
        ("temperature", temperature, math.nan, math.nan),
        ("entropy", *measure(table, level)),
        *((name, count, math.nan, math.nan) for name, count in counts.items()),
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "low", "high"])
