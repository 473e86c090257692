r"""The study's own verifier of mathematical answers: a ladder from the cheapest test to the dearest.

text: the same text, or the same words. number: exact rational numbers, decimals to the places that count.
structure: other kinds, other brackets, answers that are missing. length: no gold is a tenth as long as an
answer. In a worker: identity, both expressions evaluated to 50 digits at the same points; and math-verify,
for what this reader does not know, sums and integrals, on math-verify and sympy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

from boundary.verification.extraction import Found, find_answer
from boundary.verification.mathematics.answer import Collection, Reading, Words
from boundary.verification.mathematics.characters import FRACTIONS, clean
from boundary.verification.mathematics.comparison import compare
from boundary.verification.mathematics.library import boxed_equal, warm_up
from boundary.verification.mathematics.reading import read
from boundary.verification.mathematics.relations import fold
from boundary.verification.mathematics.tokens import UnreadableError
from boundary.verification.mathematics.units import without_scale_word
from boundary.verification.mathematics.values import Identity, Match, UndecidedError
from boundary.verification.mathematics.wording import plain
from boundary.verification.policy import Policy
from boundary.verification.verdict import Decision

INTEGER = re.compile(r"[+-]?[0-9]{1,2000}")
LONGEST = 2_000  # characters of an answer, unless the gold is a tenth of that
CACHED_READINGS = 4_096


def find(text: str, policy: Policy) -> Found | None:
    """The last box, the last answer tag or the last answer line, as the policy says."""
    return find_answer(text, policy.answer_in)


def decide_cheaply(gold: tuple[str, ...], answer: str, policy: Policy) -> Decision | None:
    """Decide where bounded work is enough."""
    if gold == (answer,):
        return Decision("correct", "text", "the same text")
    if len(gold) == 1 and INTEGER.fullmatch(gold[0]) and INTEGER.fullmatch(answer):
        if int(gold[0]) == int(answer):
            return Decision("correct", "number", "equal integers")
        near = policy.tolerance or policy.relative_tolerance
        if not near and not without_scale_word(policy.unit)[1]:
            return Decision("wrong", "number", "other integers")
    written_out = len(answer) + 10 * sum(map(answer.count, FRACTIONS))
    if written_out > max(LONGEST, 10 * sum(map(len, gold))):
        return Decision("wrong", "length", f"an answer of {len(answer)} characters")
    try:
        return _decide(gold, answer, policy, None)
    except UndecidedError:
        return None


def prepare(gold: tuple[str, ...], answer: str, policy: Policy) -> None:
    """Import what this question needs; the libraries take a second of their own."""
    import boundary.verification.mathematics.identity  # noqa: F401

    with suppress(Exception):  # what this is about is told when it is decided
        _warm_up_for(gold, answer, policy)


def _warm_up_for(gold: tuple[str, ...], answer: str, policy: Policy) -> None:
    sides = (_read_gold(gold, policy), _read(answer, policy, False))
    if any(isinstance(side, UnreadableError) and side.unknown for side in sides):
        warm_up()


def decide(gold: tuple[str, ...], answer: str, policy: Policy) -> Decision:
    """Decide by evaluating expressions, or by math-verify where they cannot be read."""
    from boundary.verification.mathematics.identity import same

    return _decide(gold, answer, policy, same)


def _decide(
    gold: tuple[str, ...], answer: str, policy: Policy, identity: Identity | None
) -> Decision:
    golds, answers = _read_gold(gold, policy), _read(answer, policy, False)
    if any(isinstance(side, UnreadableError) and side.unknown for side in (golds, answers)):
        if identity is None:
            raise UndecidedError
        decision = boxed_equal(", ".join(gold), answer)
        if decision is not None:
            return decision
    if isinstance(golds, UnreadableError):
        same = _squeezed(", ".join(gold)) == _squeezed(answer)
        agree = "agree" if same else "differ"
        reason = f"the gold cannot be read ({golds.reason}); the texts {agree}"
        return Decision("correct" if same else "wrong", "text", reason)
    if isinstance(answers, UnreadableError):
        if any(isinstance(reading, Words) for reading in golds) and _same_words(gold, answer):
            return Decision("correct", "text", "the same words")
        return Decision("wrong", "structure", f"it cannot be read: {answers.reason}")
    match = _best_match(golds, answers, policy, identity)
    return Decision("correct" if match.equal else "wrong", match.rung, match.reason[:200])


def _best_match(
    golds: Sequence[Reading], answers: Sequence[Reading], policy: Policy, identity: Identity | None
) -> Match:
    """The first match of any two readings, else what the first two gave."""
    first: Match | None = None
    undecided = False
    for gold in golds:
        for answer in answers:
            try:
                match = compare(gold, answer, policy, identity)
            except UndecidedError:
                undecided = True
                continue
            if match.equal:
                return match
            first = first or match
    if undecided or first is None:
        raise UndecidedError
    return first


@lru_cache(maxsize=CACHED_READINGS)
def _read_gold(gold: tuple[str, ...], policy: Policy) -> list[Reading] | UnreadableError:
    if len(gold) == 1:
        return _read(gold[0], policy, True)
    items: list[Reading] = []
    for text in gold:
        readings = _read(text, policy, True)
        if isinstance(readings, UnreadableError):
            return readings
        first = readings[0]
        is_list = isinstance(first, Collection) and first.opening == ""  # 1 \pm 2, in one text
        items += first.items if is_list else [first]  # type: ignore[union-attr]
    return [Collection("", tuple(items), "")]


def _read(text: str, policy: Policy, is_gold: bool) -> list[Reading] | UnreadableError:
    try:
        return read(text, policy, is_gold)
    except UnreadableError as unreadable:
        return unreadable


def _same_words(gold: tuple[str, ...], answer: str) -> bool:
    """Whether two texts with figures in them, June 20, are the same."""
    texts = [fold(plain(clean(text))) for text in (", ".join(gold), answer)]
    return texts[0] == texts[1]


def _squeezed(text: str) -> str:
    return "".join(clean(text).split()).rstrip(".")
