"""Figure: how accuracy is spread over problems (the paper, fig. 5 and 13)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from boundary.exhibits.panels import draw_panels
from boundary.exhibits.style import SeriesStyle

GROUP_WIDTH = 0.84  # of the distance between bins


def draw(table: pd.DataFrame) -> Figure:
    """Panels of grouped bars. ``table`` is the gathered statistic accuracy_histogram."""
    return draw_panels(
        table,
        _draw_panel,
        x_label="share of correct samples",
        y_label="share of problems",
        share_y=True,
        aspect=1.9,
    )


def _draw_panel(axes: Axes, rows: pd.DataFrame, styles: Mapping[str, SeriesStyle]) -> None:
    names = [name for name in styles if name in set(rows["name"])]
    width = GROUP_WIDTH / len(names)
    for order, name in enumerate(names):
        bars = rows[rows["name"] == name]
        at = np.arange(len(bars)) + (order - (len(names) - 1) / 2) * width
        errors = [bars["share"] - bars["low"], bars["high"] - bars["share"]]
        style = styles[name]
        axes.bar(
            at,
            bars["share"],
            width=width,
            color=style.colour,
            hatch=style.hatch,
            edgecolor="white" if style.hatch else "none",
        )
        axes.errorbar(at, bars["share"], yerr=errors, fmt="none", ecolor="#333333", elinewidth=0.7)
    labels = list(rows["bin"].drop_duplicates())
    axes.set_xticks(np.arange(len(labels)), labels, rotation=45, ha="right", fontsize=7)
    axes.grid(visible=False, axis="x")
