"""Perplexities of the responses of one cell under one scorer (the paper, section 4.1)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.data.scored import NO_TOKENS, RETOKENISED, TOO_LONG
from boundary.errors import BoundaryError

KEY = ["problem_id", "sample_index"]
_MISSING = {"perplexity": [""], "entropy": [""]}
ROUNDING = 1e-9  # of sums of weights, as a share of their total

Floats = NDArray[np.float64]


def tabulate(scores: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row for each of the score records ``scores``, in their order.

    Columns: problem_id, sample_index, perplexity (exp(nll_sum / n_tokens), NaN where the response could
    not be scored), entropy (nats, mean over its tokens), n_tokens, tokens (stored or retokenised), cut_off
    (at the token cap), verdict, detail (why it was not scored). ``verdicts`` (problem_id, sample_index,
    verdict) may hold more samples than were scored.

    Raises BoundaryError naming a problem and a sample that was scored twice, has no verdict, or has two.
    """
    _refuse("was scored twice", scores[scores.duplicated(KEY)])
    found = scores[KEY].merge(verdicts[[*KEY, "verdict"]], on=KEY, how="left")
    _refuse("was scored and has no verdict", found[found["verdict"].isna()])
    _refuse("has two verdicts", found[found.duplicated(KEY)])
    return pd.DataFrame(
        {
            **{name: scores[name].to_numpy() for name in KEY},
            "perplexity": np.exp((scores["nll_sum"] / scores["n_tokens"]).to_numpy(np.float64)),
            "entropy": scores["entropy_mean"].to_numpy(np.float64),
            "n_tokens": scores["n_tokens"].to_numpy(),
            "tokens": scores["tokens"].to_numpy(),
            "cut_off": scores["finish_reason"].eq("length").to_numpy(),
            "verdict": found["verdict"].to_numpy(),
            "detail": scores["detail"].to_numpy(),
        }
    )


def read_table(path: Path) -> pd.DataFrame:
    """What ``tabulate`` made and a CSV holds."""
    return pd.read_csv(path, dtype={"problem_id": "str"}, keep_default_na=False, na_values=_MISSING)


def _refuse(what: str, records: pd.DataFrame) -> None:
    if len(records):
        problem, index = records.iloc[0][KEY]
        raise BoundaryError(
            f"problem {problem}: sample {index} {what} ({len(records)} such samples in all)"
        )


def describe(table: pd.DataFrame) -> pd.DataFrame:
    """What ``tabulate`` made of a cell, as ``measure`` and ``value``.

    Measures: problems; responses; scored; unscored, and of these empty (no tokens) and too_long (for the
    scorer's context); cut_off (at the token cap) and retokenised (from the text, which may be other tokens
    than were sampled), both of those scored; median, of the perplexities, each problem weighing the same
    (NaN where none was scored).
    """
    scored = table[table["perplexity"].notna()]
    values = {
        "problems": table["problem_id"].nunique(),
        "responses": len(table),
        "scored": len(scored),
        "unscored": len(table) - len(scored),
        "empty": int(table["detail"].eq(NO_TOKENS).sum()),
        "too_long": int(table["detail"].str.startswith(TOO_LONG).sum()),
        "cut_off": int(scored["cut_off"].sum()),
        "retokenised": int(scored["tokens"].eq(RETOKENISED).sum()),
        "median": _median(scored),
    }
    return pd.DataFrame(values.items(), columns=["measure", "value"])


def _median(scored: pd.DataFrame) -> float:
    if scored.empty:
        return math.nan
    scored = scored.sort_values("perplexity")
    sizes = scored.groupby("problem_id")["perplexity"].transform("size")
    weights = (1 / sizes).to_numpy(np.float64)[None]
    return float(weighted_medians(scored["perplexity"].to_numpy(), weights)[0])


def weighted_medians(values: Floats, weights: Floats) -> Floats:
    """Medians, [rows], of ``values``, ascending, under each row of ``weights`` [rows, values].

    The value with which half of the weight is reached; where it is reached exactly, the mean of that value
    and the next that has a weight.
    """
    reached = weights.cumsum(axis=1)
    total = reached[:, -1:].copy()
    lower, upper = (
        values[np.argmax(reached > total * (0.5 + side * ROUNDING), axis=1)] for side in (-1, 1)
    )
    return (lower + upper) / 2
