"""Whether two values are equal: as exact numbers, to the places that count, or by evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from boundary.verification.mathematics.answer import INFINITY, Value
from boundary.verification.mathematics.exact import (
    Decimal,
    ends,
    exact_value,
    rounds_to,
    stands_for,
    written_decimal,
)
from boundary.verification.mathematics.tree import Node, number, symbols_of
from boundary.verification.mathematics.units import canonical_unit, without_scale_word
from boundary.verification.policy import Policy

RUNGS = ("text", "number", "structure", "identity")
Nearness = Callable[[Fraction, Fraction], bool]


class UndecidedError(Exception):
    """The question needs more than bounded work."""


class Match(NamedTuple):
    """Whether two readings are equal, the dearest rung that was needed, and why."""

    equal: bool
    rung: str
    reason: str


@dataclass(frozen=True)
class Question:
    """Two expressions: are they the same function, or with ``up_to_factor`` the same equation to zero?

    ``near`` tells of two constants that differ whether they are equal to the places that count.
    """

    gold: Node
    answer: Node
    up_to_factor: bool = False
    near: Nearness | None = None


Identity = Callable[[Question], Match]


class ValueComparison:
    """Comparing values under a policy; ``identity`` evaluates, or is None where that is not allowed."""

    def __init__(self, policy: Policy, identity: Identity | None) -> None:
        self.policy = policy
        self.identity = identity

    def values(self, gold: Value, answer: Value) -> Match:
        """Compare two values."""
        refused = self.beside(gold, answer)
        if refused is not None:
            return refused
        exact = exact_value(gold.node)
        refuse = self.policy.unevaluated == "refuse" and not gold.unevaluated
        if exact is not None and answer.unevaluated and refuse:
            return Match(False, "number", "not evaluated")
        other = exact_value(answer.node)
        if exact is not None and other is not None:
            return self.numbers(gold, answer, exact, other)
        if gold.node == answer.node and gold.percent == answer.percent:
            return Match(True, "structure", "the same expression")
        infinite = [_is_infinite(value.node) for value in (gold, answer)]
        if any(infinite):
            return Match(False, "structure", "infinity on one side, or of the other sign")
        symbols = [symbols_of(value.node) for value in (gold, answer)]
        if bool(symbols[0]) != bool(symbols[1]):
            held = min(symbols[0] | symbols[1])
            return Match(False, "structure", f"the variable {held[:20]} stands on one side only")
        near = None if symbols[0] else self.nearness(gold, answer)
        for percents in self.percents(gold, answer):
            nodes = [Node("div", (v.node, number(100))) if scaled else v.node
                     for v, scaled in zip((gold, answer), percents, strict=True)]  # fmt: skip
            match = self.ask(Question(nodes[0], nodes[1], near=near))
            if match.equal:
                return match
        return match

    def beside(self, gold: Value, answer: Value) -> Match | None:
        """A refusal for what stands beside the values: units, degrees."""
        policy = self.policy
        own, _ = without_scale_word(policy.unit)
        if own and not gold.unit:
            name, known = canonical_unit(own)
            gold = replace(gold, unit=name, unit_known=known)
        for unit, setting in (("degree", policy.degrees), ("", policy.units)):
            is_it = gold.unit == "degree" if unit else gold.unit not in ("", "degree")
            if is_it and setting == "required" and answer.unit != gold.unit:
                return Match(False, "structure", f"the unit {gold.unit[:20]} is missing")
        if ("degree", True) in ((gold.unit, answer.percent), (answer.unit, gold.percent)):
            return Match(False, "structure", "degrees against percent")
        both = gold.unit_known and answer.unit_known
        if both and gold.unit != answer.unit and policy.units != "ignored":
            return Match(False, "structure", f"{answer.unit} in place of {gold.unit}")
        return None

    def percents(self, gold: Value, answer: Value) -> list[tuple[bool, bool]]:
        """Which of the two are to be divided by 100, one reading of the percent signs after the other."""
        if self.policy.percent == "scales":
            return [(gold.percent, answer.percent)]
        if gold.percent == answer.percent:
            return [(False, False)]
        return [(False, False), (gold.percent, answer.percent)]

    def numbers(self, gold: Value, answer: Value, exact: Fraction, other: Fraction) -> Match:
        """Compare two rational numbers."""
        for scale_gold, scale_answer in self.percents(gold, answer):
            a, b = exact / (100 if scale_gold else 1), other / (100 if scale_answer else 1)
            if a == b:
                return Match(True, "number", "equal numbers")
            if self.is_near(
                gold, answer, a, b, 100 if scale_gold else 1, 100 if scale_answer else 1
            ):
                return Match(True, "number", "equal to the places that count")
        return Match(False, "number", "other numbers")

    def is_near(
        self,
        gold: Value,
        answer: Value,
        exact: Fraction,
        other: Fraction,
        gold_scale: int,
        scale: int,
    ) -> bool:
        """Whether two rational numbers are equal for a tolerance, or for the places of a decimal."""
        decimals = [
            _scaled(written_decimal(v.written), by)
            for v, by in ((gold, gold_scale), (answer, scale))
        ]
        if self.within_tolerance(exact, other):
            return True
        rounded = decimals[0] if self.policy.rounding == "gold" else None
        if rounded is not None and rounds_to(other, rounded):
            return True
        least = self.policy.digits
        pairs = ((decimals[0], other), (decimals[1], exact))
        return any(d is not None and not ends(v) and stands_for(d, v, least) for d, v in pairs)

    def within_tolerance(self, gold: Fraction, answer: Fraction) -> bool:
        """Whether the policy tolerates the difference of two numbers."""
        difference = abs(gold - answer)
        absolute, relative = self.policy.tolerance, self.policy.relative_tolerance
        # As decimals: a tolerance of 0.1 is a tenth, whatever floating point makes of it.
        return difference <= Fraction(str(absolute)) or difference <= Fraction(str(relative)) * abs(
            gold
        )

    def nearness(self, gold: Value, answer: Value) -> Nearness:
        """How a decimal is compared with a constant that has no finite expansion."""
        policy = self.policy
        decimals = [written_decimal(value.written) for value in (gold, answer)]

        def near(exact: Fraction, other: Fraction) -> bool:
            pairs = ((decimals[0], other), (decimals[1], exact))
            return (
                self.within_tolerance(exact, other)
                or any(d is not None and stands_for(d, v, policy.digits) for d, v in pairs)
                or (
                    decimals[0] is not None
                    and policy.rounding == "gold"
                    and rounds_to(other, decimals[0])
                )
            )

        return near

    def ask(self, question: Question) -> Match:
        """The answer of ``identity``. Raises UndecidedError where there is none."""
        if self.identity is None:
            raise UndecidedError
        return self.identity(question)


def _scaled(decimal: Decimal | None, by: int) -> Decimal | None:
    return (
        None if decimal is None else Decimal(decimal.value / by, decimal.unit / by, decimal.digits)
    )


def _is_infinite(node: Node) -> bool:
    return node == INFINITY or (node.kind == "neg" and node.args[0] == INFINITY)
