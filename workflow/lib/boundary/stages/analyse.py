"""Stage analyse: check samples, count and compare verdicts, estimate statistics from the counts."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from boundary.arguments import at_least, share
from boundary.errors import BoundaryError
from boundary.estimation import STATISTICS

HELP = "check samples, count and compare verdicts, estimate statistics with intervals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's steps and their arguments."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    samples = steps.add_parser(
        "samples", help="check a cell's samples: missing, repeated, cut off, failed"
    )
    samples.add_argument(
        "--samples", type=Path, nargs="+", required=True, help="the cell's shards of samples"
    )
    samples.add_argument("--output", type=Path, required=True, help="samples.csv of the cell")
    samples.add_argument("--by-problem", type=Path, required=True, help="CSV of every problem")
    counts = steps.add_parser("counts", help="count a cell's verdicts problem by problem")
    counts.add_argument(
        "--verdicts", type=Path, nargs="+", required=True, help="the cell's shards of verdicts"
    )
    counts.add_argument("--output", type=Path, required=True, help="counts.parquet to write")
    counts.add_argument("--tally", type=Path, required=True, help="verdicts.csv to write")
    agreement = steps.add_parser(
        "agreement", help="compare a cell's verdicts with those of the study's own verifier"
    )
    agreement.add_argument(
        "--verdicts", type=Path, nargs="+", required=True, help="shards of the second opinion"
    )
    agreement.add_argument(
        "--reference", type=Path, nargs="+", required=True, help="the reference's, in that order"
    )
    agreement.add_argument("--output", type=Path, required=True, help="agreement.csv to write")
    agreement.add_argument(
        "--disagreements", type=Path, required=True, help="CSV of the answers judged differently"
    )
    for step in (samples, counts, agreement):
        step.add_argument("--problems", type=Path, required=True, help="problems.parquet")
        step.add_argument(
            "--n", type=at_least(1), required=True, help="samples of every problem to look at"
        )
    for statistic in STATISTICS:
        step = steps.add_parser(statistic, help=f"estimate {statistic} from a cell's counts")
        step.add_argument("--counts", type=Path, required=True, help="counts.parquet")
        step.add_argument("--n", type=at_least(1), required=True, help="samples of every problem")
        step.add_argument("--resamples", type=at_least(1), default=10_000, help="of the bootstrap")
        step.add_argument("--level", type=share, default=0.95, help="coverage of the intervals")
        step.add_argument("--seed", type=at_least(0), default=0, help="seed of the bootstrap")
        step.add_argument("--output", type=Path, required=True, help="CSV to write")


def run(arguments: argparse.Namespace) -> None:
    """Run one step."""
    if arguments.step == "samples":
        _check_samples(arguments)
    elif arguments.step == "counts":
        _count(arguments)
    elif arguments.step == "agreement":
        _compare(arguments)
    else:
        _estimate(arguments)


def _check_samples(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import atomic_path
    from boundary.data.records import read_provenance, read_records
    from boundary.estimation.counts import check_one_cell
    from boundary.estimation.samples import describe_samples, read_samples

    check_one_cell({path: read_provenance(path) for path in arguments.samples})
    problem_ids = read_records(arguments.problems, "problem", ["problem_id"])["problem_id"]
    samples = read_samples(arguments.samples)
    by_problem, cell = describe_samples(samples, list(problem_ids), arguments.n)
    for table, output in ((by_problem, arguments.by_problem), (cell, arguments.output)):
        with atomic_path(output) as file:
            table.to_csv(file, index=False)


def _count(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from boundary.data.atomic import atomic_path
    from boundary.data.records import read_provenance, read_records, write_records
    from boundary.estimation.counts import check_one_cell, count_correct

    columns = ["problem_id", "sample_index", "verdict", "finish_reason"]
    check_one_cell({path: read_provenance(path).get("samples", {}) for path in arguments.verdicts})
    shards = [read_records(path, "verdict", columns) for path in arguments.verdicts]
    problem_ids = read_records(arguments.problems, "problem", ["problem_id"])["problem_id"]
    counts, tally = count_correct(pd.concat(shards), list(problem_ids), arguments.n)
    write_records(arguments.output, "count", counts, {"n": arguments.n})
    with atomic_path(arguments.tally) as file:
        tally.to_csv(file, index=False)


def _compare(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import atomic_path
    from boundary.data.records import read_provenance, read_records
    from boundary.estimation.counts import check_one_cell

    # By its name, as a statistic: the digest of what the other steps run leaves it out.
    comparison = importlib.import_module("boundary.estimation.agreement")
    references, others = arguments.reference, arguments.verdicts
    if len(references) != len(others):
        raise BoundaryError(
            f"found {len(others)} shards of verdicts and {len(references)} of the reference's; expected "
            "the same shards of both"
        )
    files = list(zip(references, others, strict=True))
    made = {path: read_provenance(path) for pair in files for path in pair}
    check_one_cell({path: record.get("samples", {}) for path, record in made.items()})
    for reference, other in files:
        if made[reference].get("samples_sha256") != made[other].get("samples_sha256"):
            raise BoundaryError(
                f"{other}: its verdicts are on other samples than those of {reference}; make both again"
            )
    shards = (
        tuple(read_records(path, "verdict", comparison.COLUMNS) for path in pair) for pair in files
    )
    problems = read_records(arguments.problems, "problem", ["problem_id", "gold"])
    golds = dict(zip(problems["problem_id"], problems["gold"], strict=True))
    tables = comparison.compare_verdicts(shards, golds, arguments.n)
    for table, output in zip(tables, (arguments.output, arguments.disagreements), strict=True):
        with atomic_path(output) as file:
            table.to_csv(file, index=False)


def _estimate(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import atomic_path
    from boundary.data.records import read_records

    statistic = importlib.import_module(f"boundary.estimation.{arguments.step}")
    table = statistic.estimate(
        read_records(arguments.counts, "count"),
        arguments.n,
        resamples=arguments.resamples,
        level=arguments.level,
        seed=arguments.seed,
    )
    with atomic_path(arguments.output) as file:
        table.to_csv(file, index=False)
