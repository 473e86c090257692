"""A plan for reading, as a table of exhibits, and for computing, as a CSV of cells."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from boundary.data.atomic import atomic_path
from boundary.planning.plan import PlannedCell, total
from boundary.study.model import Model

# A billion tokens is read sooner than 1,000,000,000.
TOKENS = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))
BYTES = ((1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1, " B"))
TITLES = (
    *("", "cells", "done", "shared", "problems", "samples", "drawn"),
    *("tokens", "left", "to score", "left", "GPU hours", "left", "disk", "left"),
)
COLUMNS = (
    *("model", "benchmark", "sampling", "n", "problems", "samples", "drawn"),
    *("mean_tokens", "length", "tokens", "tokens_left", "scored_tokens", "scored_tokens_left"),
    *("gpu_hours", "gpu_hours_left", "bytes", "bytes_left", "exhibits"),
)


def write_cells(path: Path, cells: Iterable[PlannedCell]) -> None:
    """Write a row for each cell as CSV, atomically; what nobody knows is empty."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for cell in cells:
            numbers: list[object] = [""] * 8
            if cell.cost is not None and cell.left is not None:
                pairs = zip(cell.cost, cell.left, strict=True)
                numbers = [f"{number:.10g}" for pair in pairs for number in pair]
            writer.writerow(
                [
                    *cell.key,
                    cell.n,
                    *("" if known is None else known for known in _counts(cell)),
                    f"{cell.mean_tokens:.10g}",
                    _length(cell),
                    *numbers,
                    " ".join(cell.exhibits),
                ]
            )


def _counts(cell: PlannedCell) -> tuple[int | None, int | None, int | None]:
    return cell.problems, cell.samples, cell.drawn


def _length(cell: PlannedCell) -> str:
    """Where its mean length is from."""
    return "measured" if cell.measured else "estimated"


def _row(cells: Sequence[PlannedCell], problems: Mapping[str, int]) -> list[str]:
    """What the table says of some cells, column by column."""
    benchmarks = dict.fromkeys(cell.key.benchmark for cell in cells)
    cost, left = total(cells), total(cells, left=True)
    unknown = any(cell.unknown for cell in cells)
    return [
        f"{len(cells):,}",
        f"{sum(cell.done for cell in cells):,}",
        f"{sum(len(cell.exhibits) > 1 for cell in cells):,}",
        _count([problems.get(name) for name in benchmarks]),
        _count([cell.samples for cell in cells]),
        _count([cell.drawn for cell in cells]),
        *_both(cost.tokens, left.tokens, TOKENS, unknown),
        *_both(cost.scored_tokens, left.scored_tokens, TOKENS, unknown),
        *_both(cost.gpu_hours, left.gpu_hours, (), unknown),
        *_both(cost.bytes, left.bytes, BYTES, unknown),
    ]


def _count(numbers: Sequence[int | None]) -> str:
    known = sum(number for number in numbers if number is not None)
    if None not in numbers:
        return f"{known:,}"
    return f"{known:,} + ?" if known else "?"


def _both(cost: float, left: float, units: Sequence[tuple[float, str]], unknown: bool) -> list[str]:
    """A sum and what is left of it; what is known of it in part, or not at all, is marked."""
    shown = [in_units(number, units) for number in (cost, left)]
    if not unknown:
        return shown
    return [f"{text} + ?" if cost else "?" for text in shown]


def in_units(number: float, units: Sequence[tuple[float, str]]) -> str:
    """A number of 0 or more for reading, in the largest of ``units`` (each its size and name) that fits."""
    size, name = next(((size, name) for size, name in units if number >= size), (1, ""))
    shown = number / size
    if 0 < shown < 0.1:
        return f"< 0.1{name}"
    if name or shown < 10:
        return f"{shown:,.{1 if 0 < shown < 10 else 0}f}{name}"
    return f"{shown:,.0f}"


def lay_out(rows: Mapping[str, Sequence[PlannedCell]], problems: Mapping[str, int]) -> list[str]:
    """The lines of a table of cells by name: names to the left, numbers to the right.

    ``problems`` are their numbers by benchmark.
    """
    table = [TITLES, *((name, *_row(cells, problems)) for name, cells in rows.items())]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if place else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    ]


def notes(
    cells: Sequence[PlannedCell],
    trained: Sequence[Model],
    by_name: Sequence[str],
    in_the_way: Mapping[str, Sequence[str]],
) -> list[str]:
    """What is to be said below it: of cells, of trainings, of what is made by name alone, of obstacles."""
    drawn = [cell for cell in cells if not cell.imported and cell.n_drawn]
    unknown = dict.fromkeys(cell.key.benchmark for cell in cells if cell.unknown)
    measured = sum(cell.measured for cell in cells)
    found = {
        "Made by name alone": [", ".join(by_name)] if by_name else [],
        "Mean lengths": [
            f"of {measured} cells measured on their samples, of {len(cells) - measured} estimated"
        ],
        "Drawn already, of n": [
            f"{' '.join(cell.key)}: {cell.n_drawn:,} of {cell.n:,}" for cell in drawn
        ],
        "Nobody knows how many problems these have, so that they are in no sum": [
            f"{name}: say `rows` in its entry of benchmarks.yaml, or let the workflow write its "
            "problems.parquet"
            for name in unknown
        ],
        "Trained first, if it is not yet, for days and in no sum": [
            f"{model.name}: {model.training['steps']} steps on {model.training_gpus} GPUs at once"
            for model in trained
        ],
        "Cannot be made, and is in no sum": _of_obstacles(in_the_way),
    }
    return ["\n  ".join([f"\n{title}:", *lines]) for title, lines in found.items() if lines]


def _of_obstacles(in_the_way: Mapping[str, Sequence[str]]) -> list[str]:
    """Each obstacle with the exhibits that it stands in the way of."""
    found: dict[str, list[str]] = {}
    for name, obstacles in in_the_way.items():
        for obstacle in obstacles:
            found.setdefault(obstacle, []).append(name)
    return [f"{', '.join(names)}: {obstacle}" for obstacle, names in found.items()]
