"""Tables of the measures of a model and its base (boundary.estimation.comparison)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from boundary.estimation.efficiency_gap import POINTS
from boundary.exhibits import wording
from boundary.exhibits.rows import identity, tell_apart

HEADINGS = {
    "both": "solved by both",
    "base_only": "base only",
    "model_only": "model only",
    "neither": "not seen by either",
}
DIFFERENCE = f"model {wording.MINUS} base"


def lay_out_comparison(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each pair: differences, crossing and coverage. ``table`` is the gathered measures."""
    rows = [cell | _compare(measures) for cell, measures in _pairs(table)]
    return tell_apart(pd.DataFrame(rows))


def _compare(measures: pd.DataFrame) -> dict[str, str]:
    value = measures["value"]
    largest_k = int(value["largest_k"])
    last = f"{_interval(measures, 'difference_at_largest_k')} at k = {largest_k}"
    crossing = wording.crossing_with_interval(
        _measured(measures, "crossing"),
        largest_k,
        censored=value["crossing_censored"],
        from_start=value["crossing_from_start"],
    )
    return {
        f"pass@1, {DIFFERENCE}": _interval(measures, "difference_at_1"),
        f"at the largest k, {DIFFERENCE}": last,
        "base ahead from k*": crossing,
        "problems": f"{value['problems']:,.0f}",
        **{heading: f"{value[name]:,.0f}" for name, heading in HEADINGS.items()},
        "of the model's, solved by the base": _interval(measures, "subset_ratio"),
        "McNemar's p": wording.p_value(value["mcnemar_p"]),
    }


def lay_out_efficiency_gap(table: pd.DataFrame) -> pd.DataFrame:
    """pass@1, pass@K and Delta_SE in points (the paper, tables 2 and 3): the bases, each before its models.

    ``table`` is the gathered measures. K is a column where it is not the same for all pairs: it is no more
    than the samples that both have judged of every problem.
    """
    rows: list[dict[str, object]] = []
    for cell, measures in _pairs(table):
        base = cell | {
            "model": cell["base"],
            "sampling": cell["base_sampling"],
            "n": cell["base_n"],
        }
        of_base = base | _reach(measures, "base") | {"gap": "\N{EN DASH}"}
        gap = _interval(measures, "delta_se", 1, 1)
        rows += [of_base, cell | _reach(measures, "model") | {"gap": gap}]
    laid_out = pd.DataFrame(rows).drop(columns=["base", "base_sampling", "base_n"])
    laid_out = laid_out.drop_duplicates(ignore_index=True)
    reached = laid_out["K"].unique()
    if len(reached) == 1:
        laid_out = laid_out.drop(columns="K")
    names = {"at_k": f"pass@{reached[0]}, %" if len(reached) == 1 else "pass@K, %"}
    names |= {"at_1": "pass@1, %", "gap": "Delta_SE, points"}
    return tell_apart(laid_out).rename(columns=names)


def _reach(measures: pd.DataFrame, who: str) -> dict[str, object]:
    return {
        "at_1": _interval(measures, f"{who}_pass_at_1", 1, POINTS),
        "K": int(measures["value"]["delta_se_k"]),
        "at_k": _interval(measures, f"{who}_pass_at_k", 1, POINTS),
    }


def _pairs(table: pd.DataFrame) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """Each pair's identity and its measures by name."""
    keys = identity(table)
    for pair, rows in table.groupby(keys, sort=False):
        yield dict(zip(keys, pair, strict=True)), rows.set_index("measure")


def _measured(measures: pd.DataFrame, name: str) -> tuple[float, float, float]:
    value, low, high = (float(measures[column][name]) for column in ("value", "low", "high"))
    return value, low, high


def _interval(measures: pd.DataFrame, name: str, digits: int = 3, scale: float = 1) -> str:
    value, low, high = (scale * end for end in _measured(measures, name))
    return wording.interval(value, low, high, digits)
