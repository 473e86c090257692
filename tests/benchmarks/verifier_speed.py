"""Completions a second of the study's verifier, against math-verify called in a loop.

    BENCHMARK_FILES=FOLDER python tests/benchmarks/verifier_speed.py

On the same completions of 2 to 7 KB, built from the golds of MATH500, Minerva and OlympiadBench: with 20
distinct answers a problem among 1,024 samples, and with no two alike. math-verify runs in this process, in
its default configuration, on some of them drawn at random. All on one core; then ours on two, as the
workflow runs two shards at once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from boundary.verification.judge import Judge, Response, pose
from boundary.verification.policy import Policy
from real_golds import BENCHMARK_FILES, real_golds
from rewritings import perturbations, rewritings

Completion = tuple[str, str]  # gold, text


def working(size: int, draw: random.Random) -> str:
    """Text as a response holds it before its box."""
    steps = "We have $x_{1} = \\frac{3}{4}$, so {that} \\[ y = 2x + 5 \\] and 17 of 20 are left.\n"
    return "".join(
        steps.replace("17", str(draw.randrange(1000))) for _ in range(size // len(steps))
    )


def texts_of(gold: str) -> list[str]:
    """Distinct answers to a problem: right in many forms, and wrong."""
    return list(dict.fromkeys([gold, *rewritings(gold), *perturbations(gold)]))


def with_duplicates(golds: list[str], distinct: int, samples: int, seed: int) -> list[Completion]:
    """``samples`` completions of each gold's problem, over ``distinct`` answers, the common ones first."""
    draw = random.Random(seed)
    found = []
    for gold in golds:
        answers = (texts_of(gold) + [str(n) for n in range(100, 200)])[:distinct]
        shares = [1 / (place + 1) for place in range(len(answers))]
        for answer in draw.choices(answers, shares, k=samples):
            found.append((gold, working(draw.randrange(2000, 7000), draw) + f"\\boxed{{{answer}}}"))
    draw.shuffle(found)
    return found


def without_duplicates(golds: list[str], number: int, seed: int) -> list[Completion]:
    """``number`` completions, each of another gold or with another answer."""
    draw = random.Random(seed)
    pairs = [(gold, answer) for gold in golds for answer in texts_of(gold)]
    return [
        (gold, working(draw.randrange(2000, 7000), draw) + f"\\boxed{{{answer}}}")
        for gold, answer in draw.sample(pairs, number)
    ]


def rate_of_math_verify(completions: list[Completion]) -> float:
    from math_verify import parse, verify

    start = time.perf_counter()
    for gold, text in completions:
        verify(parse(f"\\boxed{{{gold}}}"), parse(text))
    return len(completions) / (time.perf_counter() - start)


def rate_of_ours(completions: list[Completion], workers: int) -> float:
    """From a cold start: workers, memo and readings included."""
    start = time.perf_counter()
    posed = {g: pose(json.dumps(g), Policy()) for g in {gold for gold, _ in completions}}
    with Judge("boundary", workers=workers) as judge:
        for at in range(0, len(completions), 4096):
            judge.judge(
                [Response(posed[g], text, "stop") for g, text in completions[at : at + 4096]]
            )
    return len(completions) / (time.perf_counter() - start)


def rate_on_two_cores(completions: list[Completion]) -> float:
    """Two halves at once, each in a process of its own, from a cold start."""
    start = time.perf_counter()
    children = [
        multiprocessing.get_context("fork").Process(target=rate_of_ours, args=(half, 1))
        for half in (completions[::2], completions[1::2])
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return len(completions) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=60, help="with duplicates (default: 60)")
    parser.add_argument("--distinct", type=int, default=5000, help="without (default: 5000)")
    parser.add_argument(
        "--theirs", type=int, default=600, help="that math-verify gets (default: 600)"
    )
    arguments = parser.parse_args()
    if BENCHMARK_FILES is None:
        sys.exit("set BENCHMARK_FILES to the folder of the benchmarks' files")
    golds = [g for name in ("math500", "minerva", "olympiad") for g in real_golds()[name]]
    draw = random.Random(7)
    cores = sorted(os.sched_getaffinity(0))
    for name, completions in (
        ("20 distinct answers a problem, 1,024 samples",
         with_duplicates(draw.sample(golds, arguments.problems), 20, 1024, 1)),
        ("no two alike", without_duplicates(golds, arguments.distinct, 2)),
    ):  # fmt: skip
        os.sched_setaffinity(0, cores[:1])
        theirs = rate_of_math_verify(random.Random(3).sample(completions, arguments.theirs))
        one = rate_of_ours(completions, 1)
        os.sched_setaffinity(0, cores)
        two = rate_on_two_cores(completions)
        print(f"{name}: {len(completions)} completions")
        for what, rate, other in (
            ("math-verify in a loop, one core", theirs, theirs),
            ("ours, one core, ratio to that", one, theirs),
            ("ours, two cores, ratio to one", two, one),
        ):
            print(f"  {what:32} {rate:8.0f} completions/s {rate / other:8.2f}")


if __name__ == "__main__":
    main()
