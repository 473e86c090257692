"""The real HumanEval file: its own programs are right, and mutated ones are judged as plain Python does."""

import gzip
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from boundary.benchmarks.humaneval_plus import read_problem
from boundary.verification.judge import Judge, pose
from boundary.verification.policy import Policy
from mutations import mutations

FOLDER = os.environ.get("BENCHMARK_FILES", "")
FILE = Path(FOLDER) / "HumanEval.jsonl.gz"
MUTATED = 3  # of each program
POLICY = Policy(program_seconds=2.0)
pytestmark = pytest.mark.skipif(
    not FOLDER or not FILE.is_file(), reason="the variable BENCHMARK_FILES names no HumanEval file"
)
# Our own mutations of published programs, no model's: they run as they are. Tests use helpers that stand
# in the prompt; these are the reference's, and not those of a mutated program.
PLAIN = """
import json, random, sys
program, reference, test, entry_point = json.load(sys.stdin)
mine, tests = {}, {}
exec(reference, tests)
exec(test, tests)
random.seed(0)
try:
    exec(program, mine)
    tests["check"](mine[entry_point])
except BaseException as error:
    sys.exit(1)
"""


def problems():
    with gzip.open(FILE, "rt") as file:
        return [read_problem(json.loads(line), "HumanEval") for line in file]


def asked(problem, program):
    return pose(json.dumps(problem.gold), POLICY, None, json.dumps(problem.tests)), program


def passes_in_plain_python(problem, program):
    """Whether it passes, by an interpreter of its own; None if it takes too long."""
    parts = [program, problem.gold, problem.tests["code"], problem.tests["entry_point"]]
    try:
        ran = subprocess.run(
            [sys.executable, "-c", PLAIN],
            input=json.dumps(parts),
            text=True,
            timeout=20,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        return None
    return ran.returncode == 0


def test_its_programs_are_right_and_mutated_ones_are_what_plain_python_says():
    cases = [
        (problem, program)
        for problem in problems()
        for program in [problem.gold, *itertools.islice(mutations(problem.gold), MUTATED)]
    ]
    assert len(cases) >= 164 * (1 + MUTATED)
    with Judge("boundary", workers=os.cpu_count() or 1, domain="code") as judge:
        decisions = judge.decide([asked(*case) for case in cases])
    outcomes = [decision.outcome for decision in decisions]
    right = [
        o for (problem, program), o in zip(cases, outcomes, strict=True) if program == problem.gold
    ]
    assert right == ["correct"] * 164
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        plain = list(pool.map(lambda case: passes_in_plain_python(*case), cases))
    differ = [
        (problem.problem_id, program, outcome, passed)
        for (problem, program), outcome, passed in zip(cases, outcomes, plain, strict=True)
        if (outcome == "correct") != bool(passed)
        or (passed is None) != (outcome == "program_timeout")
    ]
    assert differ == []
    assert 0.5 < outcomes.count("correct") / len(outcomes) < 1 or outcomes.count("wrong") > 164
