"""Grade answers of a file, without Snakemake: one JSON line in, one JSON line out, in the same order."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "grade the answers of a JSON lines file, without the workflow"
EXAMPLES = r"""
a line of the file holds id, gold and text (a whole completion or a bare answer), and may hold domain and
policy; a program has tests in place of a gold:
    {"id": 1, "gold": "\\frac{1}{2}", "text": "... so it is $\\boxed{0.5}$."}
    {"id": 2, "gold": "4.5e33", "text": "4.52 \\times 10^{33}", "policy": {"rounding": "gold"}}
    {"id": 3, "gold": ["1", "2"], "text": "<answer>x=2 or x=1</answer>", "domain": "math"}
    {"id": 4, "domain": "code", "function": "twice", "text": "def twice(n):\n    return 2 * n",
     "tests": {"public": [{"input": "21", "output": "42", "testtype": "functional"}]}}
(all in one line). Tests are lists `public` and `private` of tests with input, output and testtype (stdin,
or functional: one JSON value a line), or Python assertions as `code` with an `entry_point`.
a line of the output holds id, verdict, answer and reason:
    boundary grade answers.jsonl > verdicts.jsonl
    boundary grade answers.jsonl --verifier published --workers 2 --output verdicts.jsonl
`policy` has the keys of `verification` in config/benchmarks.yaml, or is the name of a verifier.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from boundary.stages.verify import add_verifier_arguments

    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="the answers, one a line")
    parser.add_argument(
        "--output", type=Path, help="file to write, whole or not at all (default: standard output)"
    )
    add_verifier_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """See that every line can be graded, then grade them."""
    import sys

    from boundary.data.atomic import atomic_path
    from boundary.verification.grading import grade_file
    from boundary.verification.pool import Limits

    limits = Limits(arguments.seconds, arguments.megabytes)
    graded = grade_file(arguments.file, arguments.verifier, arguments.workers, limits)
    if arguments.output is None:
        sys.stdout.writelines(graded)
        return
    with atomic_path(arguments.output) as temporary, temporary.open("w") as file:
        file.writelines(graded)
