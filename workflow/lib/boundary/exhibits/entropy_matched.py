"""Figure: pass@k at temperatures that make the responses' entropy the same (the paper, fig. 17)."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from boundary.exhibits import wording
from boundary.exhibits.curves import X_LABEL, draw_panel
from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.style import Styles, list_by_series, name_series, series_handle

WIDTH, HEIGHT, CURVES = 3.4, 2.6, 1.9  # inches: a panel without its list, and its curves
LINE = 0.15  # inches, of the list


def draw(table: pd.DataFrame) -> Figure:
    """Panels of curves with a list of temperatures and entropies.

    ``table`` is the gathered statistics pass_at_k and entropy, which the column statistic tells apart.
    """
    table, styles = name_series(table)
    series = table.groupby(["family", "benchmark"])["name"].nunique().max()
    figure = draw_panels(
        table,
        partial(_draw_panel, styles=styles),
        x_label=X_LABEL,
        y_label="pass@k",
        size=(WIDTH, HEIGHT + LINE * (series + 1)),
    )
    add_legend(figure, [series_handle(style, name) for name, style in styles.items()])
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    curves, entropy = (rows[rows["statistic"] == name] for name in ("pass_at_k", "entropy"))
    draw_panel(axes, curves, value="pass_at_k", styles=styles)
    measured = {
        name: measures.set_index("measure")["value"] for name, measures in entropy.groupby("name")
    }
    texts = [
        (style, _in_words(measured[name])) for name, style in styles.items() if name in measured
    ]
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= high])
    if texts:
        axes.set_ylim(low - LINE * (len(texts) + 1) / CURVES * (high - low), high)
        list_by_series(axes, "temperature, and entropy in nats", texts, "lower right")


def _in_words(measures: pd.Series) -> str:
    """A cell's temperature and entropy, and where the temperature was at its limit, the one sought."""
    temperature = f"T = {round(measures['temperature'], 2):g}"
    entropy = f"entropy {wording.number(measures['entropy'], 2)}"
    if measures.get("reached") == 0:
        target = wording.number(measures["target_entropy"], 2)
        return f"limit: {temperature}, {entropy} of {target}"
    return f"{temperature}, {entropy}"
