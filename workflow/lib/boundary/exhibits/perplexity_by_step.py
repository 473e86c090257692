"""Figure: the perplexity under the base of what a model writes, against its steps of training."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from boundary.errors import BoundaryError
from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.perplexity import find_quantiles, label_perplexity, write_notes
from boundary.exhibits.style import SMALL, Styles, draw_line, name_series, series_handle, shade


def draw(table: pd.DataFrame) -> Figure:
    """Panels of a line for each run with its quartiles. The base's responses are every run's step 0.

    ``table`` is the gathered statistic perplexity, under the base, with each model's run and steps.
    """
    trained = table["role"] != "base"
    runs = {name: table["run"].where(trained, table[name]) for name in ("model", "label")}
    table = table.assign(**runs)
    if table["perplexity"].isna().all():
        raise BoundaryError(
            f"none of the {len(table)} responses was scored; the column detail of the scores says why"
        )
    table, styles = name_series(table)
    figure = draw_panels(
        table,
        partial(_draw_panel, styles=styles),
        x_label="training steps (0 is the base); lines are medians, bands quartiles",
        y_label="perplexity under the base",
    )
    names = set(table.loc[table["role"] != "base", "name"])
    handles = [series_handle(style, name) for name, style in styles.items() if name in names]
    add_legend(figure, handles)
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    axes.set_xlabel("\n".join(write_notes(rows, styles)), fontsize=SMALL)
    rows = rows.dropna(subset="perplexity")
    base = rows[rows["role"] == "base"]
    axes.set_yscale("log")
    trained = rows[rows["role"] != "base"]
    for name, run in trained.groupby("name", sort=False):
        # Of several samplings of the base, the run's own.
        same = base[base["sampling"].isin(run["sampling"])]
        responses = pd.concat([base if same.empty else same, run])
        quantiles = find_quantiles(responses, ["steps"])
        style, runs = styles[str(name)], trained["name"].nunique()
        shade(axes, quantiles.index, (quantiles["first"], quantiles["third"]), style, runs)
        draw_line(axes, quantiles.index, quantiles["median"], style)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    label_perplexity(axes.yaxis)
