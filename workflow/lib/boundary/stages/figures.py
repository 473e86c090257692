"""Stage figures: draw a figure, or lay out a table, from the statistics of its cells."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from boundary.arguments import json_argument
from boundary.exhibits import FIGURES, TABLES

HELP = "draw a figure or lay out a table from the statistics of its cells"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument(
        "kind", choices=sorted({*FIGURES, *TABLES}), help="the statistic that is shown"
    )
    parser.add_argument(
        "--statistics", type=Path, nargs="+", required=True, help="CSV of the statistic, one a cell"
    )
    parser.add_argument(
        "--cells",
        type=json_argument,
        required=True,
        metavar="JSON",
        help="a description of each cell, in the order of --statistics: model, benchmark, sampling, "
        "n, verifier, label, family, role, benchmark_label",
    )
    parser.add_argument("--title", default="", help="title of a table's page")
    parser.add_argument("--caption", default="", help="text above a table")
    parser.add_argument(
        "--output",
        type=Path,
        nargs="+",
        required=True,
        help="files to write; the endings decide: .csv the data, .pdf and .png a figure, .html a table",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the gathered data, and what is drawn from it."""
    from boundary.data.atomic import atomic_path
    from boundary.exhibits.gather import gather_cells
    from boundary.exhibits.tables import lay_out, to_html

    table = gather_cells(arguments.statistics, arguments.cells)
    figure = None
    for output in arguments.output:
        with atomic_path(output) as file:
            if output.suffix == ".csv":
                table.to_csv(file, index=False)
            elif output.suffix == ".html":
                rows = lay_out(table, arguments.kind)
                file.write_text(to_html(rows, arguments.title, arguments.caption))
            else:
                if figure is None:
                    draw = importlib.import_module(f"boundary.exhibits.{arguments.kind}").draw
                    figure = draw(table)
                # Without a date, the same data make the same file.
                metadata = {"CreationDate": None} if output.suffix == ".pdf" else None
                figure.savefig(file, bbox_inches="tight", metadata=metadata)
