"""Tables for people: a statistic with its interval, a row for each cell."""

from __future__ import annotations

import html
from collections.abc import Callable

import pandas as pd

from boundary.verification.verifiers import VERIFIERS

NO_BREAK = "\N{NO-BREAK SPACE}"  # a wide table breaks its lines between value and interval
CELL = ["benchmark", "model", "sampling", "n", "verifier"]
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font-family: system-ui, sans-serif; font-size: 14px; margin: 1.5em; color: #222; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3em .8em; border-bottom: 1px solid #ddd; text-align: left; }}
th {{ border-bottom: 2px solid #888; }}
p {{ max-width: 60em; }}
</style></head><body><h1>{title}</h1><p>{caption}</p>
{table}
</body></html>
"""


def _interval(row: pd.Series, value: str) -> str:
    return f"{row[value]:.3f} [{row['low']:.3f},{NO_BREAK}{row['high']:.3f}]"


def _share(row: pd.Series) -> str:
    also = row["cut_off"] and row["verdict"] != "truncated"  # which says so itself
    cut_off = f", {row['cut_off']:,} cut off" if also else ""
    return f"{row['samples']:,} ({row['share']:.1%}{cut_off})"


def _measure(row: pd.Series) -> str:
    value, measure = row["value"], row["measure"]
    if measure in ("repeated", "cut_off", "failed"):
        return f"{value:.2%}"
    return f"{value:,.1f}" if measure == "mean_tokens" else f"{value:,.0f}"


def _agreement(row: pd.Series) -> str:
    value, measure = row["value"], row["measure"]
    if measure in ("agreement", "kappa"):
        written = f"{value:.2%}" if measure == "agreement" else f"{value:.3f}"
        return "undefined" if pd.isna(value) else written
    return f"{value:,.0f}"


# For each statistic, what its columns are and what stands in them.
LAYOUTS: dict[str, tuple[str, Callable[[pd.Series], str]]] = {
    "pass_at_k": ("k", lambda row: _interval(row, "pass_at_k")),
    "accuracy_histogram": ("bin", lambda row: _interval(row, "share")),
    "verdicts": ("verdict", _share),
    "samples": ("measure", _measure),
    "agreement": ("measure", _agreement),
}


def lay_out(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """A row for each cell, a column for each k, bin or verdict of the gathered statistic ``kind``.

    The verifier has a column where it is not the study's own throughout.
    """
    column, write = LAYOUTS[kind]
    cells = pd.MultiIndex.from_frame(table[CELL].drop_duplicates())
    wide = table.assign(text=table.apply(write, axis=1))
    wide = wide.pivot(index=CELL, columns=column, values="text")
    wide = wide.reindex(index=cells, columns=list(table[column].drop_duplicates()))
    if kind == "pass_at_k":
        wide = wide.rename(columns=lambda k: f"pass@{k}")
    wide = wide.reset_index().rename_axis(columns=None)
    return wide.drop(columns="verifier") if wide["verifier"].eq(VERIFIERS[0]).all() else wide


def to_html(table: pd.DataFrame, title: str, caption: str) -> str:
    """A page that stands alone. Labels are escaped."""
    body = table.fillna("").to_html(index=False, border=0)
    return PAGE.format(title=html.escape(title), caption=html.escape(caption), table=body)
