"""Command import: samples and verdicts that were made elsewhere become counts, or samples to verify."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.arguments import at_least
from boundary.errors import BoundaryError
from boundary.importing import FORMATS

if TYPE_CHECKING:
    import pandas as pd

    from boundary.importing.responses import Imported

HELP = "import samples, verdicts or counts that were made elsewhere"
EXAMPLES = """\
formats (each is described at the head of its module in workflow/lib/boundary/importing):
  counts         a CSV with the columns model, problem, n and correct
  published      result lines of the paper's published code for mathematics (math_eval.py)
  lm_eval        samples_*.jsonl of lm-evaluation-harness
  evalplus       *_eval_results.json of EvalPlus
  livecodebench  *_eval_all.json of LiveCodeBench
  jsonl          lines of problem_id, text and finish_reason (which may be left out): not judged yet

examples:
  verdicts made elsewhere, as counts to compare:
    boundary import evalplus base_eval_results.json --model base --output base.csv
  texts made elsewhere, to be verified here:
    boundary import jsonl mine.jsonl --model mine --problems problems.parquet --to samples \\
        --output samples.parquet
    boundary verify --samples samples.parquet --problems problems.parquet --output verdicts.parquet
  the second 32 samples of every problem, from the runs of four seeds:
    boundary import published seed*.jsonl --model base --problems problems.parquet --to samples \\
        --shard-size 32 --shard 1 --output samples-1.parquet
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="one, or several that go on from each other",
    )
    parser.add_argument(
        "--model", required=True, help="name of the model; of counts, the one to take"
    )
    parser.add_argument(
        "--problems",
        type=Path,
        help="problems.parquet that they answer; may be left out for counts",
    )
    parser.add_argument(
        "--filter", metavar="NAME", help="of lm_eval: which filter's verdicts, or METRIC,FILTER"
    )
    parser.add_argument(
        "--to", choices=["counts", "samples"], default="counts", help="(default: counts)"
    )
    parser.add_argument(
        "--n", type=at_least(1), help="of counts: judged samples of every problem (default: all)"
    )
    parser.add_argument(
        "--shard-size",
        type=at_least(1),
        help="of samples: how many of every problem (default: all)",
    )
    parser.add_argument(
        "--shard", type=at_least(0), default=0, help="of samples: number of the shard (default: 0)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="counts CSV (.csv), count records (.parquet) or sample records (.parquet) to write",
    )


def run(arguments: argparse.Namespace) -> None:
    """Read the files, see that they are the benchmark's, and write what was asked for."""
    _check_arguments(arguments)
    if arguments.to == "samples":
        _write_samples(arguments)
    else:
        _write_counts(arguments)


def _check_arguments(arguments: argparse.Namespace) -> None:
    samples = arguments.to == "samples"
    expected = [".parquet"] if samples else [".csv", ".parquet"]
    drawn = arguments.shard_size is not None or arguments.shard
    for wrong, message in (
        (
            not arguments.model.strip() or not arguments.model.isprintable(),
            "--model: expected a name",
        ),
        (
            arguments.output.suffix not in expected,
            f"--output: expected a name in {' or '.join(expected)}",
        ),
        (arguments.filter and arguments.format != "lm_eval", "--filter: only lm_eval has filters"),
        (samples and arguments.format == "counts", "--to samples: a counts file holds no samples"),
        (samples and arguments.n, "--n is for counts; of samples, --shard-size says how many"),
        (
            not samples and drawn,
            "--shard-size and --shard are for samples; of counts, --n says how many",
        ),
        (
            arguments.shard and not arguments.shard_size,
            "--shard: which samples it has, --shard-size says",
        ),
        (samples and not arguments.problems, "--problems: needed to tell whose samples these are"),
    ):
        if wrong:
            raise BoundaryError(message)


def _write_counts(arguments: argparse.Namespace) -> None:
    from boundary.data.counts_file import write_counts
    from boundary.data.records import write_records
    from boundary.importing.responses import count_samples

    questions: dict[str, str] = {}
    if arguments.format == "counts":
        counts = _read_counts(arguments)
    else:
        imported = _gather(arguments, with_texts=False)
        questions = imported.questions
        with _named(arguments.files):
            counts = count_samples(imported.samples, arguments.n)
    problems = _read_problems(arguments.problems)
    if problems is not None:
        counts["problem_id"] = _matched(arguments, counts["problem_id"], questions, problems)
        counts = counts.set_index("problem_id").loc[problems["problem_id"]].reset_index()
    if arguments.output.suffix == ".csv":
        write_counts(arguments.output, counts.assign(model=arguments.model))
    else:
        provenance = {"n": arguments.n, **_provenance(arguments)}
        write_records(arguments.output, "count", counts, provenance)
    _report(counts["n"], int(counts["correct"].sum()), int(counts["n"].sum()))


def _read_counts(arguments: argparse.Namespace) -> pd.DataFrame:
    from boundary.importing.counts import read

    counts = read(arguments.files, arguments.model)
    other = counts[counts["n"] != (arguments.n or counts["n"])]
    if len(other):
        problem, n = other.iloc[0][["problem_id", "n"]]
        with _named(arguments.files):
            raise BoundaryError(
                f"problem {problem}: {n} samples were judged and --n is {arguments.n} ({len(other)} such "
                "problems); counts do not tell which were the first, so that they are used whole or not"
            )
    return counts


def _write_samples(arguments: argparse.Namespace) -> None:
    from boundary.data.records import write_records
    from boundary.importing.responses import sample_records

    imported = _gather(arguments, with_texts=True)
    problems = _read_problems(arguments.problems)
    assert problems is not None
    samples = imported.samples
    samples["problem_id"] = _matched(arguments, samples["problem_id"], imported.questions, problems)
    drawn = samples["problem_id"].value_counts()
    with _named(arguments.files):
        size = arguments.shard_size or _common_size(drawn)
        indices = range(arguments.shard * size, (arguments.shard + 1) * size)
        records = sample_records(samples, list(problems["problem_id"]), indices)
    shard = {"shard": arguments.shard, "shard_size": size}
    write_records(
        arguments.output,
        "sample",
        records,
        {**_provenance(arguments), **_of_benchmark(arguments, problems), **shard},
    )
    written = samples[samples["sample_index"].isin(indices)]
    verdicts = written["correct"].dropna()
    _report(written["problem_id"].value_counts(), int(verdicts.sum()), len(verdicts))


def _common_size(drawn: pd.Series[int]) -> int:
    """How many samples every problem has. Raises BoundaryError naming one that has fewer than others."""
    fewest, most = drawn.min(), drawn.max()
    if fewest != most:
        raise BoundaryError(
            f"problem {drawn.idxmin()}: has {fewest} samples, and {drawn.idxmax()} has {most}; "
            f"--shard-size {fewest} takes the first {fewest} of every problem"
        )
    return int(fewest)


def _gather(arguments: argparse.Namespace, with_texts: bool) -> Imported:
    """The responses of all files, which are different ones."""
    from boundary.data.provenance import file_digest
    from boundary.importing.responses import gather

    read = importlib.import_module(f"boundary.importing.{arguments.format}").read
    options = {"choice": arguments.filter} if arguments.format == "lm_eval" else {}
    files = ((path, read(path, **options)) for path in arguments.files)
    imported = gather(files, with_texts=with_texts)
    known: dict[str, Path] = {}
    for path in arguments.files:
        first = known.setdefault(file_digest(path), path)
        if first is not path:
            raise BoundaryError(
                f"{path}: is the same file as {first}; its samples would count twice"
            )
    return imported


def _read_problems(path: Path | None) -> pd.DataFrame | None:
    from boundary.data.provenance import QUESTION_COLUMNS
    from boundary.data.records import read_records

    return read_records(path, "problem", QUESTION_COLUMNS) if path else None


def _matched(
    arguments: argparse.Namespace,
    found: pd.Series[str],
    questions: dict[str, str],
    problems: pd.DataFrame,
) -> pd.Series[str]:
    """The benchmark's identifiers for those that were ``found``."""
    from boundary.importing.identifiers import match_problems

    with _named(arguments.files):
        return found.map(match_problems(list(found.unique()), questions, problems))


def _provenance(arguments: argparse.Namespace) -> dict[str, Any]:
    """Where records come from: no host and no time in it, so that the same files make the same file.

    The files stand for the model's revision; what they do not tell of the sampling is null.
    """
    from boundary.data.provenance import file_digest, text_digest

    files = [{"file": path.name, "sha256": file_digest(path)} for path in arguments.files]
    return {
        "model": arguments.model,
        "model_revision": "sha256:" + text_digest(json.dumps([file["sha256"] for file in files])),
        "template": None,
        **dict.fromkeys(("template_sha256", "sampling", "dtype", "max_model_len", "seed")),
        "imported": {"format": arguments.format, "filter": arguments.filter, "files": files},
    }


def _of_benchmark(arguments: argparse.Namespace, problems: pd.DataFrame) -> dict[str, Any]:
    from boundary.data.provenance import questions_digest
    from boundary.data.records import read_provenance

    benchmark = read_provenance(arguments.problems)
    return {
        "benchmark": benchmark.get("benchmark"),
        "protocol": benchmark.get("protocol"),
        "questions_sha256": questions_digest(problems),
    }


@contextmanager
def _named(files: Sequence[Path]) -> Iterator[None]:
    """Put the files' names before a message that does not say where it looked."""
    try:
        yield
    except BoundaryError as error:
        raise BoundaryError(f"{', '.join(map(str, files))}: {error}") from error


def _report(n: pd.Series[int], correct: int, judged: int) -> None:
    """Say on one line what was imported."""
    share = f"{correct / judged:.1%} of {judged} judged are correct" if judged else "none judged"
    print(f"{len(n)} problems, n from {n.min()} to {n.max()}, {share}", file=sys.stderr)
