"""Tables for people: a statistic with its interval, a row for each cell or pair of cells."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from boundary.exhibits import wording
from boundary.exhibits.comparison_tables import lay_out_comparison, lay_out_efficiency_gap
from boundary.exhibits.coverage_table import lay_out_coverage
from boundary.exhibits.page import to_html
from boundary.exhibits.perplexity_tables import lay_out_entropy, lay_out_perplexity
from boundary.exhibits.wide_tables import (
    lay_out_curves,
    lay_out_wide,
    write_agreement,
    write_interval,
    write_measure,
    write_verdicts,
)

__all__ = ["LAYOUTS", "lay_out", "to_html"]

LAYOUTS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "pass_at_k": lambda table: lay_out_curves(table, "pass_at_k", "pass@{}"),
    "majority_at_k": lambda table: lay_out_curves(table, "majority_at_k", "maj@{}"),
    "difference": lambda table: lay_out_curves(
        table, "difference", f"pass@{{}}, model {wording.MINUS} base"
    ),
    "accuracy_histogram": lambda table: lay_out_wide(
        table, "bin", lambda row: write_interval(row, "share")
    ),
    "verdicts": lambda table: lay_out_wide(table, "verdict", write_verdicts).fillna("0"),
    "samples": lambda table: lay_out_wide(table, "measure", write_measure),
    "agreement": lambda table: lay_out_wide(table, "measure", write_agreement),
    "coverage": lay_out_coverage,
    "comparison": lay_out_comparison,
    "efficiency_gap": lay_out_efficiency_gap,
    "perplexity": lay_out_perplexity,
    "entropy": lay_out_entropy,
}


def lay_out(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The rows for people of a gathered statistic, by the layout of ``kind``. Its cells are texts."""
    return LAYOUTS[kind](table)
