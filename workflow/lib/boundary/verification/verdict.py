"""Verdicts: what became of a sample, and why."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

# How a program that was run against its tests failed, other than by a wrong output. These are judged: the
# program was run, and does not solve the problem.
ProgramFailure = Literal["program_timeout", "program_error", "memory", "output_limit", "forbidden"]
PROGRAM_FAILURES: tuple[ProgramFailure, ...] = get_args(ProgramFailure)
Verdict = Literal["correct", "wrong", "no_answer", "truncated", "timeout", "error"] | ProgramFailure
# A verifier that ran out of time or failed, or a sample that was never drawn, has judged nothing.
UNJUDGED: tuple[Verdict, ...] = ("timeout", "error")
VERDICTS: tuple[Verdict, ...] = (
    "correct", "wrong", "no_answer", "truncated", *PROGRAM_FAILURES, *UNJUDGED,
)  # fmt: skip
Outcome = Literal["correct", "wrong", "timeout", "error"] | ProgramFailure


class Decision(NamedTuple):
    """What comparing an answer with the gold answer gave: the outcome, its rung, and the reason.

    The rung is the step of the ladder, from the cheapest to the dearest, that decided.
    """

    outcome: Outcome
    rung: str
    reason: str


class Judgement(NamedTuple):
    """A verdict, the answer that it speaks of, where that was found, and what decided it."""

    verdict: Verdict
    answer: str | None
    found: str | None
    rung: str | None
    detail: str
