"""Table: a study's own pass@k beside published numbers, and how their settings differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from boundary.data.published_number import Published

CELL = ("model", "benchmark", "sampling", "n", "verifier")
SETTINGS = ("n", "temperature", "top_p", "max_tokens", "template")
COLUMNS = (
    "benchmark",
    "model",
    "sampling",
    "verifier",
    "statistic",
    "published",
    "source",
    "ours",
    "low",
    "high",
    "difference",
    "inside",
    "settings_that_differ",
    "note",
)


def compare_with_published(curves: pd.DataFrame, published: Sequence[Published]) -> pd.DataFrame:
    """A row for each published number and each own cell of its model on its benchmark.

    ``curves`` is the gathered statistic pass_at_k, for every k, with its cell's temperature, top_p,
    max_tokens and template as columns, each empty where it is not known. What is judged under a filter
    (a verifier with a slash) is left out: those are not all problems.

    Columns: benchmark, model, sampling, verifier; statistic, what is compared; published and its source;
    ours with low and high, the ends of its interval; difference, ours less the published; inside, whether
    the published number lies within our interval; settings_that_differ, of those that are published;
    note, why there is no number of ours. pass@k is a share of problems; ``solved`` is a number of problems
    among the first n samples, of which pass@n times the problems is our estimate. Without a published
    number of any cell the table has no rows.
    """
    whole = curves[~curves["verifier"].str.contains("/")]
    rows = [
        row
        for cell, curve in whole.groupby(list(CELL), sort=False)
        for row in _rows(dict(zip(CELL, cell, strict=True)), curve, published)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(
    cell: Mapping[str, Any], curve: pd.DataFrame, published: Sequence[Published]
) -> Iterator[dict[str, Any]]:
    for entry in published:
        if (entry.model, entry.benchmark) == (cell["model"], cell["benchmark"]):
            yield {
                **{name: cell[name] for name in ("benchmark", "model", "sampling", "verifier")},
                "statistic": _statistic(entry),
                "published": entry.value if entry.ids is None else len(entry.ids),
                "source": entry.source,
                **_ours(entry, curve),
                "settings_that_differ": _differing(entry.settings, curve.iloc[0]),
            }


def _statistic(entry: Published) -> str:
    if entry.ids is None:
        return f"pass@{entry.k}"
    whole = entry.part or f"{entry.problems} problems"
    return f"solved of {whole} in {entry.k} samples"


def _ours(entry: Published, curve: pd.DataFrame) -> dict[str, Any]:
    obstacle = _obstacle(entry, curve)
    if obstacle:
        nothing = dict.fromkeys(("ours", "low", "high", "difference"), math.nan)
        return {**nothing, "inside": None, "note": obstacle}
    scale = entry.problems or 1  # counts are of problems, pass@k is a share
    at_k = curve[curve["k"] == entry.k].iloc[0]
    ours, low, high = (scale * float(at_k[name]) for name in ("pass_at_k", "low", "high"))
    number = scale * (entry.value or 0.0)
    return {
        "ours": ours,
        "low": low,
        "high": high,
        "difference": ours - number,
        "inside": low <= number <= high,
        "note": "",
    }


def _obstacle(entry: Published, curve: pd.DataFrame) -> str:
    """Why nothing of ours can stand beside the number; empty if it can."""
    if entry.part:
        return f"published of a part of the benchmark: {entry.part}"
    problems = int(curve["problems"].iloc[0])
    if entry.problems not in (None, problems):
        return f"published of {entry.problems} problems, and ours has {problems}"
    if entry.k not in set(curve["k"]):
        return f"our curve ends at k = {curve['k'].max()}"
    return ""


def _differing(settings: Mapping[str, Any], ours: Mapping[str, Any] | pd.Series) -> str:
    differences = []
    for name in SETTINGS:
        if name in settings and ours.get(name) != settings[name]:
            own = "unknown" if pd.isna(ours.get(name)) else _plain(ours[name])
            differences.append(f"{name} {own} (published {_plain(settings[name])})")
    return "; ".join(differences)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"
