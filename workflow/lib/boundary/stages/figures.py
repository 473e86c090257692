"""Stage figures: draw a figure, or lay out a table, from the statistics of its cells."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.arguments import json_argument
from boundary.exhibits.kinds import FIGURES, TABLES

if TYPE_CHECKING:
    import pandas as pd

HELP = "draw a figure or lay out a table from the statistics of its cells"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument(
        "kind", choices=sorted({*FIGURES, *TABLES}), help="the statistic that is shown"
    )
    parser.add_argument(
        "--statistics",
        type=Path,
        nargs="+",
        required=True,
        help="CSV of the statistic, one a cell; or of a training, one a model",
    )
    parser.add_argument(
        "--cells",
        type=json_argument,
        required=True,
        metavar="JSON",
        help="a description of each cell, in the order of --statistics: model, benchmark, sampling, "
        "n, verifier, label, family, role, sampling_label, benchmark_label; of a training model, label, "
        "family, role",
    )
    parser.add_argument("--title", default="", help="title of a table's page")
    parser.add_argument("--caption", default="", help="text above a table")
    parser.add_argument(
        "--published",
        type=json_argument,
        default=[],
        metavar="JSON",
        help="of the kind published: the published numbers",
    )
    parser.add_argument(
        "--output",
        type=Path,
        nargs="+",
        required=True,
        help="files to write; the endings decide: .csv the data, .pdf and .png a figure, .html a table, "
        ".json the answers to the claims",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the gathered data, and what is drawn from it."""
    from boundary.exhibits.gather import gather_cells

    if arguments.kind in FIGURES and FIGURES[arguments.kind].of_models:
        _draw_models(arguments)
        return
    table = gather_cells(arguments.statistics, arguments.cells)
    if arguments.kind == "claims":
        _write_claims(arguments, table)
    elif arguments.kind == "published":
        _write_published(arguments, table)
    else:
        _write_csv(arguments, table)
        if pages := _ending(arguments, ".html"):
            from boundary.exhibits.tables import lay_out

            rows = lay_out(table, arguments.kind)
            _write_pages(arguments, rows, pages, arguments.caption)
        if drawings := _ending(arguments, ".pdf", ".png"):
            write_figure(arguments.kind, table, drawings)


def _draw_models(arguments: argparse.Namespace) -> None:
    # By its name, as a figure's module: the digest of what draws the others leaves it out.
    dynamics = importlib.import_module(f"boundary.exhibits.{arguments.kind}")
    table = dynamics.gather_logs(arguments.statistics, arguments.cells)
    _write_csv(arguments, table)
    write_figure(arguments.kind, table, _ending(arguments, ".pdf", ".png"))


def _write_claims(arguments: argparse.Namespace, table: pd.DataFrame) -> None:
    from boundary.data.atomic import write_json

    # By their names, as a figure's module: the digest of what draws the others leaves them out.
    judgement, report = map(importlib.import_module, TABLES["claims"].modules)
    answers = judgement.judge(table)
    rows = report.to_table(answers)
    _write_csv(arguments, rows)
    caption = f"{arguments.caption} {report.HOW_TO_READ}"
    _write_pages(arguments, rows, _ending(arguments, ".html"), caption)
    for output in _ending(arguments, ".json"):
        write_json(output, report.to_json(answers))


def _write_published(arguments: argparse.Namespace, table: pd.DataFrame) -> None:
    from boundary.data.published_number import Published

    (published,) = map(importlib.import_module, TABLES["published"].modules)
    rows = published.compare_with_published(
        table, [Published(**entry) for entry in arguments.published]
    )
    _write_csv(arguments, rows)
    found = "" if len(rows) else " No number is published for these models and benchmarks."
    _write_pages(arguments, rows, _ending(arguments, ".html"), arguments.caption + found)


def _ending(arguments: argparse.Namespace, *endings: str) -> list[Path]:
    return [output for output in arguments.output if output.suffix in endings]


def _write_csv(arguments: argparse.Namespace, table: pd.DataFrame) -> None:
    from boundary.data.atomic import write_csv

    for output in _ending(arguments, ".csv"):
        write_csv(output, table)


def _write_pages(
    arguments: argparse.Namespace, rows: pd.DataFrame, outputs: Sequence[Path], caption: str
) -> None:
    from boundary.data.atomic import atomic_path
    from boundary.exhibits.tables import to_html

    for output in outputs:
        with atomic_path(output) as file:
            named = rows.rename(columns=lambda name: str(name).replace("_", " "))
            file.write_text(to_html(named, arguments.title, caption))


def write_figure(kind: str, table: pd.DataFrame, outputs: Sequence[Path]) -> None:
    """Draw ``table``, a gathered statistic, to .pdf and .png files."""
    from boundary.data.atomic import atomic_path

    figure = importlib.import_module(f"boundary.exhibits.{kind}").draw(table)
    for output in outputs:
        with atomic_path(output) as file:
            # Without a date, the same data make the same file.
            metadata = {"CreationDate": None} if output.suffix == ".pdf" else None
            figure.savefig(file, bbox_inches="tight", metadata=metadata)
