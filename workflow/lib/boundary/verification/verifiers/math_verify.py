r"""Second opinion: Math-Verify (https://github.com/huggingface/Math-Verify) as its users call it.

That is ``verify(parse("\boxed{gold}"), parse(response))`` with the library's own defaults: it reads the
whole response and chooses the answer by itself. Two things differ. Its alarms are off, because the
call runs in a worker that is killed from outside; and an exception while comparing, which the library
takes for a wrong answer, is an error here, as it has judged nothing.

The default settings also read plain expressions, by sympy's ``parse_expr``, which is ``eval``. All that
can reach it is what the library's pattern ``expr_re`` lets through: digits, whitespace, round brackets,
points and the signs of arithmetic (and, by ``Number``, digits and points alone). There is no letter,
underscore, comma or quote among them, so nothing can be named, and nothing can be called but a number,
which is a TypeError. What is left is time and memory (``9^9^9^9``), which the worker bounds. So the
default stays.
"""

from __future__ import annotations

from functools import cache

from boundary.verification.extraction import Found
from boundary.verification.policy import Policy
from boundary.verification.verdict import Decision

RUNG = "math-verify"


def find(text: str, policy: Policy) -> Found | None:
    """The whole response, as the library does the reading; None if it is blank."""
    return Found(text, "response") if text.strip() else None


def decide_cheaply(gold: tuple[str, ...], answer: str, policy: Policy) -> Decision | None:
    """None: the library promises no bound on its work."""
    return None


@cache
def _warm_up() -> None:
    _decide("\\frac{1}{2}", "\\boxed{0.5+x}")


def prepare(gold: tuple[str, ...], answer: str, policy: Policy) -> None:
    """Import the library and have it read something, once in a process."""
    _warm_up()


def decide(gold: tuple[str, ...], answer: str, policy: Policy) -> Decision:
    """What the library says of the response ``answer``; several golds are one list to it.

    Raises what a worker has to answer for: MemoryError, RecursionError.
    """
    try:
        return _decide(", ".join(gold), answer)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # whatever a model wrote, one response must not end the stage
        return Decision("error", RUNG, f"{RUNG}: {type(error).__name__}")


def _decide(gold: str, response: str) -> Decision:
    from math_verify import grader, parse, parser, verify

    # Said once a process: that alarms are off. It is meant.
    grader.TIMEOUT_WARNING_SHOWN = parser.TIMEOUT_WARNING_SHOWN = True
    golds = parse(f"\\boxed{{{gold}}}", parsing_timeout=None)
    if not golds:
        return Decision("error", RUNG, "cannot parse the gold answer")
    answers = parse(response, parsing_timeout=None, raise_on_error=True)
    if not answers:
        return Decision("wrong", RUNG, "nothing in the response to parse")
    try:
        same = verify(golds, answers, timeout_seconds=None, raise_on_error=True)
    except Exception:
        # By default a comparison that fails leaves the word to the others: parsed forms, then texts.
        same = verify(golds, answers, timeout_seconds=None)
        if not same:
            raise
    return Decision("correct", RUNG, "equal") if same else Decision("wrong", RUNG, "not equal")
