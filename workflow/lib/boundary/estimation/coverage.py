"""Coverage: which problems were solved by whom, in the samples that were drawn."""

from __future__ import annotations

import math

import pandas as pd

from boundary.errors import BoundaryError


class ProblemMissingError(BoundaryError):
    """One of two models lacks problems; ``missing`` are the other's count records of these."""

    def __init__(self, message: str, missing: pd.DataFrame) -> None:
        super().__init__(message)
        self.missing = missing


CATEGORIES = ("both", "base_only", "model_only", "neither")


def pair_counts(base: pd.DataFrame, model: pd.DataFrame, *, common_only: bool) -> pd.DataFrame:
    """Count records of two models side by side, in the base's order.

    Columns: problem_id, base_judged, base_correct, model_judged, model_correct. Raises BoundaryError naming
    a problem that one of the two lacks, unless ``common_only`` leaves such problems out, and if no problem
    is left.
    """
    for frame, other, who, whom in (
        (base, model, "the model", "the base"),
        (model, base, "the base", "the model"),
    ):
        missing = frame[~frame["problem_id"].isin(other["problem_id"])]
        if len(missing) and not common_only:
            raise ProblemMissingError(
                f"problem {missing.iloc[0]['problem_id']}: {who} has no samples of it, and {whom} has "
                f"({len(missing)} such problems)",
                missing,
            )
    named = [
        frame.rename(columns={"n": f"{who}_judged", "correct": f"{who}_correct"})
        for frame, who in ((base, "base"), (model, "model"))
    ]
    pairs = named[0].merge(named[1], on="problem_id", how="inner", validate="one_to_one")
    if pairs.empty:
        raise BoundaryError("the two have no problem in common")
    return pairs


def one_of(pairs: pd.DataFrame, who: str) -> pd.DataFrame:
    """Count records of the ``base`` or of the ``model`` of a table of ``pair_counts``."""
    columns = {f"{who}_judged": "n", f"{who}_correct": "correct"}
    return pairs[["problem_id", *columns]].rename(columns=columns)


def categorise(pairs: pd.DataFrame) -> pd.DataFrame:
    """``pairs`` with a column category: solved by both, base_only, model_only or neither.

    Solved is a problem with a correct sample among those drawn. One without was not seen to be solved in
    so many samples, which is not to say that it cannot be.
    """
    solved = [pairs[f"{who}_correct"] > 0 for who in ("base", "model")]
    kinds = {(True, True): "both", (True, False): "base_only", (False, True): "model_only"}
    found = [kinds.get(pair, "neither") for pair in zip(*solved, strict=True)]
    return pairs.assign(category=found)


def mcnemar_p(base_only: int, model_only: int) -> float:
    """McNemar's exact test of solved against unsolved: the two-sided p-value.

    Source: McNemar (1947), with the binomial distribution in place of its approximation.
    """
    from scipy import stats

    different = base_only + model_only
    return float(stats.binomtest(base_only, different).pvalue) if different else 1.0


def share_with_interval(part: int, whole: int, level: float) -> tuple[float, float, float]:
    """A share and its score interval (Wilson 1927), all undefined of nothing.

    The subset ratio is such a share: of the problems that the model solved, those that the base did.
    """
    if not whole:
        return math.nan, math.nan, math.nan
    from scipy import stats

    interval = stats.binomtest(part, whole).proportion_ci(level, method="wilson")
    return part / whole, float(interval.low), float(interval.high)
