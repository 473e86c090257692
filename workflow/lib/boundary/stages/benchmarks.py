"""Stage benchmarks: write a benchmark's problem records.

They are drawn from the miniature's world, or read from files: on this machine, in a repository on the
Hugging Face hub at a revision, or at an address. What is read is checked, and written whole or not at all.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.arguments import at_least, json_argument
from boundary.benchmarks.formats import MATH, MODULES
from boundary.errors import BoundaryError, unknown_name

if TYPE_CHECKING:
    from contextlib import ExitStack

    from boundary.benchmarks.sources import SourceFile

SUBSET_KEYS = ("problems", "seed")
HELP = "write the problem records of a benchmark"
EXAMPLES = r"""
own problems, one JSON object a line, with the keys question and answer:
    boundary benchmarks --name own --path own.jsonl --output problems.parquet
a dataset of the hub; the revision is a full commit hash, and `*` in a pattern stands for any text:
    boundary benchmarks --name math500 --hub HuggingFaceH4/MATH-500 \
        --revision 6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be --files 'test*' \
        --fields '{"question": "problem", "problem_id": "unique_id"}' --rows 500 --output problems.parquet
what is read without --rows and --sha256 is told with the lines that pin it in config/benchmarks.yaml.
"""
# Arguments that the schema of the catalogue describes; they are checked as its keys are.
DESCRIBED = (
    *("hub", "revision", "files", "url", "fields", "part", "between", "sha256", "without"),
    "generate",
)


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
    source.add_argument(
        "--path", type=Path, help="read a file: .json (a list), .jsonl, .jsonl.gz or .parquet"
    )
    source.add_argument(
        "--hub", metavar="ID", help="read files of a dataset on the Hugging Face hub"
    )
    source.add_argument("--url", help="read the file at an address, https://...")
    source.add_argument(
        "--part-of", type=Path, metavar="PROBLEMS", help="choose some of a problems.parquet"
    )
    parser.add_argument("--revision", help="full commit hash of the dataset's repository")
    parser.add_argument(
        "--files",
        nargs="+",
        metavar="PATTERN",
        help="which of the repository's files, in this order",
    )
    _add_reading_arguments(parser)
    parser.add_argument(
        "--subset",
        type=json_argument,
        metavar="JSON",
        default={},
        help="with --part-of: `problems`, how many or their names in a list, and `seed`",
    )
    parser.add_argument("--output", type=Path, required=True, help="problems.parquet to write")


def _add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    reading = parser.add_argument_group("reading files")
    reading.add_argument(
        "--format", choices=MODULES, default=MATH, help=f"what a row is like (default: {MATH})"
    )
    reading.add_argument(
        "--fields",
        type=json_argument,
        metavar="JSON",
        default={},
        help=f"of the format {MATH}: which keys hold what; as `fields` in config/benchmarks.yaml",
    )
    reading.add_argument(
        "--between", nargs=2, metavar=("FROM", "TO"), help="problems from a date on, before another"
    )
    reading.add_argument(
        "--part",
        type=json_argument,
        metavar="JSON",
        help="one part of a seeded split: `name`, `sizes` of all parts by name, `seed`",
    )
    reading.add_argument("--rows", type=at_least(1), help="number of problems that is expected")
    reading.add_argument("--sha256", help="digest of the problems that is expected")
    reading.add_argument(
        "--bad-images",
        choices=["refuse", "leave_out"],
        help="of a visual problem with an image that is none, or missing: stop there, or leave the problem "
        "out and say so (default: refuse)",
    )
    reading.add_argument(
        "--without",
        type=json_argument,
        metavar="JSON",
        help="identifiers of problems to leave out, in a list; --rows and --sha256 are of what is kept",
    )


def run(arguments: argparse.Namespace) -> None:
    """Draw, load or choose the problems and write them."""
    _check_arguments(arguments)
    if arguments.part_of is not None:
        _choose(arguments)
    elif arguments.generate is not None:
        _generate(arguments)
    else:
        _load(arguments)


def _check_arguments(arguments: argparse.Namespace) -> None:
    """What belongs together, and what the catalogue's schema says."""
    if arguments.subset and arguments.part_of is None:
        raise BoundaryError("--subset chooses among the problems of --part-of, which is not given")
    for name in ("revision", "files"):
        if (arguments.hub is None) != (getattr(arguments, name) is None):
            raise BoundaryError("--hub, --revision and --files need one another")
    if arguments.fields and arguments.format != MATH:
        raise BoundaryError(
            f"--fields is for the format {MATH}; {arguments.format} knows the keys of its rows"
        )
    if arguments.bad_images is not None:
        from boundary.study.benchmark import check_pictures

        check_pictures(arguments.format, "--bad-images")
    given = {name: getattr(arguments, name) for name in DESCRIBED}
    if all(value is None or value == {} for value in given.values()):
        return
    from boundary.study.benchmark import check_part, check_window, check_world
    from boundary.study.documents import SCHEMAS, check_entry_part

    for name, value in given.items():
        if value is not None:
            check_entry_part(value, name, SCHEMAS / "benchmarks.schema.yaml")
    if arguments.generate:
        check_world(arguments.generate, "generate")
    if arguments.part:
        check_part(arguments.part, "part")
    if arguments.between:
        check_window(arguments.between, "between")


def _generate(arguments: argparse.Namespace) -> None:
    from boundary.data.records import write_records
    from boundary.miniature.function_problems import draw_function_problems
    from boundary.miniature.picture_problems import draw_picture_problems
    from boundary.miniature.problems import draw_problems
    from boundary.miniature.worlds import world_of

    settings = arguments.generate
    asked = settings["problems"], settings["partition"], settings["seed"]
    world = world_of(settings)
    if world == "functions":
        problems = draw_function_problems(arguments.name, *asked)
    else:
        draw = draw_picture_problems if world == "pictures" else draw_problems
        problems = draw(arguments.name, tuple(settings["operands"]), *asked)
    write_records(
        arguments.output, "problem", problems, _provenance(arguments) | {"generate": settings}
    )


def _provenance(arguments: argparse.Namespace) -> dict[str, Any]:
    """No host and no time in it: the same benchmark is the same file, and reruns nothing."""
    return {"benchmark": arguments.name, "protocol": arguments.protocol}


def _load(arguments: argparse.Namespace) -> None:
    import sys
    from contextlib import ExitStack
    from datetime import date

    from boundary.benchmarks.load import REFUSE, BenchmarkLoader, Entry
    from boundary.data.records import write_record_groups

    window = arguments.between
    entry = Entry(
        name=arguments.name,
        format=arguments.format,
        fields=arguments.fields,
        between=window and (date.fromisoformat(window[0]), date.fromisoformat(window[1])),
        part=arguments.part,
        rows=arguments.rows,
        sha256=arguments.sha256,
        bad_images=arguments.bad_images or REFUSE,
        without=tuple(arguments.without or ()),
    )
    source = {
        key: str(getattr(arguments, key))
        for key in ("path", "hub", "revision", "url")
        if getattr(arguments, key) is not None
    }
    with ExitStack() as stack:
        try:
            files = _files(arguments, stack)
        except BoundaryError as error:
            raise BoundaryError(f"benchmark {arguments.name}: {error}") from error
        loader = BenchmarkLoader(files, entry)
        try:
            write_record_groups(
                arguments.output,
                "problem",
                loader.groups(),
                lambda: _provenance(arguments) | source | loader.provenance(),
            )
        finally:
            for problem, reason in loader.left_out.items():
                print(f"left out: problem {problem}: {reason}", file=sys.stderr)
    if loader.pins:
        print(
            f"To pin these problems, write into the entry of {arguments.name} in "
            f"config/benchmarks.yaml:\n{loader.pins}",
            file=sys.stderr,
        )


def _files(arguments: argparse.Namespace, stack: ExitStack) -> list[SourceFile]:
    """The files to read; what is fetched for a while is there until the stack is left."""
    from boundary.benchmarks.sources import SourceFile, hub_files, url_file

    if arguments.hub is not None:
        return hub_files(arguments.hub, arguments.revision, arguments.files)
    if arguments.url is not None:
        return [stack.enter_context(url_file(arguments.url))]
    return [SourceFile(arguments.path, str(arguments.path))]


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
    whole = {"questions_sha256": questions_digest(problems)}
    write_records(
        arguments.output,
        "problem",
        problems[problems["problem_id"].isin(chosen)],
        {**read_provenance(arguments.part_of), **whole, "subset": subset},
    )
