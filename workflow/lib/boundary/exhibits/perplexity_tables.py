"""Tables of the responses' perplexity under the base, and of their entropy."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from boundary.exhibits import wording
from boundary.exhibits.wide_tables import lay_out_wide

# Of each measure what people call it. 0 is below, and 1 above, all of the base's own responses.
OF_PAIRS = {
    "perplexity_quantile": "model's median among the base's own, quantile",
    "perplexity_quantile_correct": "of its correct responses",
    "perplexity_quantile_wrong": "of its wrong ones",
    "perplexity_quantile_pooled": "over the problems pooled",
    "base_median": "median perplexity of the base's responses",
    "model_median": "of the model's, under the base",
    "problems": "problems",
    "problems_correct": "with correct responses of both",
    "problems_wrong": "with wrong ones of both",
    "base_responses": "base's responses",
    "model_responses": "model's responses",
    "unscored": "not scored",
    "cut_off": "cut off",
    "problems_left_out": "problems left out",
}
OF_CELLS = {
    "temperature": "temperature",
    "entropy": "entropy, nats a token",
    "target_entropy": "entropy sought",
    "reached": "reached",
    "problems": "problems",
    "problems_left_out": "problems left out",
    "responses": "responses",
    "unscored": "not scored",
}
COUNTS = {
    "problems",
    "problems_correct",
    "problems_wrong",
    "responses",
    "base_responses",
    "model_responses",
    "unscored",
    "cut_off",
    "problems_left_out",
}
DIGITS = {"temperature": 2}  # after the point; of the others 3


def lay_out_perplexity(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each pair. ``table`` is the gathered measures of pairs' perplexities."""
    return _lay_out(table, OF_PAIRS)


def lay_out_entropy(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each cell; a matched one whose entropy was not reached says that T is the limit.

    ``table`` is the gathered statistic entropy.
    """
    wide = _lay_out(table, OF_CELLS)
    if "reached" in wide:
        at_limit = wide.pop("reached") == "no"
        temperature, target = OF_CELLS["temperature"], OF_CELLS["target_entropy"]
        wide.loc[at_limit, temperature] = "limit: " + wide[temperature]
        wide.loc[at_limit, target] += ", not reached"
    return wide


def _lay_out(table: pd.DataFrame, headings: Mapping[str, str]) -> pd.DataFrame:
    """Columns of the measures that ``headings`` has, in its order, behind those that tell rows apart."""
    shown = table[table["measure"].isin(list(headings))]
    wide = lay_out_wide(shown, "measure", _write)
    measures = [measure for measure in headings if measure in set(shown["measure"])]
    cell = [name for name in wide if name not in measures]
    return wide[[*cell, *measures]].rename(columns=headings)


def _write(row: pd.Series) -> str:
    measure, value = row["measure"], row["value"]
    if measure == "reached":
        return "yes" if value else "no"
    if measure in COUNTS:
        return f"{value:,.0f}"
    digits = DIGITS.get(measure, 3)
    if pd.isna(row["low"]):
        return wording.number(value, digits)
    return wording.interval(value, row["low"], row["high"], digits)
