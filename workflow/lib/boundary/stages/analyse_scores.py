"""Steps of the stage analyse on scores: perplexity, entropy, and the temperature that matches one."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boundary.arguments import at_least, level
from boundary.errors import BoundaryError


def add_steps(steps: Any) -> None:
    """Declare the steps and their arguments."""
    table = steps.add_parser("perplexity", help="list the perplexities of scored responses")
    table.add_argument("--scores", type=Path, required=True, help="score records")
    table.add_argument(
        "--verdicts", type=Path, nargs="+", required=True, help="shards of verdicts on them"
    )
    table.add_argument("--output", type=Path, required=True, help="perplexity.csv to write")
    quantile = steps.add_parser(
        "perplexity_quantile",
        help="place a model's perplexities among its base's, both under the base",
    )
    for name, whose in (("model", "the model's"), ("base", "the base's own")):
        quantile.add_argument(
            f"--{name}", type=Path, required=True, help=f"perplexity.csv of {whose} responses"
        )
    quantile.add_argument("--by-problem", type=Path, required=True, help="CSV of every problem")
    quantile.add_argument("--output", type=Path, required=True, help="CSV of the measures")
    entropy = steps.add_parser("entropy", help="estimate the entropy of a cell's output")
    entropy.add_argument(
        "--scores", type=Path, required=True, help="scores of its responses by its own model"
    )
    entropy.add_argument(
        "--matched", type=Path, help="where its temperature was matched: what step match wrote"
    )
    entropy.add_argument("--output", type=Path, required=True, help="entropy.csv to write")
    match = steps.add_parser(
        "match", help="find the temperature at which a model's entropy equals its base's"
    )
    match.add_argument(
        "--target", type=Path, required=True, help="scores of the base's responses, by itself"
    )
    match.add_argument(
        "--probes",
        type=Path,
        nargs="+",
        required=True,
        help="the same of the model, one file a temperature",
    )
    match.add_argument("--output", type=Path, required=True, help="matched.json to write")
    for step in (quantile, match):
        step.add_argument("--resamples", type=at_least(1), default=10_000, help="of the bootstrap")
        step.add_argument("--seed", type=at_least(0), default=0, help="seed of the bootstrap")
    for step in (quantile, entropy, match):
        step.add_argument("--level", type=level, default=0.95, help="coverage of the intervals")


def tabulate_perplexity(arguments: argparse.Namespace) -> None:
    """Step perplexity."""
    import pandas as pd

    from boundary.data.atomic import write_csv
    from boundary.data.records import read_records

    perplexity = importlib.import_module("boundary.estimation.perplexity")
    columns = ["problem_id", "sample_index", "verdict"]
    verdicts = pd.concat([read_records(path, "verdict", columns) for path in arguments.verdicts])
    scores = read_records(arguments.scores, "score")
    try:
        table = perplexity.tabulate(scores, verdicts)
    except BoundaryError as error:
        raise BoundaryError(f"{arguments.scores}: {error}") from error
    write_csv(arguments.output, table)
    told = perplexity.describe(table).set_index("measure")["value"]
    print(", ".join(f"{name} {value:,g}" for name, value in told.items()), file=sys.stderr)


def place_perplexity(arguments: argparse.Namespace) -> None:
    """Step perplexity_quantile."""
    from boundary.data.atomic import write_csv

    perplexity = importlib.import_module("boundary.estimation.perplexity")
    quantile = importlib.import_module("boundary.estimation.perplexity_quantile")
    tables = (perplexity.read_table(path) for path in (arguments.base, arguments.model))
    try:
        by_problem, measures = quantile.compare(
            *tables,
            resamples=arguments.resamples,
            level=arguments.level,
            seed=arguments.seed,
        )
    except BoundaryError as error:
        raise BoundaryError(f"{arguments.model} against {arguments.base}: {error}") from error
    write_csv(arguments.by_problem, by_problem)
    write_csv(arguments.output, measures)


def estimate_entropy(arguments: argparse.Namespace) -> None:
    """Step entropy: measures, and of a matched temperature also its interval and its target."""
    from boundary.data.atomic import write_csv
    from boundary.data.records import read_provenance, read_records

    entropy = importlib.import_module("boundary.estimation.entropy")
    made = read_provenance(arguments.scores)
    _check_own(arguments.scores, made)
    scores = read_records(arguments.scores, "score")
    try:
        measures = entropy.estimate(scores, temperature=made["temperature"], level=arguments.level)
    except BoundaryError as error:
        raise BoundaryError(f"{arguments.scores}: {error}") from error
    if arguments.matched is not None:
        found = json.loads(arguments.matched.read_text())
        ends = [found["low"], found["high"]]
        measures.loc[measures["measure"] == "temperature", ["low", "high"]] = ends
        target = [found[key] for key in ("target", "target_low", "target_high")]
        measures.loc[len(measures)] = ["target_entropy", *target]
        measures.loc[len(measures)] = ["reached", float(found["reached"]), math.nan, math.nan]
    write_csv(arguments.output, measures)


def match_temperature(arguments: argparse.Namespace) -> None:
    """Step match."""
    from boundary.data.atomic import write_json
    from boundary.data.records import read_provenance, read_records

    entropy = importlib.import_module("boundary.estimation.entropy")
    matching = importlib.import_module("boundary.estimation.matched_temperature")

    def read(path: Path) -> Any:
        _check_own(path, read_provenance(path))
        try:
            return entropy.by_problem(read_records(path, "score"))
        except BoundaryError as error:
            raise BoundaryError(f"{path}: {error}") from error

    probes: dict[float, Any] = {}
    for path in arguments.probes:
        temperature = read_provenance(path)["temperature"]
        if temperature in probes:
            raise BoundaryError(f"{path}: a second probe at temperature {temperature:g}; name one")
        probes[temperature] = read(path)
    matched = matching.match(
        read(arguments.target),
        probes,
        level=arguments.level,
        resamples=arguments.resamples,
        seed=arguments.seed,
    )
    write_json(arguments.output, matching.to_document(matched))
    print(matching.in_words(matched), file=sys.stderr)


def _check_own(path: Path, made: Mapping[str, Any]) -> None:
    """See that a model has scored its own output."""
    if made["scorer_revision"] != made["model_revision"]:
        raise BoundaryError(
            f"{path}: {made['scorer']} has scored responses of {made['model']}; an output entropy is of a "
            "model's own responses"
        )


STEPS = {
    "perplexity": tabulate_perplexity,
    "perplexity_quantile": place_perplexity,
    "entropy": estimate_entropy,
    "match": match_temperature,
}
