"""Stage analyse: check samples, count and compare verdicts, estimate statistics from the counts."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from boundary.arguments import at_least, level, share
from boundary.errors import BoundaryError
from boundary.estimation import ESTIMATORS

# By its name, so that the digest of what the steps of counts run leaves it out.
analyse_scores = importlib.import_module("boundary.stages.analyse_scores")

HELP = "check samples, count and compare verdicts and scores, estimate statistics with intervals"


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
    majority = steps.add_parser("majority_at_k", help="vote on a cell's answers")
    majority.add_argument(
        "--verdicts", type=Path, nargs="+", required=True, help="the cell's shards of verdicts"
    )
    majority.add_argument(
        "--level", type=level, default=0.95, help="coverage of the intervals (default: 0.95)"
    )
    majority.add_argument("--output", type=Path, required=True, help="CSV to write")
    for step in (samples, counts, agreement, majority):
        step.add_argument("--problems", type=Path, required=True, help="problems.parquet")
        step.add_argument(
            "--n", type=at_least(1), required=True, help="samples of every problem to look at"
        )
    _add_steps_of_counts(steps)
    analyse_scores.add_steps(steps)
    for statistic in ESTIMATORS:
        step = steps.add_parser(statistic, help=f"estimate {statistic} from a cell's counts")
        step.add_argument("--counts", type=Path, required=True, help="counts.parquet")
        step.add_argument("--n", type=at_least(1), required=True, help="samples of every problem")
        _add_settings(step)
        step.add_argument("--output", type=Path, required=True, help="CSV to write")


def _add_steps_of_counts(steps: Any) -> None:
    guessable = steps.add_parser(
        "guessable", help="tell which problems a direct-answer cell's model answers now and then"
    )
    guessable.add_argument("--counts", type=Path, required=True, help="counts.parquet of that cell")
    guessable.add_argument(
        "--below", type=share, default=0.05, help="the rate from which on it is no guess (0.05)"
    )
    guessable.add_argument("--output", type=Path, required=True, help="CSV of every problem")
    leave_out = steps.add_parser("leave-out", help="count records without guessable problems")
    leave_out.add_argument("--counts", type=Path, required=True, help="counts.parquet")
    leave_out.add_argument("--guessable", type=Path, required=True, help="CSV of step guessable")
    leave_out.add_argument("--name", required=True, help="name of the filter, for the record")
    leave_out.add_argument("--output", type=Path, required=True, help="counts.parquet to write")
    compare = steps.add_parser("compare", help="compare a cell with that of its base")
    for name, whose in (("counts", "the model's"), ("base", "the base's")):
        compare.add_argument(f"--{name}", type=Path, required=True, help=f"{whose} counts.parquet")
    _add_settings(compare)
    for name in ("difference", "coverage", "measures"):
        compare.add_argument(f"--{name}", type=Path, required=True, help=f"{name}.csv to write")


def _add_settings(step: argparse.ArgumentParser) -> None:
    step.add_argument("--resamples", type=at_least(1), default=10_000, help="of the bootstrap")
    step.add_argument("--level", type=level, default=0.95, help="coverage of the intervals")
    step.add_argument("--seed", type=at_least(0), default=0, help="seed of the bootstrap")


def run(arguments: argparse.Namespace) -> None:
    """Run one step."""
    steps = {
        "samples": _check_samples,
        "counts": _count,
        "agreement": _compare_verifiers,
        "majority_at_k": _vote,
        "guessable": _find_guessable,
        "leave-out": _leave_out,
        "compare": _compare,
        **analyse_scores.STEPS,
    }
    steps.get(arguments.step, _estimate)(arguments)


def _check_samples(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.one_cell import check_one_cell
    from boundary.data.records import read_provenance, read_records
    from boundary.estimation.samples import describe_samples, read_samples

    check_one_cell({path: read_provenance(path) for path in arguments.samples})
    problem_ids = read_records(arguments.problems, "problem", ["problem_id"])["problem_id"]
    samples = read_samples(arguments.samples)
    by_problem, cell = describe_samples(samples, list(problem_ids), arguments.n)
    for table, output in ((by_problem, arguments.by_problem), (cell, arguments.output)):
        write_csv(output, table)


def _count(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.one_cell import check_one_cell
    from boundary.data.records import read_provenance, read_records, write_records
    from boundary.estimation.counts import count_correct

    columns = ["problem_id", "sample_index", "verdict", "finish_reason"]
    check_one_cell({path: read_provenance(path).get("samples", {}) for path in arguments.verdicts})
    categories = ["problem_id", "verdict", "finish_reason"]
    shards = (read_records(path, "verdict", columns, categories) for path in arguments.verdicts)
    problem_ids = read_records(arguments.problems, "problem", ["problem_id"])["problem_id"]
    counts, tally = count_correct(shards, list(problem_ids), arguments.n)
    write_records(arguments.output, "count", counts, {"n": arguments.n})
    write_csv(arguments.tally, tally)


def _compare_verifiers(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.one_cell import check_one_cell
    from boundary.data.records import read_provenance, read_records

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
        write_csv(output, table)


def _estimate(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.records import read_records

    statistic = importlib.import_module(f"boundary.estimation.{arguments.step}")
    table = statistic.estimate(
        read_records(arguments.counts, "count"),
        arguments.n,
        resamples=arguments.resamples,
        level=arguments.level,
        seed=arguments.seed,
    )
    write_csv(arguments.output, table)


def _vote(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from boundary.data.atomic import write_csv
    from boundary.data.records import read_records

    # By its name, as a statistic.
    majority = importlib.import_module("boundary.estimation.majority_at_k")
    columns = ["problem_id", "sample_index", "answer", "verdict"]
    verdicts = pd.concat([read_records(path, "verdict", columns) for path in arguments.verdicts])
    problem_ids = read_records(arguments.problems, "problem", ["problem_id"])["problem_id"]
    table = majority.estimate(verdicts, list(problem_ids), arguments.n, arguments.level)
    write_csv(arguments.output, table)


def _find_guessable(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.records import read_records

    guesses = importlib.import_module("boundary.estimation.guesses")
    table = guesses.find_guessable(read_records(arguments.counts, "count"), arguments.below)
    write_csv(arguments.output, table)
    print(f"{table['guessable'].sum()} of {len(table)} problems are guessed", file=sys.stderr)


def _leave_out(arguments: argparse.Namespace) -> None:
    from boundary.data.records import read_provenance, read_records, write_records

    guesses = importlib.import_module("boundary.estimation.guesses")
    counts = read_records(arguments.counts, "count")
    kept = guesses.leave_out(counts, guesses.read_guessable(arguments.guessable))
    left_out = {"filter": arguments.name, "left_out": len(counts) - len(kept)}
    write_records(
        arguments.output, "count", kept, {**read_provenance(arguments.counts), **left_out}
    )


def _compare(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.records import read_records

    coverage = importlib.import_module("boundary.estimation.coverage")
    comparison = importlib.import_module("boundary.estimation.comparison")
    base, model = (read_records(path, "count") for path in (arguments.base, arguments.counts))
    try:
        pairs = coverage.pair_counts(base, model, common_only=False)
    except BoundaryError as error:
        raise BoundaryError(f"{arguments.counts} against {arguments.base}: {error}") from error
    result = comparison.compare(
        pairs,
        resamples=arguments.resamples,
        level=arguments.level,
        seed=arguments.seed,
    )
    for name in ("difference", "coverage", "measures"):
        write_csv(getattr(arguments, name), getattr(result, name))
