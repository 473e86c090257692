"""Tables with a row for each cell, and a column for each k, bin, verdict or measure."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from boundary.estimation.unbiased import powers_of_two
from boundary.exhibits import wording
from boundary.exhibits.rows import ends_of_curves, identity, tell_apart


def lay_out_wide(
    table: pd.DataFrame, column: str, write: Callable[[pd.Series], str]
) -> pd.DataFrame:
    """A column for each value of ``column``, and in it what ``write`` says of the table's row."""
    keys = identity(table)
    cells = pd.MultiIndex.from_frame(table[keys].drop_duplicates())
    wide = table.assign(text=table.apply(write, axis=1))
    wide = wide.pivot(index=keys, columns=column, values="text")
    wide = wide.reindex(index=cells, columns=list(table[column].drop_duplicates()))
    return tell_apart(wide.reset_index().rename_axis(columns=None))


def lay_out_curves(table: pd.DataFrame, value: str, label: str) -> pd.DataFrame:
    """The curves of ``value`` at powers of two and at every curve's last k; ``label`` names k's column.

    Where a curve ends before n, since a problem has fewer judged samples, a column says at which k.
    """
    ends = ends_of_curves(table)
    ks = sorted({k for end in ends["k"] for k in powers_of_two(int(end))})
    wide = lay_out_wide(table[table["k"].isin(ks)], "k", lambda row: write_interval(row, value))
    cell = [name for name in wide if name not in ks]
    wide = wide[[*cell, *ks]]
    if (ends["k"] < ends["wanted"]).any():
        wide.insert(len(cell), "k up to", list(ends["k"].map(str)))
    return wide.rename(columns={k: label.format(k) for k in ks})


def write_interval(row: pd.Series, value: str) -> str:
    """A row's value with its interval."""
    return wording.interval(row[value], row["low"], row["high"])


def write_verdicts(row: pd.Series) -> str:
    """How many samples got a verdict."""
    also = row["cut_off"] and row["verdict"] != "truncated"  # which says so itself
    cut_off = f", {row['cut_off']:,} cut off" if also else ""
    return f"{row['samples']:,} ({row['share']:.1%}{cut_off})"


def write_measure(row: pd.Series) -> str:
    """A measure of the samples."""
    value, measure = row["value"], row["measure"]
    if pd.isna(value):
        return "not told"
    if measure in ("repeated", "cut_off", "failed"):
        return f"{value:.2%}"
    return f"{value:,.1f}" if measure == "mean_tokens" else f"{value:,.0f}"


def write_agreement(row: pd.Series) -> str:
    """A measure of how far a second opinion agrees."""
    value, measure = row["value"], row["measure"]
    if measure in ("agreement", "kappa"):
        written = f"{value:.2%}" if measure == "agreement" else f"{value:.3f}"
        return "undefined" if pd.isna(value) else written
    return f"{value:,.0f}"
