"""A comparison of two models as a document, and in words for a reader who does not know the terms."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from boundary.estimation.comparison import Comparison
from boundary.estimation.coverage import CATEGORIES
from boundary.estimation.intervals import Measured


def to_document(comparison: Comparison, base: str, model: str, level: float) -> dict[str, Any]:
    """The measures as JSON has them: shares, Delta_SE in points, null for what is beyond n or empty."""
    measured = by_name(comparison.measures)

    def alone(name: str) -> float | None:
        return _json(measured[name][0])

    def whole(name: str) -> int:
        return int(measured[name][0])

    def interval(name: str) -> dict[str, float | None]:
        return dict(zip(("estimate", "low", "high"), map(_json, measured[name]), strict=True))

    return {
        "base": base,
        "model": model,
        "level": level,
        "problems": whole("problems"),
        "n": {
            who: list(map(int, _range(comparison.coverage[f"{who}_judged"])))
            for who in ("base", "model")
        },
        "largest_k": whole("largest_k"),
        "difference_at_1": interval("difference_at_1"),
        "difference_at_largest_k": interval("difference_at_largest_k"),
        "crossing": {
            **interval("crossing"),
            "no_crossing_share": alone("crossing_censored"),
            "from_start_share": alone("crossing_from_start"),
        },
        "categories": {category: whole(category) for category in CATEGORIES},
        "subset_ratio": interval("subset_ratio"),
        "mcnemar_p": alone("mcnemar_p"),
        "delta_se": alone("delta_se"),
        "delta_se_interval": list(map(_json, measured["delta_se"][1:])),
        "delta_se_k": whole("delta_se_k"),
    }


def in_words(comparison: Comparison, base: str, model: str, level: float) -> str:
    """The same for reading. ``base`` and ``model`` are names."""
    measured = by_name(comparison.measures)
    n = int(measured["largest_k"][0])
    ahead = [_who_is_ahead(measured[f"difference_at_{k}"], base, model) for k in ("1", "largest_k")]
    lines = [
        f"{model} against {base} on {measured['problems'][0]:.0f} problems, "
        f"{_samples(comparison.coverage)}; {100 * level:g}% intervals in brackets",
        "",
        *_one_k(comparison.difference.iloc[0], base, model, ahead[0]),
        *(_one_k(comparison.difference.iloc[-1], base, model, ahead[1]) if n > 1 else []),
        f"crossing: {describe_crossing(measured, n, base)}",
        *_coverage(measured, base, model, _is_unequal(comparison.coverage)),
        f"gap: {base} in {_count_samples(measured['delta_se_k'][0])} less {model} in one (Delta_SE): "
        f"{_points(measured['delta_se'], 1)} points",
        "",
        _conclude(measured, n, base, model),
    ]
    return "\n".join(lines)


def by_name(measures: pd.DataFrame) -> dict[str, Measured]:
    """The measures of boundary.estimation.comparison by their names."""
    columns = (measures[name] for name in ("measure", "value", "low", "high"))
    return {str(name): (value, low, high) for name, value, low, high in zip(*columns, strict=True)}


def describe_crossing(measured: dict[str, Measured], n: int, base: str) -> str:
    """Where the curves cross, with the interval, in words."""
    estimate, low, high = measured["crossing"]
    censored, from_start = (measured[f"crossing_{name}"][0] for name in ("censored", "from_start"))
    if math.isinf(estimate):
        found = f"none up to {_count_samples(n)}"
    elif estimate == 1:
        found = f"{base} is never behind"
    else:
        found = f"estimated at {estimate:.0f} samples, from where on {base} solves more"
    ends = [f"beyond {n}" if math.isinf(end) else f"{end:.0f}" for end in (low, high)]
    where = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    shares = f"no crossing in {censored:.1%} of the resamples"
    if from_start:
        shares += f", {base} never behind in {from_start:.1%}"
    return f"{found} [{where}]; {shares}"


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _range(values: pd.Series) -> tuple[float, float]:
    return values.min(), values.max()


def _samples(coverage: pd.DataFrame) -> str:
    least, most = _range(pd.concat([coverage["base_judged"], coverage["model_judged"]]))
    return (
        f"{least} to {most} samples of each" if least < most else f"{_count_samples(most)} of each"
    )


def _count_samples(number: float) -> str:
    return "1 sample" if number == 1 else f"{number:.0f} samples"


def _one_k(row: pd.Series, base: str, model: str, ahead: str) -> list[str]:
    samples = _count_samples(row["k"])
    of_base, of_model = (f"{row[f'{who}_pass_at_k']:.1%}" for who in ("base", "model"))
    shares = f"{model} solves {of_model} of the problems, {base} {of_base}"
    by = _points((row["difference"], row["low"], row["high"]))
    return [f"in {samples}: {shares}", f"    difference {by} points: {ahead}"]


def _points(measured: Measured, scale: float = 100) -> str:
    value, low, high = (scale * end for end in measured)
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def _who_is_ahead(difference: Measured, base: str, model: str) -> str:
    _, low, high = difference
    if low > 0:
        return f"{model} is ahead"
    return f"{base} is ahead" if high < 0 else "undecided who is ahead"


def _is_unequal(coverage: pd.DataFrame) -> bool:
    """Whether of some problem more samples of one model were judged than of the other."""
    return bool((coverage["base_judged"] != coverage["model_judged"]).any())


def _coverage(measured: dict[str, Measured], base: str, model: str, unequal: bool) -> list[str]:
    both, base_only, model_only, neither = (int(measured[name][0]) for name in CATEGORIES)
    lines = [
        f"solved in the samples drawn: {both} problems by both, {base_only} by {base} only, {model_only} "
        f"by {model} only, {neither} seen solved by neither",
    ]
    ratio, low, high = measured["subset_ratio"]
    if not math.isnan(ratio):
        lines.append(
            f"    of the {both + model_only} that {model} solved, {base} solved {both}: {ratio:.1%} "
            f"[{low:.1%}, {high:.1%}]"
        )
    if unequal:
        lines.append(
            "    of different numbers of samples, which favours whom more were drawn of; the curves end at "
            "the fewest"
        )
    p = measured["mcnemar_p"][0]
    lines.append(f"    as many solved by either? p = {p:.2g} (McNemar's exact test)")
    return lines


def _conclude(measured: dict[str, Measured], n: int, base: str, model: str) -> str:
    """What follows from the intervals, and no more."""
    (_, low_1, high_1), (_, low_n, high_n) = (
        measured[f"difference_at_{k}"] for k in ("1", "largest_k")
    )
    if low_1 > 0:
        sooner = f"{model} finds solutions sooner than {base}"
    elif high_1 < 0:
        sooner = f"{model} solves less than {base} in one sample"
    else:
        sooner = f"whether {model} finds solutions sooner than {base} is undecided"
    if n == 1:
        return (
            f"In short: {sooner}. More samples of each would tell what they can solve in several."
        )
    if low_n > 0:
        wider = f"it solves more in {n} samples, too: wider, as far as {n} samples can show"
    elif high_n < 0:
        wider = f"it solves less in {n} samples: narrower, as far as {n} samples can show"
    else:
        wider = f"whether it solves more or less in {n} samples is undecided on these problems"
    return f"In short: {sooner}; {wider}."
