"""The look that all figures share: a palette that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import pandas as pd
import seaborn as sns

Line = Literal["-", "--", ":", "-."]
INK = "#333333"
LINES: tuple[Line, ...] = ("-", "--", ":", "-.")
HATCHES = ("", "///", "...", "xxx")
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


class SeriesStyle(NamedTuple):
    """How a series is drawn: the colour is its model's, line and hatching are its verifier's."""

    colour: Any
    line: Line
    hatch: str


def series_styles(table: pd.DataFrame) -> Mapping[str, SeriesStyle]:
    """A style for each of the legend's names, the base's first, in the order of roles.

    One colour for all verifiers of the same samples, whose curves may lie on each other.
    """
    drawn_by = list(dict.fromkeys(table["verifier"]))
    sampled = series_names(table.assign(verifier=drawn_by[0]))
    named = table.assign(name=series_names(table), sampled=sampled).drop_duplicates("name")
    named = named.sort_values("role", key=lambda roles: roles.map(ROLE_ORDER.index), kind="stable")
    samples = list(dict.fromkeys(named["sampled"]))
    colours = dict(zip(samples, sns.color_palette("colorblind", len(samples)), strict=True))
    styles = {}
    for name, sampled_as, verifier in zip(
        named["name"], named["sampled"], named["verifier"], strict=True
    ):
        place = drawn_by.index(verifier) % len(LINES)
        styles[name] = SeriesStyle(colours[sampled_as], LINES[place], HATCHES[place])
    return styles
