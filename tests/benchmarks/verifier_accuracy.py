"""False positives and false negatives of every verifier on real golds, rewritten and perturbed.

    BENCHMARK_FILES=FOLDER python tests/benchmarks/verifier_accuracy.py [--output disagreements.csv]

Each gold must be answered by itself and by its rewritings, and by none of its perturbations, nor, with
--crossed, by any other gold of its file (all pairs; for the study's own verifier alone, some minutes).
A rewriting is another text of the same meaning, a perturbation one of another meaning: tests/rewritings.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from boundary.verification.judge import Judge, Response, pose
from boundary.verification.policy import Policy
from boundary.verification.verifiers import VERIFIERS
from real_golds import BENCHMARK_FILES, real_golds
from rewritings import perturbations, rewritings

Case = tuple[str, str, str, bool]  # benchmark, gold, answer, is it right?


def cases_of(limit: int) -> list[Case]:
    """All cases of all files, or a sample of ``limit`` of them."""
    found = [
        (benchmark, gold, text, right)
        for benchmark, golds in real_golds().items()
        for gold in golds
        for texts, right in (([gold, *rewritings(gold)], True), (perturbations(gold), False))
        for text in texts
    ]
    return random.Random(1).sample(found, limit) if 0 < limit < len(found) else found


def judge_all(verifier: str, cases: list[Case]) -> list[str]:
    responses = [
        Response(pose(json.dumps(gold), Policy()), f"The answer is $\\boxed{{{text}}}$.", "stop")
        for _, gold, text, _ in cases
    ]
    with Judge(verifier, workers=2) as judge:
        return [judgement.verdict for judgement in judge.judge(responses)]


def crossed() -> list[tuple[str, str, str]]:
    """Pairs of different golds of one file that the study's verifier finds equal."""
    from boundary.verification.verifiers import boundary

    found = []
    for benchmark, golds in real_golds().items():
        for gold in golds:
            for other in golds:
                if gold != other:
                    pair = ((gold,), other, Policy())
                    decision = boundary.decide_cheaply(*pair) or boundary.decide(*pair)
                    if decision.outcome == "correct":
                        found.append((benchmark, gold, other))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=0, help="cases to try (default: all)")
    parser.add_argument(
        "--output", type=Path, help="CSV of all cases that some verifier gets wrong"
    )
    parser.add_argument("--crossed", action="store_true", help="try every gold against every other")
    arguments = parser.parse_args()
    if BENCHMARK_FILES is None:
        sys.exit("set BENCHMARK_FILES to the folder of the benchmarks' files")
    cases = cases_of(arguments.limit)
    verdicts = {verifier: judge_all(verifier, cases) for verifier in VERIFIERS}
    print(
        f"{'verifier':12} {'benchmark':10} {'false negatives':>24} {'false positives':>24} {'unjudged':>9}"
    )
    for verifier, found in verdicts.items():
        for name in [*real_golds(), "all"]:
            counts: Counter[str] = Counter()
            for (benchmark, _, _, right), verdict in zip(cases, found, strict=True):
                if name in (benchmark, "all"):
                    counts["right" if right else "other"] += 1
                    counts["false negative"] += right and verdict not in (
                        "correct",
                        "timeout",
                        "error",
                    )
                    counts["false positive"] += not right and verdict == "correct"
                    counts["unjudged"] += verdict in ("timeout", "error")
            rates = [
                f"{counts[kind]} of {counts[of]} = {counts[kind] / max(1, counts[of]):.2%}"
                for kind, of in (("false negative", "right"), ("false positive", "other"))
            ]
            print(f"{verifier:12} {name:10} {rates[0]:>24} {rates[1]:>24} {counts['unjudged']:>9}")
    if arguments.output:
        write_disagreements(arguments.output, cases, verdicts)
    if arguments.crossed:
        pairs = crossed()
        print(f"golds that answer another problem of their file: {len(pairs)}")
        for pair in pairs:
            print("  ", *pair, sep="\t")


def write_disagreements(path: Path, cases: list[Case], verdicts: dict[str, list[str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["benchmark", "gold", "answer", "expected", *verdicts])
        for case, *found in zip(cases, *verdicts.values(), strict=True):
            expected = "correct" if case[3] else "wrong"
            if any(verdict != expected for verdict in found):
                writer.writerow([*case[:3], expected, *found])


if __name__ == "__main__":
    main()
