"""A finding: what one pair of cells says to one assertion, by its interval alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from boundary.claims.evidence import Pair


class Outcome(StrEnum):
    """What a finding, or all of them together, answer to a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Finding:
    """The ``answer`` of a pair to an assertion.

    ``effect``, ``low`` and ``high`` are the measure ``measured`` and the ends of its interval, in
    ``unit``; all may be undefined, and the ends infinite. ``cells`` names the cells that were used.
    """

    answer: Outcome
    measured: str
    effect: float
    low: float
    high: float
    unit: str
    cells: str
    note: str = ""


@dataclass(frozen=True)
class Rule:
    """How an interval decides: with both, ``supports`` and ``contradicts``, false it leaves open.

    ``text`` says it to a reader. An undefined end decides nothing, since no comparison with it holds.
    """

    text: str
    supports: Callable[[float, float], bool]
    contradicts: Callable[[float, float], bool]

    def decide(self, low: float, high: float) -> Outcome:
        """The outcome of an interval from ``low`` to ``high``."""
        if self.supports(low, high):
            return Outcome.SUPPORTED
        return Outcome.CONTRADICTED if self.contradicts(low, high) else Outcome.UNDECIDED


def above(limit: float) -> Rule:
    """Supported by an interval wholly above ``limit``, contradicted by one wholly below."""
    text = f"supported if its whole interval lies above {limit:g}, contradicted if it lies below"
    return Rule(text, lambda low, high: low > limit, lambda low, high: high < limit)


def above_or_open(limit: float) -> Rule:
    """Supported by an interval wholly above ``limit``; nothing contradicts it."""
    text = f"supported if its whole interval lies above {limit:g}, never contradicted"
    return Rule(text, lambda low, high: low > limit, lambda low, high: False)


def below(limit: float) -> Rule:
    """Supported by an interval wholly below ``limit``, contradicted by one wholly above."""
    text = f"supported if its whole interval lies below {limit:g}, contradicted if it lies above"
    return Rule(text, lambda low, high: high < limit, lambda low, high: low > limit)


def within(margin: float) -> Rule:
    """Equivalence: supported by an interval wholly within +- ``margin``, contradicted outside."""
    return Rule(
        f"supported if its whole interval lies within {margin:g} of 0, contradicted if it lies wholly "
        "outside",
        lambda low, high: -margin < low and high < margin,
        lambda low, high: low > margin or high < -margin,
    )


@dataclass(frozen=True)
class Assertion:
    """A measure, what it tells a reader, its unit, and the rule by which it decides.

    ``k_from`` names the measure that tells at which k it was taken. Where that is below
    ``supports_from`` or ``contradicts_from``, it supports or contradicts nothing: what is claimed of many
    samples, few do not tell.
    """

    measure: str
    measured: str
    rule: Rule
    unit: str = "share"
    k_from: str | None = None
    supports_from: int = 1
    contradicts_from: int = 1

    def __str__(self) -> str:
        few = "".join(
            f"; never {outcome} by fewer than {least} samples"
            for outcome, least in self._least_k.items()
            if least > 1
        )
        return f"{self.measured}: {self.rule.text}{few}"

    @property
    def _least_k(self) -> dict[Outcome, int]:
        return {
            Outcome.SUPPORTED: self.supports_from,
            Outcome.CONTRADICTED: self.contradicts_from,
        }

    def find(self, pair: Pair) -> Iterator[Finding]:
        """The pair's finding; none where it lacks the measure, or its k."""
        if not {self.measure, self.k_from or self.measure} <= pair.measures.keys():
            return
        effect, low, high = pair.measures[self.measure]
        answer = self.rule.decide(low, high)
        finding = Finding(answer, self.measured, effect, low, high, self.unit, str(pair))
        if self.k_from:
            k = pair.measures[self.k_from][0]
            finding = replace(finding, note=f"k = {k:g}")
            if k < self._least_k.get(answer, 1):
                finding = leave_open(finding, "too few samples to decide it")
        yield finding


def leave_open(finding: Finding, why: str) -> Finding:
    """The finding as undecided, with the reason in its note."""
    return add_note(replace(finding, answer=Outcome.UNDECIDED), why)


def add_note(finding: Finding, note: str) -> Finding:
    """The finding with one more note."""
    return replace(finding, note="; ".join(filter(None, [finding.note, note])))
