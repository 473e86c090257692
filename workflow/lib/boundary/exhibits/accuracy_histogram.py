"""Figure: how accuracy is spread over problems (the paper, fig. 5 and 13)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.style import SMALL, SeriesStyle, Styles, name_series

WHISKER = "#666666"
GROUP_WIDTH = 0.84  # of the distance between bins


def draw(table: pd.DataFrame) -> Figure:
    """Panels of grouped bars. ``table`` is the gathered statistic accuracy_histogram."""
    table, styles = name_series(table)
    figure = draw_panels(
        table,
        partial(_draw_panel, styles=styles),
        x_label="share of correct samples",
        y_label="share of problems",
        size=(4.6, 2.4),
        share_y=True,
    )
    add_legend(figure, [Patch(**_face(style), label=name) for name, style in styles.items()])
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    names = [name for name in styles if name in set(rows["name"])]
    width = GROUP_WIDTH / len(names)
    for order, name in enumerate(names):
        bars = rows[rows["name"] == name]
        at = np.arange(len(bars)) + (order - (len(names) - 1) / 2) * width
        errors = [bars["share"] - bars["low"], bars["high"] - bars["share"]]
        axes.bar(at, bars["share"], width=width, **_face(styles[name]))
        axes.errorbar(at, bars["share"], yerr=errors, fmt="none", ecolor=WHISKER, elinewidth=0.6)
    labels = list(rows["bin"].drop_duplicates())
    axes.set_xticks(np.arange(len(labels)), labels, rotation=45, ha="right", fontsize=SMALL)
    axes.grid(visible=False, axis="x")


def _face(style: SeriesStyle) -> dict[str, Any]:
    return {
        "facecolor": style.colour,
        "hatch": style.hatch,
        "edgecolor": "white" if style.hatch else "none",
    }
