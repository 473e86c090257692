"""Compare two models from tables of counts, without the workflow."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.arguments import at_least, level
from boundary.errors import BoundaryError
from boundary.verification.verifiers import VERIFIERS

if TYPE_CHECKING:
    import pandas as pd

    from boundary.estimation.comparison import Comparison

HELP = "compare a model with its base from a CSV of counts, without the workflow"
EXAMPLES = """\
the file has a row for every model and problem: how many samples were judged, and how many are right
    model,problem,n,correct
    base,aime-01,64,3
    rl,aime-01,64,20
and is compared by
    boundary compare counts.csv --base base --model rl --out comparison
which prints what follows, and writes passk.csv, difference.csv, coverage.csv, summary.json and figures.
`boundary import` makes such a file of what other harnesses write; several files are read as one.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="COUNTS.csv", help="model,problem,n,correct"
    )
    parser.add_argument(
        "--base", required=True, metavar="NAME", help="the base, as the file names it"
    )
    parser.add_argument("--model", required=True, metavar="NAME", help="what was made of it")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where to write tables and figures",
    )
    parser.add_argument(
        "--common-only",
        action="store_true",
        help="leave out problems that only one of the two has (default: refuse)",
    )
    parser.add_argument(
        "--resamples", type=at_least(100), default=10_000, help="of the bootstrap (default: 10000)"
    )
    parser.add_argument(
        "--level", type=level, default=0.95, help="coverage of the intervals (default: 0.95)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the bootstrap (default: 0)")


def run(arguments: argparse.Namespace) -> None:
    """Read, compare, write, and say what follows."""
    from boundary.data.atomic import write_csv, write_json
    from boundary.estimation.accuracy_histogram import estimate
    from boundary.estimation.comparison import compare
    from boundary.estimation.coverage import ProblemMissingError, one_of, pair_counts
    from boundary.estimation.summary import in_words, to_document
    from boundary.importing.counts import read

    names = {"base": arguments.base, "model": arguments.model}
    if arguments.base == arguments.model:
        raise BoundaryError(f"--base and --model are both {arguments.base!r}; name two models")
    for path in arguments.files:
        if path.suffix == ".parquet":
            raise BoundaryError(
                f"{path}: count records do not say whose they are; make a CSV of them: boundary import "
                f"counts {path} --model NAME --output NAME.csv"
            )
    counts = [read(arguments.files, name) for name in names.values()]
    try:
        pairs = pair_counts(*counts, common_only=arguments.common_only)
    except ProblemMissingError as error:
        raise BoundaryError(
            f"{error.missing.index[0]}: {error}; --common-only compares the others"
        ) from None
    settings = {"resamples": arguments.resamples, "level": arguments.level, "seed": arguments.seed}
    comparison = compare(pairs, **settings)
    curves = {name: getattr(comparison, who) for who, name in names.items()}
    compared = {name: one_of(pairs, who) for who, name in names.items()}
    histograms = {
        name: estimate(table, int(table["n"].min()), **settings) for name, table in compared.items()
    }
    for file, written in {
        "passk.csv": _stack(curves),
        "accuracy_histogram.csv": _stack(histograms),
        "difference.csv": comparison.difference,
        "coverage.csv": comparison.coverage,
    }.items():
        write_csv(arguments.out / file, written)
    n = {name: int(table["n"].max()) for name, table in compared.items()}
    _draw(arguments, comparison, curves, histograms, n)
    write_json(
        arguments.out / "summary.json", to_document(comparison, **names, level=arguments.level)
    )
    print(in_words(comparison, **names, level=arguments.level))
    if left_out := sum(map(len, counts)) - 2 * len(pairs):
        print(f"Left out: {left_out} of the rows, whose problems only one of the two has.")
    print(f"Tables, figures and summary.json are in {arguments.out}.")


def _stack(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The models' tables one below the other, each row with its model's name first."""
    import pandas as pd

    return pd.concat(tables, names=["model"]).reset_index(level="model")


def _draw(
    arguments: argparse.Namespace,
    comparison: Comparison,
    curves: dict[str, pd.DataFrame],
    histograms: dict[str, pd.DataFrame],
    n: dict[str, int],
) -> None:
    """Draw the figures of what the tables hold, each as PDF and PNG."""
    from boundary.exhibits.gather import gather_tables
    from boundary.stages.figures import write_figure

    benchmark = arguments.files[0].stem
    base, model = (
        {"model": name, "benchmark": benchmark, "sampling": "", "sampling_label": "", "n": n[name]}
        | {"verifier": VERIFIERS[0], "label": name, "family": "", "role": role}
        | {"benchmark_label": benchmark}
        for name, role in ((arguments.base, "base"), (arguments.model, "rlvr"))
    )
    pair = model | {"base": arguments.base, "base_label": arguments.base}
    pair |= {"base_sampling": "", "base_sampling_label": "", "base_n": n[arguments.base]}
    drawn = {
        "pass_at_k": (curves.values(), [base, model]),
        "accuracy_histogram": (histograms.values(), [base, model]),
        "difference": ([comparison.difference], [pair]),
        "coverage": ([comparison.coverage], [pair]),
    }
    for kind, (tables, cells) in drawn.items():
        outputs = [arguments.out / f"{kind}.{ending}" for ending in ("pdf", "png")]
        write_figure(kind, gather_tables(list(tables), cells), outputs)
