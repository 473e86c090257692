"""An audit's results: how often the verifier errs, and pass@k corrected for it.

A person has judged some of a cell's units, drawn at random within strata (boundary.sheets.audit).

What is assumed: the person is right, and the samples of a unit are all right or all wrong. Within a
stratum errors fall alike on units of any size and problem, with the stratum's rate as their chance. How
far they keep to problems is not assumed: a unit does as its problem does with some chance, from 0 to 1,
else it errs by itself. A gold answer in a form that the verifier does not know misjudges all that is said
to one problem, and a slip of its parser a little everywhere: the rates may be the same, and pass@k for
large k is not. (Taken one by one, a handful of false negatives among thousands would solve every problem.)

The intervals hold the uncertainty of the audit alone: not that of the samples, nor that of the problems.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.errors import BoundaryError
from boundary.estimation.bootstrap import percentile_interval
from boundary.estimation.unbiased import powers_of_two, tabulate

# Jeffreys' prior of a chance, Beta(1/2, 1/2): half an error and half a unit that is right, before anything
# is seen. Once for the verdicts of correct and once for the others, shared among their strata: given to
# each of twenty strata, it would find false negatives where there are none.
PRIOR = 0.5
TINY = 1e-12  # keeps chances off 0 and 1, whose logarithms are not finite

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class AuditEstimates(NamedTuple):
    """Tables of an audit's results, as estimate_audit describes them."""

    rates: pd.DataFrame
    strata: pd.DataFrame
    pass_at_k: pd.DataFrame


class Evidence(NamedTuple):
    """What was judged of one kind of verdicts, in units."""

    problems: Integers  # [judged problems]
    errors: Floats  # [judged problems, strata]
    right: Floats
    prior: Floats  # [strata]


def estimate_audit(units: pd.DataFrame, *, draws: int, level: float, seed: int) -> AuditEstimates:
    """Error rates and corrected pass@k of a cell, by ``draws`` of what is not known.

    ``units`` has the columns problem_id, verdict, rung, stratum, samples, id (null if not drawn) and
    person (correct, wrong, unclear; else not judged). What was judged is the same in every draw. Estimates
    are medians of the draws, low and high the ends of the central interval of ``level``.

    rates: rate, estimate, low, high, for false_positive_rate (of the samples that are wrong, those with
    the verdict correct), false_negative_rate (of those that are right, those without) and
    false_share_of_correct (of the verdicts of correct, those that are wrong). strata: stratum, verdict,
    rung, units, samples, drawn, judged, unclear, errors, and estimate, low, high of the share of its units
    that are in error, from this stratum alone. pass_at_k: k, pass_at_k (as the verifier counts),
    corrected, low, high.

    k ends at the least number of samples that were judged of a problem. Raises BoundaryError if nobody
    has judged a unit.
    """
    judged = units["person"].isin(["correct", "wrong"])
    if not judged.any():
        raise BoundaryError("no row is judged yet: write correct or wrong in the column person")
    units = units.assign(
        judged=judged,
        error=disagreements(units),
        unclear=units["person"].eq("unclear"),
        problem=pd.factorize(units["problem_id"], sort=True)[0],
    )
    rng = np.random.default_rng(seed)
    strata = _describe_strata(units, draws, level, rng)
    positive = units["verdict"].eq("correct")
    counted = _count(units[positive], units)
    false_positives, false_negatives = (
        draw_errors(units[side], len(counted), draws, rng) for side in (positive, ~positive)
    )
    correct = counted - false_positives + false_negatives
    right, lost, found = (
        table.sum(axis=1) for table in (correct, false_positives, false_negatives)
    )
    rates = {
        "false_positive_rate": _ratio(lost, units["samples"].sum() - right),
        "false_negative_rate": _ratio(found, right),
        "false_share_of_correct": _ratio(lost, np.full(draws, counted.sum())),
    }
    table = _summary(np.stack(list(rates.values()), axis=1), level)
    table.insert(0, "rate", list(rates))
    return AuditEstimates(table, strata, _correct_curve(units, counted, correct, level))


def disagreements(units: pd.DataFrame) -> pd.Series:
    """Which of ``units`` (columns verdict and person) the person judged otherwise than the verifier."""
    judged = units["person"].isin(["correct", "wrong"])
    return judged & units["person"].eq("correct").ne(units["verdict"].eq("correct"))


def _describe_strata(
    units: pd.DataFrame, draws: int, level: float, rng: np.random.Generator
) -> pd.DataFrame:
    strata = units.groupby("stratum", sort=True).agg(
        verdict=("verdict", "first"),
        rung=("rung", "first"),
        units=("samples", "size"),
        samples=("samples", "sum"),
        drawn=("id", "count"),
        judged=("judged", "sum"),
        unclear=("unclear", "sum"),
        errors=("error", "sum"),
    )
    errors, judged, there = (strata[name].to_numpy() for name in ("errors", "judged", "units"))
    rates = rng.beta(errors + PRIOR, judged - errors + PRIOR, size=(draws, len(strata)))
    shares = (errors + rng.binomial(there - judged, rates)) / there
    return pd.concat([strata.reset_index(), _summary(shares, level)], axis=1)


def draw_errors(
    units: pd.DataFrame, problems: int, draws: int, rng: np.random.Generator
) -> Integers:
    """Samples of each problem whose verdict is false, in each draw, [draws, problems].

    ``units`` are all those with the verdict correct, or all the others. In each draw every stratum has a
    rate and every problem a luck, a number from 0 to 1. A unit that follows its problem is in error if
    that luck is below its stratum's rate, and one that does not with the rate as its chance.
    """
    units = units.assign(at=pd.factorize(units["stratum"], sort=True)[0])
    known = units[units["error"]]
    false = np.bincount(known["problem"], weights=known["samples"], minlength=problems)
    drawn = np.tile(false.astype(np.int64), (draws, 1))
    left = units[~units["judged"]]
    if left.empty:
        return drawn
    evidence = _gather_evidence(units)
    rates, following = draw_parameters(evidence, draws, rng)
    # Equal units of a problem are drawn together, as a binomial.
    alike = left.groupby(["problem", "at", "samples"], sort=True).size().reset_index(name="units")
    problem, at, samples, count = (alike[name].to_numpy() for name in alike.columns)
    for row, rate, follow in zip(drawn, rates, following, strict=True):
        luck = rng.random(problems)
        luck[evidence.problems] = _draw_luck(evidence, rate, follow, rng)
        chance = follow * (luck[:, None] < rate) + (1 - follow) * rate
        flipped = rng.binomial(count, chance[problem, at]) * samples
        row += np.bincount(problem, weights=flipped, minlength=problems).astype(np.int64)
    return drawn


def _gather_evidence(units: pd.DataFrame) -> Evidence:
    judged = units[units["judged"]]
    problems, row = np.unique(judged["problem"], return_inverse=True)
    strata = int(units["at"].max()) + 1
    counts = np.zeros((2, len(problems), strata))
    np.add.at(counts, (judged["error"].to_numpy(dtype=int), row, judged["at"].to_numpy()), 1)
    left = np.bincount(
        units["at"], weights=units["samples"].where(~units["judged"], 0), minlength=strata
    )
    return Evidence(problems, counts[1], counts[0], PRIOR * left / left.sum())


def draw_parameters(
    evidence: Evidence, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Rates [draws, strata], and the chance to follow one's problem [draws], given what was judged.

    Proposed as if units did not follow their problems, and chosen again by how much likelier what was
    judged is if they do.
    """
    errors, right = evidence.errors.sum(axis=0), evidence.right.sum(axis=0)
    prior = np.maximum(evidence.prior, TINY)
    rates = rng.beta(errors + prior, right + prior, size=(draws, len(errors)))
    rates = np.clip(rates, TINY, 1 - TINY)
    following = rng.beta(PRIOR, PRIOR, size=draws)
    weights = -(np.log(rates) @ errors + np.log1p(-rates) @ right)
    for number, (rate, follow) in enumerate(zip(rates, following, strict=True)):
        likelihood, _ = _weigh_luck(evidence, rate, follow)
        weights[number] += np.logaddexp.reduce(likelihood, axis=1).sum()
    weights = np.exp(weights - weights.max())
    chosen = rng.choice(draws, size=draws, p=weights / weights.sum())
    return rates[chosen], following[chosen]


def _weigh_luck(evidence: Evidence, rate: Floats, follow: float) -> tuple[Floats, Floats]:
    """Where a problem's luck may lie: log probability, of this and of what was judged of the problem.

    Returns [judged problems, intervals] and the intervals' ends. Within an interval luck is below the
    same strata's rates.
    """
    ends = np.concatenate([[0.0], np.sort(rate), [1.0]])
    chance = follow * (rate > ends[:-1, None]) + (1 - follow) * rate
    chance = np.clip(chance, TINY, 1 - TINY)
    likelihood = evidence.errors @ np.log(chance).T + evidence.right @ np.log1p(-chance).T
    return likelihood + np.log(np.maximum(np.diff(ends), np.finfo(float).tiny)), ends


def _draw_luck(evidence: Evidence, rate: Floats, follow: float, rng: np.random.Generator) -> Floats:
    """Luck of the judged problems, given what was judged of them."""
    likelihood, ends = _weigh_luck(evidence, rate, follow)
    # The largest of them with noise of this kind is a draw in proportion to the probabilities.
    interval = np.argmax(likelihood + rng.gumbel(size=likelihood.shape), axis=1)
    return rng.uniform(ends[interval], ends[interval + 1])


def _count(rows: pd.DataFrame, units: pd.DataFrame) -> Integers:
    """Samples of ``rows`` for each problem of ``units``, [problems]."""
    problems = int(units["problem"].max()) + 1
    counts = np.bincount(rows["problem"], weights=rows["samples"], minlength=problems)
    return counts.astype(np.int64)


def _ratio(part: Integers, whole: Integers) -> Floats:
    """NaN where there is no whole."""
    unknown = np.full(len(part), np.nan)
    return np.divide(part, whole, out=unknown, where=whole > 0)


def _correct_curve(
    units: pd.DataFrame, counted: Integers, correct: Integers, level: float
) -> pd.DataFrame:
    """pass@k averaged over problems, as counted [problems] and as drawn [draws, problems]."""
    sizes = _count(units, units)
    ks = powers_of_two(int(sizes.min()))
    values, start = tabulate(sizes, ks)
    drawn = np.stack([column[start + correct].mean(axis=1) for column in values.T], axis=1)
    table = _summary(drawn, level).rename(columns={"estimate": "corrected"})
    table.insert(0, "k", ks)
    table.insert(1, "pass_at_k", values[start + counted].mean(axis=0))
    return table


def _summary(values: Floats, level: float) -> pd.DataFrame:
    """Median and central interval of ``values`` [draws, columns], a row for each column.

    A draw in which a rate has no meaning (nothing is wrong, nothing is right) does not count.
    """
    rows = []
    for column in values.T:
        known = column[~np.isnan(column)]
        if len(known):
            low, high = map(float, percentile_interval(known, level))
            rows.append((np.median(known), low, high))
        else:
            rows.append((np.nan, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["estimate", "low", "high"])
