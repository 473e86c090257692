"""Curves against k, as several figures draw them."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from boundary.estimation.unbiased import powers_of_two
from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.rows import ends_of_curves
from boundary.exhibits.style import (
    SMALL,
    SeriesStyle,
    Styles,
    draw_line,
    name_series,
    series_handle,
    shade,
)

X_LABEL = "number of samples k"
MOST_TICKS = 6


def draw_curves(table: pd.DataFrame, value: str, y_label: str) -> Figure:
    """Panels of curves of the column ``value`` with their bands, on a logarithmic axis of k."""
    table, styles = name_series(table)
    draw = partial(draw_panel, value=value, styles=styles)
    figure = draw_panels(table, draw, x_label=X_LABEL, y_label=y_label)
    add_legend(figure, [series_handle(style, name) for name, style in styles.items()])
    return figure


def draw_panel(axes: Axes, rows: pd.DataFrame, *, value: str, styles: Styles) -> None:
    """A curve with its band for each of the panel's names, and below it which end before n."""
    for name, curve in rows.groupby("name", sort=False):
        draw_band(axes, curve, styles[str(name)], rows["name"].nunique())
        draw_curve(axes, curve, value, styles[str(name)])
    set_k_axis(axes, int(rows["k"].max()))
    note_ends(axes, rows)


def draw_curve(axes: Axes, curve: pd.DataFrame, value: str, style: SeriesStyle) -> None:
    """A line through every k, with markers at powers of two and at the last."""
    shown = powers_of_two(int(curve["k"].max()))
    marked = [place for place, k in enumerate(curve["k"]) if k in shown]
    draw_line(axes, curve["k"], curve[value], style, markevery=marked)


def draw_band(axes: Axes, curve: pd.DataFrame, style: SeriesStyle, curves: int) -> None:
    """The interval around a curve that has a band, fainter among many ``curves``."""
    if style.band:
        shade(axes, curve["k"], (curve["low"], curve["high"]), style, curves)


def set_k_axis(axes: Axes, largest: int) -> None:
    """A logarithmic axis with some powers of two and ``largest``, written out."""
    powers = powers_of_two(largest)
    apart = [k for k in powers[:: -(-len(powers) // MOST_TICKS)] if k <= largest / 2]
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator([*apart, largest]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda k, _: f"{k:g}"))


def note_ends(axes: Axes, rows: pd.DataFrame, most: float = math.inf) -> None:
    """Say below the panel which curves end before n, since a problem has fewer judged samples.

    ``most`` is the largest k of a panel that shows no more.
    """
    ends = ends_of_curves(rows)
    names = rows["name"].drop_duplicates()  # in the order of the ends
    notes = [
        f"{name}: judged samples end at {k} of {n}"
        for name, k, n in zip(names, ends["k"], ends["wanted"], strict=True)
        if k < min(n, most)
    ]
    axes.set_xlabel("\n".join(notes), fontsize=SMALL)
