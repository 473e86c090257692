"""Two models on the same problems: their curves' difference and crossing, coverage, and the gap."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.estimation.bootstrap import join, percentile_interval
from boundary.estimation.coverage import (
    CATEGORIES,
    categorise,
    mcnemar_p,
    one_of,
    share_with_interval,
)
from boundary.estimation.crossing import CrossingFinder, crossing_interval, find_crossing
from boundary.estimation.efficiency_gap import BASE_K, efficiency_gap
from boundary.estimation.intervals import (
    Measured,
    mean_difference,
    score_interval,
    score_interval_of_difference,
)
from boundary.estimation.resampled_curves import ResampledCurves, tabulate_curves, with_intervals
from boundary.estimation.unbiased import every_k, pass_at_k

OFTEN = 0.1  # of 64 samples, a model with this accuracy has a correct one in 999 of 1,000 cases


class Comparison(NamedTuple):
    """Tables of a pair, as ``compare`` describes them."""

    base: pd.DataFrame
    model: pd.DataFrame
    difference: pd.DataFrame
    coverage: pd.DataFrame
    measures: pd.DataFrame


def compare(pairs: pd.DataFrame, *, resamples: int, level: float, seed: int) -> Comparison:
    """Compare a model with its base. ``pairs`` is a table of boundary.estimation.coverage.pair_counts.

    base, model: their curves, as boundary.estimation.pass_at_k has them. difference: k, base_pass_at_k,
    model_pass_at_k, difference (the model's less the base's), with the same intervals. k ends at the least
    number of judged samples of a problem, of either. coverage: ``pairs`` with each problem's category.
    measures: measure, value, low, high:

    - difference_at_1, difference_at_largest_k, largest_k; least_difference, the lowest of the
      differences, with the lowest of the low and of the high ends
    - crossing, in samples, infinite where there is none up to largest_k (boundary.estimation.crossing);
      crossing_bootstrap, the ends by percentiles of the resamples; crossing_censored and
      crossing_from_start, the shares of these without one, and with the base ahead from k = 1
    - base_judged, model_judged: the least number of judged samples of a problem, and as ends the least
      and the most
    - problems; both, base_only, model_only, neither, of which these are; subset_ratio, the share of the
      problems that the model solved that the base solved, too, and subset_ratio_often, of those that it
      solved in OFTEN of its samples or more, which chance does not hide from its equal; mcnemar_p
    - delta_se, in points, and delta_se_k; base_pass_at_1, model_pass_at_1, and at delta_se_k
      base_pass_at_k, model_pass_at_k
    - at_accuracy_0, at_accuracy_1: the model's share of such problems less the base's

    Raises BoundaryError naming a problem of which no sample was judged.
    """
    base, model = (one_of(pairs, who) for who in ("base", "model"))
    ks = every_k(pd.concat([base, model]))
    resampled = ResampledCurves([base, model], ks, resamples=resamples, seed=seed)
    finder = CrossingFinder(resamples)
    difference = _difference(resampled, finder, level)
    coverage = categorise(pairs)
    gap_at = min(BASE_K, int(base["n"].min()))
    measured = {
        **_measure_difference(difference),
        **_measure_crossing(difference, finder.crossings(), level),
        **_measure_judged(base, model),
        **_measure_coverage(coverage, level),
        "delta_se": efficiency_gap(base, model, gap_at, level),
        "delta_se_k": _alone(gap_at),
        **_measure_curves(base, model, gap_at, level),
        "at_accuracy_0": _measure_accuracy(base, model, 0, level),
        "at_accuracy_1": _measure_accuracy(base, model, 1, level),
    }
    rows = [(name, *values) for name, values in measured.items()]
    measures = pd.DataFrame(rows, columns=["measure", "value", "low", "high"])
    of_base, of_model = tabulate_curves(resampled, level)
    return Comparison(of_base, of_model, difference, coverage, measures)


def _alone(value: float) -> Measured:
    """A measure without an interval."""
    return value, math.nan, math.nan


def _difference(resampled: ResampledCurves, finder: CrossingFinder, level: float) -> pd.DataFrame:
    base, model = resampled.values
    over_problems = []
    for columns, (of_base, of_model) in resampled.over_problems():
        over_problems.append(percentile_interval(of_model - of_base, level))
        finder.see(resampled.ks[columns], of_model - of_base)
    over_samples = [
        percentile_interval(of_model - of_base, level)
        for _, (of_base, of_model) in resampled.over_samples()
    ]
    means = [values.mean(axis=0) for values in (base, model)]
    table = {
        "k": resampled.ks,
        "base_pass_at_k": means[0],
        "model_pass_at_k": means[1],
        "difference": means[1] - means[0],
    }
    return with_intervals(
        table,
        means[1] - means[0],
        score_interval_of_difference(base, model, level),
        join(over_problems),
        join(over_samples),
        least=-1,
    )


def _measure_difference(difference: pd.DataFrame) -> dict[str, Measured]:
    first, last = (
        (float(row["difference"]), float(row["low"]), float(row["high"]))
        for row in (difference.iloc[0], difference.iloc[-1])
    )
    least = difference[["difference", "low", "high"]].min()
    return {
        "difference_at_1": first,
        "difference_at_largest_k": last,
        "largest_k": _alone(int(difference["k"].iloc[-1])),
        "least_difference": (float(least["difference"]), float(least["low"]), float(least["high"])),
    }


def _measure_crossing(
    difference: pd.DataFrame, resampled: NDArray[np.float64], level: float
) -> dict[str, Measured]:
    ks, estimates, low, high = (
        difference[name].to_numpy() for name in ("k", "difference", "low", "high")
    )
    estimate = find_crossing(ks, estimates)
    tail = (1 - level) / 2
    # Of the resamples themselves, since there is nothing between a crossing and none.
    ends = np.quantile(resampled, [tail, 1 - tail], method="inverted_cdf")
    return {
        "crossing": (estimate, *crossing_interval(ks, low, high)),
        "crossing_bootstrap": (estimate, float(ends[0]), float(ends[1])),
        "crossing_censored": _alone(float(np.isinf(resampled).mean())),
        "crossing_from_start": _alone(float((resampled == 1).mean())),
    }


def _measure_curves(
    base: pd.DataFrame, model: pd.DataFrame, largest: int, level: float
) -> dict[str, Measured]:
    measured = {}
    for who, counts in (("base", base), ("model", model)):
        for name, k in (("1", 1), ("k", largest)):
            if k > counts["n"].min():
                measured[f"{who}_pass_at_{name}"] = _alone(math.nan)
                continue
            values = pass_at_k(counts["n"], counts["correct"], [k])
            low, high = score_interval(values, level)
            measured[f"{who}_pass_at_{name}"] = float(values.mean()), float(low[0]), float(high[0])
    return measured


def _measure_judged(base: pd.DataFrame, model: pd.DataFrame) -> dict[str, Measured]:
    ends = {"base": base["n"], "model": model["n"]}
    return {f"{who}_judged": (int(n.min()), int(n.min()), int(n.max())) for who, n in ends.items()}


def _measure_coverage(coverage: pd.DataFrame, level: float) -> dict[str, Measured]:
    found = coverage["category"].value_counts().reindex(list(CATEGORIES), fill_value=0)
    both, base_only, model_only, _ = map(int, found)
    often = coverage["model_correct"] >= OFTEN * coverage["model_judged"]
    base = coverage["base_correct"] > 0
    return {
        "problems": _alone(len(coverage)),
        **{category: _alone(int(found[category])) for category in CATEGORIES},
        "subset_ratio": share_with_interval(both, both + model_only, level),
        "subset_ratio_often": share_with_interval(
            int((often & base).sum()), int(often.sum()), level
        ),
        "mcnemar_p": _alone(mcnemar_p(base_only, model_only)),
    }


def _measure_accuracy(
    base: pd.DataFrame, model: pd.DataFrame, accuracy: int, level: float
) -> Measured:
    first, second = (
        (counts["correct"] == accuracy * counts["n"]).to_numpy().astype(np.float64)
        for counts in (base, model)
    )
    return mean_difference(first, second, level)
