"""Figure: how likely responses are to the base and to the models themselves (the paper, fig. 6)."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatter, MaxNLocator

from boundary.data.scored import RETOKENISED
from boundary.exhibits import wording
from boundary.exhibits.panels import add_legend, draw_panels
from boundary.exhibits.style import (
    HATCHES,
    INK,
    ROLE_ORDER,
    SMALL,
    SeriesStyle,
    Styles,
    name_series,
    series_handle,
)

WHISKERS = (5, 95)  # percentiles
QUANTILES = {"low": 0.1, "first": 0.25, "median": 0.5, "third": 0.75, "high": 0.9}
MOST_DOTS = 50  # responses of a pair, each shown by a dot
MOST_NAMED = 12  # problems with their names below
LONGEST_NAME, LONGEST_LINE = 26, 60  # characters, of a pair's name and of a note
# As shares of the distance between boxes: a box's height, and how far below its middle its dots are.
BOX, DOTS = 0.5, 0.36
PALE = 0.45  # opacity of a box; a band's is half of it
THIN = {"color": INK, "linewidth": 0.7}
WIDTH = 8.0  # inches
HEIGHT, ROW, NOTE = 1.6, 0.26, 0.12  # inches: around the boxes, of a box and of a line of notes


class Pair(NamedTuple):
    """Responses, by their series' name, and the model under which they have their perplexities."""

    responses: str
    scorer: str

    def __str__(self) -> str:
        return f"{self.responses} under {self.scorer}"


def draw(table: pd.DataFrame) -> Figure:
    """Panels of box plots beside one of the problems. ``table`` is the gathered statistic perplexity."""
    table = table.assign(family=place_references(table))
    table, styles = name_series(table.assign(reader=name_scorers(table)))
    panels = [rows for _, rows in table.groupby(["family", "benchmark"])]
    boxes = max(len(order_pairs(rows, styles)) for rows in panels)
    lines = max(len(write_notes(rows, styles)) for rows in panels)
    size = WIDTH, HEIGHT + ROW * max(boxes, 3) + NOTE * lines
    draw_panel = partial(_draw_panel, styles=styles)
    figure = draw_panels(table, draw_panel, x_label="", y_label="", size=size)
    bases = set(table.loc[table["role"] == "base", "name"])
    add_legend(figure, [_handle(style, name, name in bases) for name, style in styles.items()])
    return figure


def place_references(table: pd.DataFrame) -> pd.Series:
    """Each row's family; of references, which belong to none, that of what else their scorer scored."""
    references = table["role"] == "reference"
    families = table[~references].drop_duplicates("scorer").set_index("scorer")["family"]
    return table["family"].mask(references, table["scorer"].map(families))


def name_scorers(table: pd.DataFrame) -> pd.Series:
    """What each row's scorer is called: its label, or its name where a family has several of one label."""
    shared = table.groupby(["family", "scorer_label"])["scorer"].transform("nunique") > 1
    return table["scorer_label"].where(~shared, table["scorer"])


def order_pairs(rows: pd.DataFrame, styles: Styles) -> list[Pair]:
    """A panel's pairs: the base's responses, then each model's, then references; first under the base."""
    scorers = rows.drop_duplicates("reader").sort_values(
        "scorer_role", key=lambda roles: roles.map(ROLE_ORDER.index), kind="stable"
    )
    found = set(map(Pair, rows["name"], rows["reader"]))
    pairs = [Pair(name, scorer) for name in styles for scorer in scorers["reader"]]
    return [pair for pair in pairs if pair in found]


def write_notes(rows: pd.DataFrame, styles: Styles) -> list[str]:
    """What a panel leaves out and why, and which of its responses are not as their models left them."""
    scored = rows["perplexity"].notna()
    groups = [
        (f"not shown, {reason}", missing)
        for reason, missing in rows[~scored].groupby("detail", sort=False)
    ]
    groups += [
        ("cut off at the token cap", rows[scored & rows["cut_off"].eq(True)]),
        ("tokenised anew from the text", rows[scored & (rows["tokens"] == RETOKENISED)]),
    ]
    return [
        line
        for what, among in groups
        if len(among)
        for line in textwrap.wrap(f"{what}: {_count(among, styles)}", LONGEST_LINE)
    ]


def _count(rows: pd.DataFrame, styles: Styles) -> str:
    """How many responses of each series, whatever the number of models that they were scored under."""
    numbers = rows.drop_duplicates(["name", "problem_id", "sample_index"])["name"].value_counts()
    return ", ".join(
        f"{name}{wording.NO_BREAK}{numbers[name]:,}" for name in styles if name in numbers
    )


def find_quantiles(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """``QUANTILES`` of the perplexities of each of ``keys``, which are the index."""
    perplexities = rows.groupby(keys)["perplexity"]
    return pd.DataFrame({name: perplexities.quantile(at) for name, at in QUANTILES.items()})


def label_perplexity(axis: Axis) -> None:
    """Numbers written out on a logarithmic axis, between the powers of ten, too, where these are few."""
    axis.set_major_formatter(LogFormatter())
    axis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    axis.set_tick_params(which="both", labelsize=SMALL)
    axis.grid(visible=True, which="both")


def _handle(style: SeriesStyle, name: str, base: bool) -> Artist:
    if not base:
        return series_handle(style, name)
    return Patch(facecolor=to_rgba(style.colour, PALE), edgecolor=style.colour, label=name)


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, styles: Styles) -> None:
    figure, spec = axes.figure, axes.get_subplotspec()
    assert spec is not None
    halves = spec.subgridspec(1, 2)
    pooled, by_problem = (figure.add_subplot(halves[place]) for place in (0, 1))
    pooled.set_title(axes.get_title())
    by_problem.set_title("problem by problem", fontweight="normal")
    axes.remove()
    scored = rows.dropna(subset="perplexity")
    _draw_boxes(pooled, scored, order_pairs(scored, styles), styles)
    pooled.set_xlabel(
        "perplexity\nbox: median and quartiles, whiskers: 5 % to 95 %", fontsize=SMALL
    )
    under_base = scored[scored["scorer_role"] == "base"]
    if len(under_base):
        _draw_problems(by_problem, under_base, styles)
    explained = [
        "problems by the base's median",
        "band: the base's central 80 %, points: median and quartiles",
    ]
    by_problem.set_xlabel("\n".join([*explained, *write_notes(rows, styles)]), fontsize=SMALL)


def _draw_boxes(axes: Axes, scored: pd.DataFrame, pairs: list[Pair], styles: Styles) -> None:
    """A box for each pair, the first on top, hatched where the scorer is not the base."""
    of_pairs = dict(iter(scored.groupby(["name", "reader"])))
    axes.set_xscale("log")
    for place, pair in enumerate(pairs):
        responses = of_pairs[pair]
        style = styles[pair.responses]
        drawn = axes.boxplot(
            responses["perplexity"].to_numpy(),
            positions=[place],
            orientation="horizontal",
            widths=BOX,
            whis=WHISKERS,
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
            medianprops={"color": INK, "linewidth": 1.8},
            whiskerprops=THIN,
            capprops=THIN,
        )
        hatch = HATCHES[0 if responses["scorer_role"].iloc[0] == "base" else 1]
        drawn["boxes"][0].set(
            facecolor=to_rgba(style.colour, PALE), edgecolor=INK, linewidth=0.7, hatch=hatch
        )
        if len(responses) <= MOST_DOTS:
            axes.plot(
                responses["perplexity"],
                np.full(len(responses), place + DOTS),
                color=style.colour,
                alpha=PALE,
                linestyle="",
                marker=".",
                markersize=4,
                markeredgewidth=0,
            )
    names = [textwrap.fill(str(pair), LONGEST_NAME) for pair in pairs]
    axes.set_yticks(range(len(pairs)), names, fontsize=SMALL)
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    label_perplexity(axes.xaxis)


def _draw_problems(axes: Axes, scored: pd.DataFrame, styles: Styles) -> None:
    """Each problem's responses under the base: the base's own as a band, the others' as points."""
    scorer = scored["reader"].iloc[0]
    of_series = {
        name: find_quantiles(rows, ["problem_id"]) for name, rows in scored.groupby("name")
    }
    problems = sorted(scored["problem_id"].unique())
    bases = set(scored.loc[scored["role"] == "base", "name"])
    if own := next((name for name in styles if name in bases), None):
        of_base = of_series.pop(own).reindex(problems).sort_values("median", kind="stable")
        _draw_band(axes, of_base, styles[own])
        problems = list(of_base.index)
    names = [name for name in styles if name in of_series]
    for order, name in enumerate(names):
        shift = (order - (len(names) - 1) / 2) / (len(names) + 1)
        size = float(np.clip(160 / (len(problems) * len(names)), 2.5, 4.5))
        _draw_points(axes, of_series[name].reindex(problems), shift, styles[name], size)
    axes.set_yscale("log")
    axes.set_xlim(-0.6, len(problems) - 0.4)
    axes.set_ylabel(f"perplexity under {scorer}", fontsize=SMALL)
    axes.grid(visible=False, axis="x")
    if len(problems) <= MOST_NAMED:
        axes.set_xticks(range(len(problems)), problems, rotation=30, ha="right", fontsize=SMALL)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xticks([], minor=True)
        axes.xaxis.set_major_formatter(lambda place, _: f"{place + 1:.0f}")
        axes.tick_params(axis="x", labelsize=SMALL)
    label_perplexity(axes.yaxis)


def _draw_band(axes: Axes, quantiles: pd.DataFrame, style: SeriesStyle) -> None:
    edges = np.arange(len(quantiles) + 1) - 0.5
    axes.stairs(
        quantiles["high"],
        edges,
        baseline=quantiles["low"],
        fill=True,
        color=style.colour,
        alpha=PALE / 2,
        linewidth=0,
    )
    # Above the others' points.
    axes.stairs(
        quantiles["median"], edges, baseline=None, color=style.colour, linewidth=1.2, zorder=3
    )


def _draw_points(
    axes: Axes, quantiles: pd.DataFrame, shift: float, style: SeriesStyle, size: float
) -> None:
    shown = quantiles.assign(at=np.arange(len(quantiles)) + shift).dropna()
    median = shown["median"]
    axes.errorbar(
        shown["at"],
        median,
        yerr=[median - shown["first"], shown["third"] - median],
        color=style.colour,
        ecolor=to_rgba(style.colour, PALE),
        linestyle="",
        marker=style.marker,
        markersize=size,
        markeredgewidth=0,
        elinewidth=size / 5,
    )
