"""Stage benchmarks: write a benchmark's problem records."""

from __future__ import annotations

import argparse
from pathlib import Path

from boundary.arguments import at_least, json_argument
from boundary.errors import BoundaryError, unknown_name

SUBSET_KEYS = ("problems", "seed")
HELP = "write the problem records of a benchmark"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--name", required=True, help="name of the benchmark")
    parser.add_argument(
        "--protocol", type=at_least(1), default=1, help="its protocol version (default: 1)"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--generate",
        type=json_argument,
        metavar="JSON",
        help="draw problems of the miniature's world; keys as `generate` in config/benchmarks.yaml",
    )
    source.add_argument("--path", type=Path, help="read a JSON lines file (.jsonl or .jsonl.gz)")
    source.add_argument(
        "--part-of", type=Path, metavar="PROBLEMS", help="choose some of a problems.parquet"
    )
    parser.add_argument(
        "--subset",
        type=json_argument,
        metavar="JSON",
        default={},
        help="which: `problems`, how many or their names in a list, and `seed`",
    )
    parser.add_argument(
        "--fields",
        type=json_argument,
        metavar="JSON",
        default={},
        help="which keys of the file hold what; as `fields` in config/benchmarks.yaml",
    )
    parser.add_argument("--output", type=Path, required=True, help="problems.parquet to write")


def run(arguments: argparse.Namespace) -> None:
    """Draw or load the problems and write them."""
    from boundary.data.provenance import file_digest
    from boundary.data.records import write_records

    if arguments.part_of is not None:
        _choose(arguments)
        return
    if arguments.subset:
        raise BoundaryError("--subset chooses among the problems of --part-of, which is not given")
    source: dict[str, object]
    if arguments.generate is not None:
        from boundary.miniature.problems import draw_problems

        world = arguments.generate
        problems = draw_problems(
            arguments.name,
            tuple(world["operands"]),
            world["problems"],
            world["partition"],
            world["seed"],
        )
        source = {"generate": world}
    else:
        from boundary.data.problem_file import load_problem_file

        problems = load_problem_file(arguments.path, arguments.name, **arguments.fields)
        source = {"path": str(arguments.path), "sha256": file_digest(arguments.path)}
    # No host and no time in it: the same benchmark is the same file, and reruns nothing.
    provenance = {"benchmark": arguments.name, "protocol": arguments.protocol, **source}
    write_records(arguments.output, "problem", problems, provenance)


def _choose(arguments: argparse.Namespace) -> None:
    """Write the records of a subset's problems."""
    from boundary.data.provenance import questions_digest
    from boundary.data.records import read_provenance, read_records, write_records
    from boundary.data.subset import choose_problems

    problems, subset = read_records(arguments.part_of, "problem"), arguments.subset
    for key in subset:
        if key not in SUBSET_KEYS:
            raise BoundaryError(f"--subset: {unknown_name('key', key, SUBSET_KEYS)}")
    try:
        chosen = choose_problems(
            list(problems["problem_id"]), subset.get("problems"), subset.get("seed", 0)
        )
    except BoundaryError as error:
        raise BoundaryError(f"{arguments.part_of}: {error}") from error
    # By the whole's digest it is known which samples these are the problems of.
    whole = {"questions_sha256": questions_digest(problems["problem_id"], problems["question"])}
    write_records(
        arguments.output,
        "problem",
        problems[problems["problem_id"].isin(chosen)],
        {**read_provenance(arguments.part_of), **whole, "subset": subset},
    )
