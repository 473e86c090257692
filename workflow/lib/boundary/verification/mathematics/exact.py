"""Exact values of expressions: rational numbers, as far as a bounded effort goes."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial
from typing import NamedTuple

from boundary.verification.mathematics.tree import Node


class Effort(NamedTuple):
    """How far to go: bits of a value, and the largest number whose factorial is written out."""

    bits: int
    factorial: int


BOUNDED = Effort(20_000, 1_000)  # some hundred microseconds
MORE = Effort(3_000_000, 100_000)  # where it can be killed


LONGEST_DECIMAL = 2_000  # digits


class Decimal(NamedTuple):
    """A decimal as it is written: its value, one unit of its last place, its significant digits."""

    value: Fraction
    unit: Fraction
    digits: int


def exact_value(node: Node, effort: Effort = BOUNDED) -> Fraction | None:
    """The rational value of a tree; None where it has none, or not within the effort."""
    if node.kind == "number":
        assert isinstance(node.value, Fraction)
        return node.value
    if node.kind not in ("add", "mul", "div", "neg", "pow", "factorial", "binomial"):
        return None
    values: list[Fraction] = []
    for arg in node.args:
        value = exact_value(arg, effort)
        if value is None:
            return None
        if node.kind == "add" and values:  # every partial sum is bounded
            value += values.pop()
        if _bits(value) > effort.bits:
            return None
        values.append(value)
    result = _combine(node.kind, values, effort)
    return None if result is None or _bits(result) > effort.bits else result


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _combine(kind: str, values: list[Fraction], effort: Effort) -> Fraction | None:
    first, last = values[0], values[-1]
    match kind:
        case "add":
            return first
        case "neg":
            return -first
        case "mul":
            return first * last
        case "div":
            return first / last if last else None
        case "pow":
            small = last.denominator == 1 and _bits(first) * abs(last) <= effort.bits
            return first ** int(last) if small and (first or last > 0) else None
        case "factorial":
            small = first.denominator == 1 and 0 <= first <= effort.factorial
            return Fraction(factorial(int(first))) if small else None
        case _:  # binomial
            small = all(v.denominator == 1 and 0 <= v <= effort.factorial for v in values)
            return Fraction(comb(int(first), int(last))) if small else None


def written_decimal(text: str) -> Decimal | None:
    """What joined tokens such as ``-4.5e33`` or ``4.5times10^{33}`` write out; None if it is no decimal.

    An integer is none: all its digits are meant. In scientific notation every digit written counts.
    """
    compact = text.replace("{", "").replace("}", "")
    for times in ("times10^", "cdot10^", "*10^"):
        compact = compact.replace(times, "e")
    mantissa, exponent_mark, exponent = compact.lower().partition("e")
    digits = mantissa.lstrip("+-")
    whole, point, decimals = digits.partition(".")
    exponent = exponent.removeprefix("+")
    if not (whole + decimals).isdecimal() or not (point or exponent_mark) or not digits.isascii():
        return None
    if exponent_mark and not exponent.removeprefix("-").isdecimal():
        return None
    if len(exponent) > 5 or len(whole + decimals) > LONGEST_DECIMAL:
        return None
    unit = Fraction(10) ** (int(exponent or 0) - len(decimals))
    value = int((whole + decimals) or 0) * unit
    significant = len((whole + decimals).lstrip("0"))
    return Decimal(-value if mantissa.startswith("-") else value, unit, significant)


def ends(value: Fraction) -> bool:
    """Whether a number has a finite decimal expansion."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def stands_for(decimal: Decimal, value: Fraction, least_digits: int) -> bool:
    """Whether a decimal of enough digits is ``value`` rounded, or cut off, at its last place."""
    if decimal.digits < least_digits:
        return False
    beyond = abs(value) - abs(decimal.value)
    cut_off = 0 <= beyond < decimal.unit and (value < 0) == (decimal.value < 0)
    return cut_off or rounds_to(value, decimal)


def rounds_to(value: Fraction, decimal: Decimal) -> bool:
    """Whether ``value`` rounds to a decimal at its last place; a tie goes either way."""
    return abs(decimal.value - value) <= decimal.unit / 2
