"""Figure: the model's pass@k less its base's, against k, and where the curves cross."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from boundary.estimation.crossing import find_crossing
from boundary.exhibits import wording
from boundary.exhibits.curves import X_LABEL, draw_band, draw_curve, note_ends, set_k_axis
from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.style import (
    INK,
    SMALL,
    SeriesStyle,
    Styles,
    list_by_series,
    name_series,
    series_handle,
)

Y_LABEL = f"model's pass@k {wording.MINUS} its base's"
LINE = 0.06  # of the panel's height: room for a line of the list
SIDES = "\N{LEFTWARDS ARROW} base ahead     post-training ahead \N{RIGHTWARDS ARROW}"


def draw(table: pd.DataFrame) -> Figure:
    """Panels of curves around zero. ``table`` is the gathered statistic difference."""
    table, styles = name_series(table)
    draw_panel = partial(_draw_panel, styles=styles)
    figure = draw_panels(table, draw_panel, x_label=X_LABEL, y_label=Y_LABEL, size=(3.2, 2.6))
    handles = [series_handle(style, name) for name, style in styles.items()]
    at_crossing = Line2D([], [], linestyle="", **_mark("white", INK), label="crossing k*")
    add_legend(figure, [*handles, at_crossing])
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    axes.axhline(0, color=INK, linewidth=0.8)
    crossings: list[tuple[SeriesStyle, str]] = []
    for name, curve in rows.groupby("name", sort=False):
        style = styles[str(name)]
        draw_band(axes, curve, style, rows["name"].nunique())
        draw_curve(axes, curve, "difference", style)
        crossings.append((style, _draw_crossing(axes, curve, style)))
    set_k_axis(axes, int(rows["k"].max()))
    axes.set_ylabel(SIDES, fontsize=SMALL)
    note_ends(axes, rows)
    low, high = axes.get_ylim()
    axes.set_ylim(low - LINE * (len(crossings) + 1) * (high - low), high)
    list_by_series(axes, "crossing k*", crossings, "lower left")


def _draw_crossing(axes: Axes, curve: pd.DataFrame, style: SeriesStyle) -> str:
    """Mark on the zero line from which k on the base is ahead, if it is; returns it in words."""
    found = find_crossing(curve["k"].to_numpy(), curve["difference"].to_numpy())
    if found <= curve["k"].max():
        axes.plot(found, 0, linestyle="", **_mark("white", style.colour), zorder=4)
    return wording.crossing(found, int(curve["k"].max()))


def _mark(face: Any, edge: Any) -> dict[str, Any]:
    return {
        "marker": "o",
        "markersize": 6,
        "markerfacecolor": face,
        "markeredgecolor": edge,
        "markeredgewidth": 1.2,
    }
