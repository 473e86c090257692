"""Figure: both ends of the pass@k curves on axes of their own, and Delta_SE (the paper, fig. 8)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from boundary.estimation.efficiency_gap import BASE_K, POINTS
from boundary.exhibits import wording
from boundary.exhibits.curves import X_LABEL, draw_curve, note_ends, set_k_axis
from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.style import (
    INK,
    SeriesStyle,
    Styles,
    list_by_series,
    name_series,
    series_handle,
)

MARGIN = 0.08  # of what an axis shows
GAP = f"Delta_SE, points: base's pass@K\n{wording.MINUS} the curve's own pass@1"
SPREAD = 0.35  # octaves between the intervals of two curves
CUT: dict[str, Any] = {
    "marker": [(-1, -0.6), (1, 0.6)],
    "markersize": 7,
    "linestyle": "",
    "clip_on": False,
}


class Fold(NamedTuple):
    """What the two axes show: pass@1 of all curves below, pass@K above, with their intervals."""

    below: tuple[float, float]
    above: tuple[float, float]


def draw(table: pd.DataFrame) -> Figure:
    """Panels of two axes each. ``table`` is the gathered statistic pass_at_k, shown up to k = 256."""
    table, styles = name_series(table[table["k"] <= BASE_K])
    draw_panel = partial(_draw_panel, styles=styles)
    figure = draw_panels(table, draw_panel, x_label=X_LABEL, y_label="pass@k", size=(3.4, 3.2))
    add_legend(figure, [series_handle(style, name) for name, style in styles.items()])
    return figure


def find_fold(rows: pd.DataFrame) -> Fold:
    """Limits of a panel's axes: what its curves' first and last points and intervals span.

    Where the two overlap, nothing is left out, and the axes meet in the middle of what they share.
    """
    ends = rows.sort_values("k").groupby("name")
    (low, top), (bottom, high) = (
        (points["low"].min(), points["high"].max()) for points in (ends.head(1), ends.tail(1))
    )
    below, above = MARGIN * (top - low), MARGIN * (high - bottom)
    if top + below >= bottom - above:
        top = bottom = (top + bottom) / 2
        return Fold((low - below, top), (bottom, high + above))
    return Fold((low - below, top + below), (bottom - above, high + above))


def efficiency_gaps(rows: pd.DataFrame) -> dict[str, float]:
    """Delta_SE in points of each of a panel's curves but the base's.

    Of those only whose verifier judged one base, so that there is no choice between bases.
    """
    gaps = {}
    curves = {name: curve.set_index("k") for name, curve in rows.groupby("name", sort=False)}
    for name, curve in curves.items():
        bases = rows[(rows["role"] == "base") & (rows["verifier"] == curve["verifier"].iloc[0])]
        if curve["role"].iloc[0] != "base" and bases["name"].nunique() == 1:
            base = curves[bases["name"].iloc[0]]
            k = min(base.index.max(), curve.index.max())
            gaps[str(name)] = POINTS * (base["pass_at_k"][k] - curve["pass_at_k"][1])
    return gaps


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    lower, upper = _split(axes)
    fold = find_fold(rows)
    shown = [name for name in styles if name in set(rows["name"])]
    largest = int(rows["k"].max())
    for part, limits in ((lower, fold.below), (upper, fold.above)):
        for order, name in enumerate(shown):
            curve = rows[rows["name"] == name].sort_values("k")
            draw_curve(part, curve, "pass_at_k", styles[name])
            _draw_ends(part, curve, 2 ** (SPREAD * (order + 1)), styles[name])
        set_k_axis(part, largest)
        beside = 2 ** (SPREAD * (len(shown) + 1))
        part.set_xlim(1 / beside, largest * beside)
        part.set_ylim(*limits)
        part.yaxis.set_major_locator(MaxNLocator(4))
    note_ends(lower, rows, BASE_K)
    _write_gaps(lower, efficiency_gaps(rows), styles)


def _split(axes: Axes) -> tuple[Axes, Axes]:
    """Two axes in the place of one, the lower first, with marks where the axis is cut."""
    figure, spec = axes.figure, axes.get_subplotspec()
    assert spec is not None
    halves = spec.subgridspec(2, 1, hspace=0)
    upper, lower = (figure.add_subplot(halves[place]) for place in (0, 1))
    upper.set_title(axes.get_title())
    axes.remove()
    upper.spines["bottom"].set_visible(False)
    upper.tick_params(labelbottom=False)
    for part, edge in ((upper, 0), (lower, 1)):
        part.plot(0, edge, transform=part.transAxes, color=INK, markeredgecolor=INK, **CUT)
    return lower, upper


def _draw_ends(axes: Axes, curve: pd.DataFrame, beside: float, style: SeriesStyle) -> None:
    """The intervals of a curve's ends, beside them so that those of several can be told apart."""
    first, last = curve.iloc[0], curve.iloc[-1]
    for end, k in ((first, first["k"] / beside), (last, last["k"] * beside)):
        axes.plot([k, k], [end["low"], end["high"]], color=style.colour, linewidth=1.4)


def _write_gaps(axes: Axes, gaps: Mapping[str, float], styles: Styles) -> None:
    if gaps:
        texts = [(styles[name], wording.number(gap, 1)) for name, gap in gaps.items()]
        list_by_series(axes, GAP, texts, "lower right")
