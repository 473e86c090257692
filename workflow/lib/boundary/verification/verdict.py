"""Verdicts: what became of a sample, and why."""

from __future__ import annotations

from typing import Literal, NamedTuple

Verdict = Literal["correct", "wrong", "no_answer", "truncated", "timeout", "error"]
VERDICTS: tuple[Verdict, ...] = ("correct", "wrong", "no_answer", "truncated", "timeout", "error")
# A verifier that ran out of time or failed, or a sample that was never drawn, has judged nothing.
UNJUDGED: tuple[Verdict, ...] = ("timeout", "error")
Outcome = Literal["correct", "wrong", "timeout", "error"]


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
