"""Where the median perplexity of a model's responses lies among those of its base's own responses.

The paper's sentence (section 4.1) as a number: the model's responses are such as the base would likely
give if the median of PPL_base(Y_RL) lies in the lower half of PPL_base(Y_base). The quantile of a value m
among values v is (#{v < m} + #{v = m} / 2) / #v, which is 1/2 for two equal sets even where all are tied.

It is taken within each problem first, and then the mean over problems. In one pool a problem's difficulty
is mixed in: perplexities differ more from problem to problem than from response to response, so that the
pool's median lies in the middle of the problems' whatever the model says to each.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.errors import BoundaryError
from boundary.estimation.bootstrap import draw_problems, percentile_interval
from boundary.estimation.intervals import Measured, score_interval
from boundary.estimation.perplexity import weighted_medians
from boundary.verification.verdict import UNJUDGED, VERDICTS

CORRECT = ("correct",)
# As pass@k counts them: what judged nothing is in neither.
WRONG = tuple(verdict for verdict in VERDICTS if verdict not in (*CORRECT, *UNJUDGED))
DECIMALS = 5  # equal responses that were scored in different batches differ by less, and are tied
VALUES_AT_ONCE = 2**17  # of all resamples, which bounds the memory

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]


def compare(
    base: pd.DataFrame, model: pd.DataFrame, *, resamples: int, level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare a model's responses with its base's own.

    ``base`` and ``model`` are tables of boundary.estimation.perplexity.tabulate, both scored by the base.

    By problem: problem_id, quantile, with low and high (bootstrap over both sets of responses; of few,
    too narrow near 0 and 1), base_median, model_median, base_responses, model_responses (those scored).
    Problems of which one side has no scored response have no quantile (NaN). Of all, as measure, value,
    low, high (NaN ends where there is no interval):

    - perplexity_quantile, the mean of the problems' quantiles, with its score interval;
      perplexity_quantile_correct, the same of the model's correct responses among the base's correct
      ones, and perplexity_quantile_wrong (wrong, no_answer, truncated) of the wrong, over the
      problems_correct and problems_wrong where both have one (NaN if none)
    - perplexity_quantile_pooled, base_median, model_median: of all responses in one pool, each problem
      weighing the same, with intervals by bootstrap over problems and the responses within each, which
      is rather too wide for the quantile
    - problems; problems_left_out, for want of a quantile; base_responses, model_responses, those scored of
      the problems, and cut_off, those of both that ended at the token cap; unscored, of both, in all

    Raises BoundaryError if no problem is left.
    """
    base, model = (
        table.assign(perplexity=table["perplexity"].round(DECIMALS)) for table in (base, model)
    )
    by_problem = _by_problem(base, model, resamples, level, np.random.default_rng(seed))
    told = by_problem[by_problem["quantile"].notna()]
    if told.empty:
        raise _nothing_left(by_problem)
    scored = [
        table[table["perplexity"].notna() & table["problem_id"].isin(told["problem_id"])]
        for table in (base, model)
    ]
    correct, wrong = (
        _quantiles(*(table[table["verdict"].isin(verdicts)] for table in scored))
        for verdicts in (CORRECT, WRONG)
    )
    counts = {
        "problems": len(told),
        "problems_correct": len(correct),
        "problems_wrong": len(wrong),
        "problems_left_out": len(by_problem) - len(told),
        "base_responses": len(scored[0]),
        "model_responses": len(scored[1]),
        "cut_off": sum(int(table["cut_off"].sum()) for table in scored),
        "unscored": sum(int(table["perplexity"].isna().sum()) for table in (base, model)),
    }
    measured = {
        "perplexity_quantile": _mean(told["quantile"].to_numpy(), level),
        "perplexity_quantile_correct": _mean(correct, level),
        "perplexity_quantile_wrong": _mean(wrong, level),
        **_measure_pooled(*scored, resamples=resamples, level=level, seed=seed),
        **{name: (count, math.nan, math.nan) for name, count in counts.items()},
    }
    rows = [(name, *values) for name, values in measured.items()]
    return by_problem, pd.DataFrame(rows, columns=["measure", "value", "low", "high"])


def _nothing_left(by_problem: pd.DataFrame) -> BoundaryError:
    base, model = ((by_problem[f"{who}_responses"] > 0).sum() for who in ("base", "model"))
    return BoundaryError(
        f"no problem has scored responses of both: the base has some of {base} problems, the model of "
        f"{model}, and they have none in common"
    )


def quantiles_among(values: Floats, of: Floats) -> Floats:
    """The quantile among ``values`` of each number ``of``, [numbers]; ``values`` ascending."""
    below, up_to = (np.searchsorted(values, of, side) for side in ("left", "right"))
    return (below + up_to) / (2 * len(values))


def _by_problem(
    base: pd.DataFrame,
    model: pd.DataFrame,
    resamples: int,
    level: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    problems = pd.concat([base["problem_id"], model["problem_id"]]).unique()
    of_base, of_model = (_perplexities(table) for table in (base, model))
    none = np.empty(0)
    rows = []
    for problem in problems:
        own, theirs = of_base.get(problem, none), of_model.get(problem, none)
        medians = [float(np.median(v)) if len(v) else math.nan for v in (own, theirs)]
        quantile: Measured = (math.nan, math.nan, math.nan)
        if len(own) and len(theirs):
            estimate = float(quantiles_among(own, np.array(medians[1:]))[0])
            resampled = _resample_within(own, theirs, resamples, rng)
            quantile = _with_interval(estimate, resampled, level)
        rows.append((problem, *quantile, *medians, len(own), len(theirs)))
    names = ["problem_id", "quantile", "low", "high"]
    names += [f"{who}_{what}" for what in ("median", "responses") for who in ("base", "model")]
    return pd.DataFrame(rows, columns=names)


def _perplexities(table: pd.DataFrame) -> dict[str, Floats]:
    """The perplexities of each problem that has any, ascending."""
    scored = table[table["perplexity"].notna()]
    groups = scored.groupby("problem_id", sort=False, observed=True)["perplexity"]
    return {str(problem): np.sort(values.to_numpy()) for problem, values in groups}


def _quantiles(base: pd.DataFrame, model: pd.DataFrame) -> Floats:
    """The quantile of each problem that both have, in the base's order."""
    of_base, of_model = _perplexities(base), _perplexities(model)
    found = [
        quantiles_among(own, np.array([np.median(of_model[problem])]))[0]
        for problem, own in of_base.items()
        if problem in of_model
    ]
    return np.array(found, dtype=np.float64)


def _mean(quantiles: Floats, level: float) -> Measured:
    if not len(quantiles):
        return math.nan, math.nan, math.nan
    low, high = score_interval(quantiles[:, None], level)
    return float(quantiles.mean()), float(low[0]), float(high[0])


def _with_interval(estimate: float, resampled: Floats, level: float) -> Measured:
    """``estimate`` and a percentile interval, which holds it even where few resamples are like it."""
    low, high = percentile_interval(resampled, level)
    return estimate, min(float(low), estimate), max(float(high), estimate)


def _resample_within(
    base: Floats, model: Floats, resamples: int, rng: np.random.Generator
) -> Floats:
    """The quantile of one problem in each resample of both sets of responses."""
    at_once = max(1, VALUES_AT_ONCE // max(len(base), len(model)))
    parts = []
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = np.sort(model[rng.integers(len(model), size=(rows, len(model)))], axis=1)
        medians = (drawn[:, (len(model) - 1) // 2] + drawn[:, len(model) // 2]) / 2
        own = base[rng.integers(len(base), size=(len(base), rows))]
        counts = (own < medians).sum(axis=0) + (own <= medians).sum(axis=0)
        parts.append(counts / (2 * len(base)))
    return np.concatenate(parts)


class _Pool:
    """The perplexities of one side in one pool, ascending; every problem weighs 1."""

    def __init__(self, scored: pd.DataFrame, problems: pd.Index) -> None:
        scored = scored.sort_values("perplexity")
        self.values = scored["perplexity"].to_numpy(np.float64)
        owners = problems.get_indexer(pd.Index(scored["problem_id"]))
        self._sizes = np.bincount(owners, minlength=len(problems))
        # The responses problem by problem, as their places among the values.
        self._places = np.argsort(owners, kind="stable")
        self._first = np.cumsum(self._sizes) - self._sizes
        self.weights = 1 / self._sizes[owners][None]

    def draw(self, problems: Integers, rng: np.random.Generator) -> Floats:
        """Weights [resamples, values] where each of ``problems`` [resamples, drawn] draws its responses."""
        shape = len(problems), len(self.values)
        sizes = self._sizes[problems]
        weights = np.zeros(shape[0] * shape[1])
        for n in np.unique(self._sizes):
            row, at = np.nonzero(sizes == n)
            chosen = self._first[problems[row, at], None] + rng.integers(n, size=(len(row), n))
            places = row[:, None] * shape[1] + self._places[chosen]
            weights += np.bincount(places.ravel(), minlength=len(weights)) / n
        return weights.reshape(shape)


def _measure_pooled(
    base: pd.DataFrame, model: pd.DataFrame, *, resamples: int, level: float, seed: int
) -> dict[str, Measured]:
    problems = pd.Index(base["problem_id"].unique())
    pools = [_Pool(table, problems) for table in (base, model)]
    rng = np.random.default_rng([seed, 1])
    drawn = draw_problems(len(problems), resamples, seed)
    at_once = max(1, VALUES_AT_ONCE // max(len(pool.values) for pool in pools))
    parts = [
        _pooled(pools, [pool.draw(drawn[start : start + at_once], rng) for pool in pools])
        for start in range(0, resamples, at_once)
    ]
    resampled = np.concatenate(parts, axis=1)
    estimates = _pooled(pools, [pool.weights for pool in pools])[:, 0]
    names = ("perplexity_quantile_pooled", "base_median", "model_median")
    return {
        name: _with_interval(float(estimate), values, level)
        for name, estimate, values in zip(names, estimates, resampled, strict=True)
    }


def _pooled(pools: list[_Pool], weights: list[Floats]) -> Floats:
    """Quantile, the base's median and the model's under each row of weights, [3, rows]."""
    own, theirs = (
        weighted_medians(pool.values, weight) for pool, weight in zip(pools, weights, strict=True)
    )
    reached = np.pad(weights[0].cumsum(axis=1), ((0, 0), (1, 0)))
    rows = np.arange(len(reached))
    below, up_to = (
        reached[rows, np.searchsorted(pools[0].values, theirs, side)] for side in ("left", "right")
    )
    return np.stack([(below + up_to) / (2 * reached[:, -1]), own, theirs])
