"""Figure: reward, response length and entropy in the course of training (the paper, fig. 18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from boundary.errors import BoundaryError
from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.style import Styles, draw_line, name_series, series_handle
from boundary.verification.verifiers import VERIFIERS

QUANTITIES = {
    "reward": "mean reward",
    "response_length": "response length (tokens)",
    "entropy": "entropy (nats a token)",
}
WINDOW = 11  # steps that are logged
PALE = 0.25  # opacity of what is not smoothed
# What tells the series of other figures apart; a training has none of it. Where a table names bases, the
# base's colour is kept for them, so that a model has the same one in most figures.
NO_CELL: dict[str, Any] = {"sampling": "", "sampling_label": "", "n": 0, "verifier": VERIFIERS[0]}
NO_BASE: dict[str, Any] = {"base": "", "base_sampling": "", "base_sampling_label": "", "base_n": 0}


def gather_logs(paths: Sequence[Path], models: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One table of the logs of ``models``: step, quantity, value and smoothed, after each description.

    ``smoothed`` is a centred moving average over WINDOW logged steps, fewer at both ends. Raises
    BoundaryError naming a file that is no such log.
    """
    tables = []
    for path, model in zip(paths, models, strict=True):
        log = _read_log(path)
        smoothed = log.rolling(WINDOW, center=True, min_periods=1).mean()
        for quantity in QUANTITIES:
            described = {**model, "step": log.index, "quantity": quantity}
            values = {"value": log[quantity], "smoothed": smoothed[quantity]}
            tables.append(pd.DataFrame(described | values))
    return pd.concat(tables, ignore_index=True)


def _read_log(path: Path) -> pd.DataFrame:
    """The QUANTITIES of a log, by step."""
    needed = ["step", *QUANTITIES]
    try:
        log = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise BoundaryError(f"{path}: cannot be read as CSV: {error}") from error
    if missing := [name for name in needed if name not in log]:
        raise BoundaryError(
            f"{path}: found the columns {', '.join(map(str, log))}; expected {', '.join(needed)}. "
            f"Add {', '.join(missing)}"
        )
    if log.empty:
        raise BoundaryError(f"{path}: has no rows; expected one for each step of the training")
    for name in needed:
        numbers = pd.to_numeric(log[name], errors="coerce")
        if (strange := ~np.isfinite(numbers)).any():
            row = int(strange.argmax())
            raise BoundaryError(
                f"{path}, row {row + 2}: {name} is {log[name].iloc[row]}; expected a number"
            )
        log[name] = numbers
    if (repeated := log["step"].diff() <= 0).any():
        row = int(repeated.argmax())
        raise BoundaryError(
            f"{path}, row {row + 2}: step {log['step'].iloc[row]} stands after "
            f"{log['step'].iloc[row - 1]}; expected steps that rise"
        )
    return log.set_index("step")[list(QUANTITIES)].astype(float)


def draw(table: pd.DataFrame) -> Figure:
    """A panel for each quantity, with a line for each model: smoothed, and pale behind it every step.

    ``table`` is what ``gather_logs`` makes. There are no intervals, since each model was trained once.
    """
    # Models of all families share the panels, one for each quantity as elsewhere for each benchmark.
    labels = table["quantity"].map(QUANTITIES)
    rows = table.assign(family="", benchmark=table["quantity"], benchmark_label=labels)
    rows, styles = name_series(rows.assign(**NO_CELL, **NO_BASE))
    figure = draw_panels(
        rows,
        partial(_draw_panel, styles=styles),
        x_label=f"training step; each line is one run, averaged over {WINDOW} steps (pale: every step)",
        y_label="",
    )
    add_legend(figure, [series_handle(style, name) for name, style in styles.items()])
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    for name, line in rows.groupby("name", sort=False):
        style = styles[str(name)]
        axes.plot(line["step"], line["value"], color=style.colour, alpha=PALE, linewidth=0.7)
        marked = max(1, len(line) // 6)
        every = (marked // 2, marked)
        draw_line(axes, line["step"], line["smoothed"], style, markevery=every)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
