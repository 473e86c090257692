"""The look that all figures share: a palette that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns

INK = "#333333"
ROLE_ORDER = ("base", "rlvr", "instruct", "distilled")


def apply_style() -> None:
    """Set seaborn's theme; text stays text in a PDF."""
    sns.set_theme(
        context="paper",
        style="whitegrid",
        palette="colorblind",
        rc={
            "axes.edgecolor": INK,
            "axes.titlesize": 9,
            "axes.titleweight": "bold",
            "grid.linewidth": 0.5,
            "legend.frameon": False,
            "pdf.fonttype": 42,
            "savefig.dpi": 200,
        },
    )
    mpl.rcParams["svg.fonttype"] = "none"


def curve_names(table: pd.DataFrame) -> pd.Series:
    """What the legend calls each row's model: its label, with the family where labels repeat."""
    owners = table.groupby("label")["model"].nunique()
    families = table.groupby("label")["family"].nunique()
    repeated = table["label"].map((owners > 1) & (families == 1))
    return table["label"].where(~repeated, table["model"])


def model_colours(table: pd.DataFrame) -> Mapping[str, Any]:
    """A colour for each of the legend's names, the base's first, in the order of roles."""
    named = table.assign(name=curve_names(table))[["name", "role"]].drop_duplicates("name")
    named = named.sort_values("role", key=lambda roles: roles.map(ROLE_ORDER.index), kind="stable")
    names: Sequence[str] = list(named["name"])
    return dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))
