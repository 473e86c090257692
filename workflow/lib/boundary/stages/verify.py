"""Stage verify: judge a shard of samples."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.arguments import at_least, json_argument, not_negative
from boundary.verification.pool import Limits
from boundary.verification.verifiers import VERIFIERS

if TYPE_CHECKING:
    import pandas as pd

HELP = "judge every sample of a shard against the gold answers"
OF_ANSWERS = ("math-verify", "latex2sympy2_extended", "sympy", "mpmath")
LIBRARIES = {
    "math": OF_ANSWERS,
    "visual": OF_ANSWERS,
    "code": ("numpy",),  # which programs find in the sandbox
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--samples", type=Path, required=True, help="shard of samples (.parquet)")
    parser.add_argument("--problems", type=Path, required=True, help="problems.parquet they answer")
    parser.add_argument(
        "--policy",
        type=json_argument,
        default={},
        metavar="JSON",
        help="what counts as an answer and as the same; keys as `verification` in "
        "config/benchmarks.yaml (default: none)",
    )
    parser.add_argument(
        "--memo",
        type=Path,
        metavar="FOLDER",
        help="where decisions are kept for other shards and later attempts (default: nowhere)",
    )
    add_verifier_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, help="shard of verdicts to write")


def add_verifier_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare who verifies, and within which limits."""
    parser.add_argument(
        "--verifier",
        choices=VERIFIERS,
        default=VERIFIERS[0],
        help="boundary is the study's own, the others are second opinions (default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=at_least(1), default=1, help="processes for what takes long (default: 1)"
    )
    parser.add_argument(
        "--seconds",
        type=not_negative,
        default=Limits.seconds,
        help="CPU time for one answer; programs have their policy's (default: %(default)g)",
    )
    parser.add_argument(
        "--megabytes",
        type=at_least(64),
        default=Limits.megabytes,
        help="memory for one answer; programs have their policy's (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Judge the shard and write the verdicts; the samples stay as they are."""
    from contextlib import nullcontext

    from boundary.data.provenance import file_digest, package_versions, text_digest
    from boundary.data.records import (
        read_provenance,
        read_record_groups,
        read_records,
        write_record_groups,
    )
    from boundary.study.code_digest import code_digest
    from boundary.verification.canaries import check_canaries
    from boundary.verification.judge import Judge
    from boundary.verification.memo import Memo, shared_memo
    from boundary.verification.policy import read_policy
    from boundary.verification.posing import posed_problems
    from boundary.verification.shard import by_problem, check_questions, check_shard, judge_samples
    from boundary.verification.verifiers import check_domains, verifier_module

    policy = read_policy(arguments.policy)
    problems = _read_problems(arguments.problems)
    domain = check_domains(problems["domain"].unique(), str(arguments.problems))
    drawn = read_provenance(arguments.samples)
    check_questions(drawn, problems)
    keys = read_records(arguments.samples, "sample", ["problem_id", "sample_index"])
    check_shard(drawn, keys, problems)
    verifier = {
        "verifier": arguments.verifier,
        "code": code_digest(verifier_module(arguments.verifier, domain)),
        "seconds": arguments.seconds,
        "megabytes": arguments.megabytes,
        "versions": package_versions(LIBRARIES[domain]),
    }
    # Neither host nor time: the same samples, verified again, are the same file.
    provenance = {
        **verifier,
        "policy": arguments.policy,
        "samples_sha256": file_digest(arguments.samples),
        "samples": drawn,
    }
    name = text_digest(str(arguments.output.resolve()))[:16]
    memory = shared_memo(arguments.memo, name, verifier) if arguments.memo else nullcontext(Memo())
    limits = Limits(arguments.seconds, arguments.megabytes)
    columns = ["problem_id", "sample_index", "text", "finish_reason"]
    groups = read_record_groups(arguments.samples, "sample", columns)
    posed, known = posed_problems(arguments.problems, domain, policy), list(problems["problem_id"])
    with (
        memory as memo,
        Judge(arguments.verifier, memo, arguments.workers, limits, domain) as judge,
    ):
        if domain == "code":
            check_canaries(known, posed, judge, str(arguments.problems))
            groups = by_problem(groups)
        verdicts = judge_samples(groups, len(keys), posed, known, judge)
        write_record_groups(arguments.output, "verdict", verdicts, provenance)


def _read_problems(path: Path) -> pd.DataFrame:
    """Domains and questions of the problems."""
    from boundary.data.provenance import QUESTION_COLUMNS
    from boundary.data.records import read_records

    return read_records(path, "problem", ["domain", *QUESTION_COLUMNS])
