"""Comparing an answer with the gold answer, from the cheapest test to the dearest."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Outcome = Literal["correct", "wrong", "timeout", "error"]

INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")  # int() refuses more than 4,300 digits
# Evaluating 5+6 is the problem's task and not the verifier's: a boxed question earns no reward.
ARITHMETIC = re.compile(r"[-+*=0-9\s]*[0-9]\s*[-+*=][-+*=0-9\s]*")
SECONDS = 5
CACHED_PAIRS = 1 << 20


class Comparison(NamedTuple):
    """An outcome and the test that decided it."""

    outcome: Outcome
    decided_by: str


@lru_cache(maxsize=CACHED_PAIRS)
def compare(gold: str, answer: str) -> Comparison:
    """Compare the content of a response's box with the gold answer.

    Memoised: real answers repeat. Must run in the main thread, where math-verify can set its alarm.
    """
    if gold == answer:
        return Comparison("correct", "same text")
    if INTEGER.fullmatch(gold) and INTEGER.fullmatch(answer):
        return Comparison("correct" if int(gold) == int(answer) else "wrong", "integers")
    if INTEGER.fullmatch(gold) and ARITHMETIC.fullmatch(answer):
        return Comparison("wrong", "not evaluated")
    return _compare_by_math_verify(gold, answer)


def _compare_by_math_verify(gold: str, answer: str) -> Comparison:
    from math_verify import LatexExtractionConfig, parse, verify
    from math_verify.errors import TimeoutException

    # LaTeX alone: the plain-expression fallback picks up a stray digit of anything unparsable.
    latex = [LatexExtractionConfig()]
    try:
        parsed_gold, parsed_answer = (
            parse(f"\\boxed{{{text}}}", latex, parsing_timeout=SECONDS, raise_on_error=True)
            for text in (gold, answer)
        )
        if not parsed_gold:
            return Comparison("error", "math-verify cannot parse the gold answer")
        same = verify(parsed_gold, parsed_answer, timeout_seconds=SECONDS, raise_on_error=True)
    except TimeoutException:
        return Comparison("timeout", f"math-verify took more than {SECONDS} s")
    except Exception as error:  # whatever a model wrote, one answer must not end the stage
        return Comparison("error", f"math-verify: {type(error).__name__}")
    return Comparison("correct" if same else "wrong", "math-verify")
