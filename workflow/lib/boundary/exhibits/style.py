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


def series_names(table: pd.DataFrame) -> pd.Series:
    """What the legend calls each row's series: one for each (model, sampling, n, verifier) of the table.

    The model's label, and whatever else is needed to tell series apart: the model's name where models of
    one family share a label, the sampling, n and the verifier where the table has several. Base models of
    different families never share a panel and keep one name, and so one colour.
    """
    models_of_label = table.groupby(["family", "label"])["model"].nunique().groupby("label").max()
    names = table["label"].where(table["label"].map(models_of_label) == 1, table["model"])
    texts = table.assign(n="n = " + table["n"].astype(str))
    for key in ("sampling", "n", "verifier"):
        if (table.groupby(["model", "benchmark"])[key].nunique() > 1).any():
            names = names + ", " + texts[key]
    return names


def series_colours(table: pd.DataFrame) -> Mapping[str, Any]:
    """A colour for each of the legend's names, the base's first, in the order of roles."""
    named = table.assign(name=series_names(table))[["name", "role"]].drop_duplicates("name")
    named = named.sort_values("role", key=lambda roles: roles.map(ROLE_ORDER.index), kind="stable")
    names: Sequence[str] = list(named["name"])
    return dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))
