"""The paper's layout: one panel for each benchmark and family of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from boundary.exhibits.style import SeriesStyle, apply_style, series_names, series_styles

PANEL_HEIGHT = 2.4  # inches
DrawPanel = Callable[[Axes, pd.DataFrame, Mapping[str, SeriesStyle]], None]


def draw_panels(
    table: pd.DataFrame,
    draw_panel: DrawPanel,
    *,
    x_label: str,
    y_label: str,
    share_y: bool,
    aspect: float,
) -> Figure:
    """A grid of panels: a row for each family, a column for each benchmark, one legend above.

    ``draw_panel`` gets the axes, the panel's rows (with the legend's name in ``name``) and the style
    of each name.
    """
    apply_style()
    table = table.assign(name=series_names(table))
    styles = series_styles(table)
    families = table["family"].unique()
    grid = sns.FacetGrid(
        table,
        row="family",
        col="benchmark",
        height=PANEL_HEIGHT,
        aspect=aspect,
        sharex=False,
        sharey=share_y,
        despine=True,
    )
    for (family, benchmark), axes in grid.axes_dict.items():
        rows = table[(table["family"] == family) & (table["benchmark"] == benchmark)]
        if rows.empty:
            axes.set_visible(False)
            continue
        draw_panel(axes, rows, styles)
        title = str(rows["benchmark_label"].iloc[0])
        axes.set_title(title if len(families) == 1 else f"{family} | {title}")
    grid.set_axis_labels(x_label, y_label)
    handles = [
        Line2D([], [], color=style.colour, linestyle=style.line, linewidth=2, label=name)
        for name, style in styles.items()
    ]
    grid.figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.98),
        ncols=min(len(handles), 2 * len(grid.col_names), 6),  # no wider than the panels
    )
    grid.tight_layout()
    return grid.figure
