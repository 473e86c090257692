"""Figure: which share of the problems was solved by both models, by one of them, and by neither."""

from __future__ import annotations

import textwrap
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.style import INK, SMALL, Styles, name_series

# Of each category its face and the colour of what is written on it. In grey, too, neighbours differ.
COLOURS = {
    "both": ("#d3d9de", INK),
    "base_only": ("#0173b2", "white"),
    "model_only": ("#de8f05", INK),
    "neither": ("white", INK),
}
BAR = 0.54  # of the distance between bars
NARROW = 0.07  # share of the problems: too narrow for a number
LONGEST_LINE = 18  # characters, of a pair's name


def draw(table: pd.DataFrame) -> Figure:
    """Panels of a bar for each pair. ``table`` is the gathered statistic coverage."""
    table, styles = name_series(table)
    bars = table.groupby(["family", "benchmark"])["name"].nunique().max()
    figure = draw_panels(
        table,
        partial(_draw_panel, styles=styles),
        x_label="share of problems",
        y_label="",
        size=(4.2, 0.9 + 0.45 * bars),
    )
    handles = [
        Patch(facecolor=face, edgecolor=INK, linewidth=0.6, label=label)
        for (face, _), label in zip(COLOURS.values(), _labels(table), strict=True)
    ]
    add_legend(figure, handles)
    return figure


def _labels(table: pd.DataFrame) -> list[str]:
    """What the categories are called. Not seen to be solved is not to say that it cannot be."""
    drawn = set(table["n"]) | set(table["base_n"])
    samples = f"{drawn.pop()} samples" if len(drawn) == 1 else "the samples drawn"
    return [
        "solved by both",
        "by the base only",
        "by the model only",
        f"not seen solved by either in {samples}",
    ]


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    names = [name for name in styles if name in set(rows["name"])]
    for place, name in enumerate(names):
        found = rows.loc[rows["name"] == name, "category"].value_counts()
        _draw_bar(axes, place, found.reindex(list(COLOURS), fill_value=0))
    labels = [textwrap.fill(name, LONGEST_LINE) for name in names]
    axes.set_yticks(range(len(names)), labels, fontsize=SMALL)
    axes.set_ylim(len(names) - 0.3, -0.7)
    axes.set_xlim(0, 1)
    axes.grid(visible=False, axis="y")


def _draw_bar(axes: Axes, place: int, found: pd.Series) -> None:
    """A bar of shares with the numbers of problems: in a segment, or by turns above and below it."""
    left = 0.0
    for order, (category, problems) in enumerate(found.items()):
        face, ink = COLOURS[str(category)]
        share = problems / found.sum()
        axes.barh(
            place,
            share,
            height=BAR,
            left=left,
            color=face,
            edgecolor=INK,
            linewidth=0.6,
            clip_on=False,
        )
        beside = (BAR / 2 + 0.15) * (1 if order % 2 else -1)
        if problems:
            axes.text(
                left + share / 2,
                place + (beside if share < NARROW else 0),
                f"{problems:,}",
                color=INK if share < NARROW else ink,
                fontsize=SMALL,
                ha="center",
                va="center",
            )
        left += share
