"""The paper's layout: one panel for each benchmark and family of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from boundary.exhibits import wording
from boundary.exhibits.style import apply_style
from boundary.verification.verifiers import split_judged

PANEL_SIZE = (3.2, 2.4)  # inches
MOST_WIDTH = 14.0  # inches
CHARACTER, ENTRY = 0.07, 0.55  # inches, of a legend's text and of what is around it
LEGEND_ROW = 0.22  # inches
DrawPanel = Callable[[Axes, pd.DataFrame], None]


def draw_panels(
    table: pd.DataFrame,
    draw_panel: DrawPanel,
    *,
    x_label: str,
    y_label: str,
    size: tuple[float, float] = PANEL_SIZE,
    share_y: bool = False,
) -> Figure:
    """A grid of panels, each of ``size`` in inches.

    As many stand in a row as fit; where families share benchmarks, a row is a family, a column a benchmark.
    ``draw_panel`` gets the axes, titled, and the panel's rows.
    """
    apply_style()
    places, columns = _places(table, int(MOST_WIDTH // size[0]))
    rows = 1 + max(row for row, _ in places.values())
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=share_y, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    several = table["family"].nunique() > 1
    for (family, benchmark), place in places.items():
        axes = grid[place]
        axes.set_visible(True)
        panel = table[(table["family"] == family) & (table["benchmark"] == benchmark)]
        title = _title(panel)
        axes.set_title(f"{family} | {title}" if several else title)
        draw_panel(axes, panel)
    figure.supxlabel(x_label)
    figure.supylabel(y_label)
    return figure


def _places(
    table: pd.DataFrame, most_columns: int
) -> tuple[dict[tuple[str, str], tuple[int, int]], int]:
    """Row and column of each family and benchmark that the table has, and the number of columns."""
    panels = list(dict.fromkeys(zip(table["family"], table["benchmark"], strict=True)))
    families, benchmarks = (list(table[name].unique()) for name in ("family", "benchmark"))
    if len(benchmarks) > 1 and len(panels) > len(benchmarks):
        places = {
            (family, benchmark): (families.index(family), benchmarks.index(benchmark))
            for family, benchmark in panels
        }
        return places, len(benchmarks)
    columns = min(len(panels), most_columns)
    return {panel: divmod(number, columns) for number, panel in enumerate(panels)}, columns


def _title(panel: pd.DataFrame) -> str:
    """The benchmark, and what was left out of it for all of the panel's series."""
    title = str(panel["benchmark_label"].iloc[0])
    left_out = {split_judged(verifier)[1] for verifier in panel["verifier"]}
    if left_out == {""} or len(left_out) > 1:
        return title
    return f"{title}\n{wording.without(left_out.pop())}"


def add_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """One legend above all panels, no wider than they are."""
    width, height = figure.get_size_inches()
    labels = [str(handle.get_label()) for handle in handles]
    columns = _legend_columns(labels, width)
    legend = figure.legend(
        handles=list(handles), labels=[" "] * len(labels), loc="outside upper center", ncols=columns
    )
    # Only now: a label that begins with _ would be left out.
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)
    figure.set_size_inches(width, height + LEGEND_ROW * -(-len(handles) // columns))


def _legend_columns(labels: Sequence[str], width: float) -> int:
    """The most columns that fit into ``width``; a legend is filled column by column, the first fullest."""
    characters = np.array([len(label) for label in labels])
    for columns in range(len(labels), 1, -1):
        widest = [column.max() for column in np.array_split(characters, columns)]
        if sum(ENTRY + CHARACTER * longest for longest in widest) <= width:
            return columns
    return 1
