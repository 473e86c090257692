"""Verdicts: what became of a sample."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from boundary.verification.extraction import last_box
from boundary.verification.mathematics import compare

Verdict = Literal["correct", "wrong", "no_answer", "truncated", "timeout", "error"]
VERDICTS: tuple[Verdict, ...] = ("correct", "wrong", "no_answer", "truncated", "timeout", "error")
# A verifier that ran out of time or failed, or a sample that was never drawn, has judged nothing.
UNJUDGED: tuple[Verdict, ...] = ("timeout", "error")


class Judgement(NamedTuple):
    """A verdict, the answer it speaks of, and what decided it."""

    answer: str | None
    verdict: Verdict
    detail: str


def judge(gold: str, text: str, finish_reason: str) -> Judgement:
    """Judge a response to a mathematical problem by its last box.

    ``gold`` is the record's JSON. A response that was cut off and holds no box is truncated; one that
    ended by itself without a box has no answer.
    """
    if finish_reason == "error":
        return Judgement(None, "error", "sampling failed")
    answer = last_box(text)
    if answer is None:
        missing: Verdict = "truncated" if finish_reason == "length" else "no_answer"
        return Judgement(None, missing, "no box")
    verdict, decided_by = compare(str(json.loads(gold)), answer)
    return Judgement(answer, verdict, decided_by)
