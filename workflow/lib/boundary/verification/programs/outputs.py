"""Whether what came out is what was to come out; decided outside the sandbox, on plain data."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any

from boundary.verification.policy import Policy


def same_text(printed: str, expected: str, policy: Policy) -> bool:
    """Whether a program printed what it should.

    As LiveCodeBench's grade_stdio has it (lcb_runner/evaluation/testing_util.py): white space around the
    text and around each line does not count; as many lines; each line equal, or all numbers with equal
    values. With the policy's ``tolerance`` or ``relative_tolerance``, numbers need only be that near.
    """
    lines, wanted = _lines(printed), _lines(expected)
    return len(lines) == len(wanted) and all(
        line == want or _same_numbers(line, want, policy)
        for line, want in zip(lines, wanted, strict=True)
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _same_numbers(line: str, wanted: str, policy: Policy) -> bool:
    tokens, targets = line.split(), wanted.split()
    if len(tokens) != len(targets):
        return False
    for token, target in zip(tokens, targets, strict=True):
        try:
            number, goal = Decimal(token), Decimal(target)
        except InvalidOperation:
            return False
        if number != goal and not _near(float(number), float(goal), policy):
            return False
    return True


def _near(number: float, goal: float, policy: Policy) -> bool:
    if not (policy.tolerance or policy.relative_tolerance):
        return False
    if math.isinf(goal) or math.isinf(number):
        return False
    return abs(number - goal) <= max(policy.tolerance, policy.relative_tolerance * abs(goal))


def same_value(returned: Any, expected: Any, policy: Policy) -> bool:
    """Whether a function returned what it should: equal by Python's ``==``, tuples counting as lists.

    Floats may differ as in ``same_text``. ``expected`` is what JSON can hold.
    """
    if isinstance(returned, tuple):
        returned = list(returned)
    if isinstance(expected, list):
        return (
            isinstance(returned, list)
            and len(returned) == len(expected)
            and all(same_value(*pair, policy) for pair in zip(returned, expected, strict=True))
        )
    if isinstance(expected, dict):
        return (
            isinstance(returned, dict)
            and returned.keys() == expected.keys()
            and all(same_value(returned[key], expected[key], policy) for key in expected)
        )
    if isinstance(expected, float) and type(returned) in (int, float):
        return returned == expected or _near(_float(returned), expected, policy)
    return bool(returned == expected)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
