"""Figure: pass@k against k, with its interval (the paper, fig. 2)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from boundary.exhibits.panels import draw_panels
from boundary.exhibits.style import SeriesStyle

MOST_TICKS = 6


def draw(table: pd.DataFrame) -> Figure:
    """Panels of curves on a logarithmic axis of k. ``table`` is the gathered statistic pass_at_k."""
    return draw_panels(
        table,
        _draw_panel,
        x_label="number of samples k",
        y_label="pass@k",
        share_y=False,
        aspect=1.35,
    )


def _draw_panel(axes: Axes, rows: pd.DataFrame, styles: Mapping[str, SeriesStyle]) -> None:
    for name, curve in rows.groupby("name", sort=False):
        curve = curve.sort_values("k")
        style = styles[str(name)]
        if style.line == "-":  # the bands of further verifiers would lie on this one
            axes.fill_between(
                curve["k"], curve["low"], curve["high"], color=style.colour, alpha=0.18, linewidth=0
            )
        axes.plot(
            curve["k"],
            curve["pass_at_k"],
            color=style.colour,
            linestyle=style.line,
            marker="o",
            markersize=3,
        )
    axes.set_xscale("log", base=2)
    ks = sorted(rows["k"].unique())
    axes.xaxis.set_major_locator(FixedLocator(ks[:: -(-len(ks) // MOST_TICKS)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda k, _: f"{k:g}"))
