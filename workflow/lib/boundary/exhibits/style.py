"""The look that all figures share: colours and markers that readers can tell apart, in grey, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from boundary.exhibits import wording
from boundary.verification.verifiers import split_judged

Line = Literal["-", "--", ":", "-."]
Corner = Literal["lower left", "lower right"]
INK = "#333333"
STRONGEST = 0.18  # opacity of a band; many of them are fainter together
SMALL = 7  # points, of what is written into a panel
LINES: tuple[Line, ...] = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "///", "...", "xxx")
ROLE_ORDER = ("base", "rlvr", "instruct", "distilled", "reference")

Values = pd.Series | pd.Index
Styles = Mapping[str, "SeriesStyle"]


class SeriesStyle(NamedTuple):
    """How a series is drawn: colour and marker are its model's, line and hatching its verifier's.

    Without a ``band`` are the further verifiers of the same samples, whose bands would lie on the first's.
    """

    colour: Any
    line: Line
    marker: str
    hatch: str
    band: bool


def apply_style() -> None:
    """Set seaborn's theme; text stays text in a PDF, and a $ in a label is a $."""
    sns.set_theme(
        context="paper",
        style="whitegrid",
        palette="colorblind",
        rc={
            "axes.edgecolor": INK,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 9,
            "axes.titleweight": "bold",
            "figure.labelsize": 9,
            "grid.linewidth": 0.5,
            "legend.frameon": False,
            "pdf.fonttype": 42,
            "savefig.dpi": 200,
            "svg.fonttype": "none",
            "text.parse_math": False,
        },
    )


def name_series(table: pd.DataFrame) -> tuple[pd.DataFrame, Styles]:
    """``table`` with the legend's name of each row in ``name``, and the style of each name."""
    named = table.assign(name=series_names(table))
    return named, series_styles(named)


def series_names(table: pd.DataFrame) -> pd.Series:
    """What the legend calls each row's series: one for each cell, or pair of cells, of a benchmark.

    The model's label, and whatever else is needed to tell series apart: the model's name where models of
    one family share a label, the sampling, n and the verifier where the table has several, and of a pair
    the base, its sampling and n. Base models of different families never share a panel and keep one
    name, and so one colour.
    """
    models_of_label = table.groupby(["family", "label"])["model"].nunique().groupby("label").max()
    names = table["label"].where(table["label"].map(models_of_label) == 1, table["model"])
    model = ["model", "benchmark"]
    keys = {
        "sampling": (model, _call_samplings(table, model, "sampling")),
        "n": (model, "n = " + table["n"].astype(str)),
        "verifier": (model, table["verifier"].map(wording.verifier_name)),
    }
    if "base" in table:
        cell = [*model, *keys]
        keys["base"] = (cell, "against " + table["base"])
        against = [*cell, "base"]
        samplings = _call_samplings(table, against, "base_sampling")
        keys["base_sampling"] = (against, "base at " + samplings)
        keys["base_n"] = (
            [*against, "base_sampling"],
            "base's n = " + table["base_n"].astype(str),
        )
    for key, (within, text) in keys.items():
        if (table.groupby(within)[key].nunique() > 1).any():
            names = names + ", " + text
    return names


def _call_samplings(table: pd.DataFrame, within: list[str], key: str) -> pd.Series:
    """What figures call each row's sampling: its directory where ``within`` two share a label."""
    label = f"{key}_label"
    shared = table.groupby([*within, label])[key].transform("nunique") > 1
    return table[label].where(~shared, table[key])


def series_styles(table: pd.DataFrame) -> Styles:
    """A style for each ``name`` of the table, the base's first, in the order of roles.

    One colour for all verifiers of the same samples, whose curves may lie on each other. The first colour
    is the base's, so that the others are the same in figures of pairs, which have no series of it.
    """
    sampled = series_names(table.assign(verifier=table["verifier"].iloc[0]))
    series = table.assign(sampled=sampled).drop_duplicates("name")
    series = series.sort_values(
        "role", key=lambda roles: roles.map(ROLE_ORDER.index), kind="stable"
    )
    first = 1 if "base" in table else 0
    places = {name: first + place for place, name in enumerate(dict.fromkeys(series["sampled"]))}
    colours = sns.color_palette("colorblind", first + len(places))
    styles: dict[str, SeriesStyle] = {}
    seen: dict[str, list[str]] = {}  # the verifiers of each name's samples, and their filters
    for name, sampled_as, verifier in zip(
        series["name"], series["sampled"], series["verifier"], strict=True
    ):
        place, others = places[sampled_as], seen.setdefault(sampled_as, [])
        line = len(others) % len(LINES)
        band = split_judged(verifier)[1] not in {split_judged(other)[1] for other in others}
        others.append(verifier)
        styles[name] = SeriesStyle(
            colours[place], LINES[line], MARKERS[place % len(MARKERS)], HATCHES[line], band
        )
    return styles


def draw_line(axes: Axes, x: Values, y: Values, style: SeriesStyle, **more: Any) -> None:
    """A series' line with its markers; ``more`` are matplotlib's own settings."""
    axes.plot(
        x,
        y,
        color=style.colour,
        linestyle=style.line,
        linewidth=1.2,
        marker=style.marker,
        markersize=3.5,
        markeredgewidth=0,
        **more,
    )


def shade(
    axes: Axes, x: Values, ends: tuple[Values, Values], style: SeriesStyle, among: int
) -> None:
    """The band between both ``ends`` around a series' line, fainter ``among`` many."""
    alpha = min(STRONGEST, 2 * STRONGEST / among)
    axes.fill_between(x, *ends, color=style.colour, alpha=alpha, linewidth=0)


def series_handle(style: SeriesStyle, label: str) -> Line2D:
    """A legend's entry for a series."""
    return Line2D(
        [],
        [],
        color=style.colour,
        linestyle=style.line,
        linewidth=1.5,
        marker=style.marker,
        markersize=4,
        label=label,
    )


def list_by_series(
    axes: Axes, title: str, texts: Sequence[tuple[SeriesStyle, str]], place: Corner
) -> None:
    """A list in a panel: what is to be said of each series, beside its marker."""
    axes.legend(
        handles=[series_handle(style, text) for style, text in texts],
        title=title,
        loc=place,
        fontsize=SMALL,
        title_fontsize=SMALL,
        labelspacing=0.2,
        alignment="left",
        frameon=True,
        edgecolor="none",
    )
