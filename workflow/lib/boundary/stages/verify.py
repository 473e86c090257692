"""Stage verify: judge a shard of samples."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "judge every sample of a shard against the gold answers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--samples", type=Path, required=True, help="shard of samples (.parquet)")
    parser.add_argument("--problems", type=Path, required=True, help="problems.parquet they answer")
    parser.add_argument("--output", type=Path, required=True, help="shard of verdicts to write")


def run(arguments: argparse.Namespace) -> None:
    """Judge the shard and write the verdicts; the samples stay as they are."""
    from boundary.data.provenance import file_digest, package_versions, run_record
    from boundary.data.records import read_provenance, read_records, write_records
    from boundary.verification.shard import check_questions, check_shard, judge_samples

    columns = ["problem_id", "sample_index", "text", "finish_reason"]
    samples = read_records(arguments.samples, "sample", columns)
    problems = read_records(arguments.problems, "problem", ["problem_id", "question", "gold"])
    drawn = read_provenance(arguments.samples)
    check_questions(drawn, problems)
    check_shard(drawn, samples, problems)
    verdicts = judge_samples(samples, problems)
    provenance = {
        "verifier": "math",
        "samples_sha256": file_digest(arguments.samples),
        "samples": drawn,
        "versions": package_versions(["math-verify", "latex2sympy2_extended", "sympy"]),
        **run_record(),
    }
    write_records(arguments.output, "verdict", verdicts, provenance)
