"""The miniature's world: arithmetic expressions and the habits of those who evaluate them.

An expression is a list of integer operands with an operator (+, -, *) between each pair. Its answer
is its value under the usual precedence. A *habit* is the order in which an author reduces it; only
one of the three habits is right in general, and all of them are sometimes right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from boundary.miniature.drawing import Partition, partition_of_text
from boundary.miniature.worlds import ArithmeticHabit

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
SMALLEST_OPERAND, LARGEST_OPERAND = 1, 9
TEST_SHARE = 10  # one expression in ten belongs to the test partition


class Expression(NamedTuple):
    """Operands and the operators between them: ``len(operands) == len(operators) + 1``."""

    operands: tuple[int, ...]
    operators: tuple[str, ...]

    def __str__(self) -> str:
        rest = zip(self.operators, self.operands[1:], strict=True)
        return str(self.operands[0]) + "".join(f"{symbol}{value}" for symbol, value in rest)


def draw_expression(rng: np.random.Generator, operand_counts: tuple[int, int]) -> Expression:
    """Draw an expression; its number of operands is uniform on the closed range ``operand_counts``."""
    size = int(rng.integers(operand_counts[0], operand_counts[1] + 1))
    operands = rng.integers(SMALLEST_OPERAND, LARGEST_OPERAND + 1, size=size)
    symbols = rng.choice(list(OPERATORS), size=size - 1)
    return Expression(tuple(int(v) for v in operands), tuple(str(s) for s in symbols))


def partition_of(expression: Expression) -> Partition:
    """The partition an expression belongs to: a property of the expression alone."""
    return partition_of_text(str(expression), TEST_SHARE)


def next_operator(expression: Expression, habit: ArithmeticHabit) -> int:
    """Index of the operator that an author with ``habit`` evaluates next."""
    if habit == "left_to_right":
        return 0
    if habit == "right_to_left":
        return len(expression.operators) - 1
    return expression.operators.index("*") if "*" in expression.operators else 0


def reduce_once(expression: Expression, habit: ArithmeticHabit) -> Expression:
    """Replace one operation by its result."""
    at = next_operator(expression, habit)
    operands, symbols = expression
    result = OPERATORS[symbols[at]](operands[at], operands[at + 1])
    return Expression(
        (*operands[:at], result, *operands[at + 2 :]), (*symbols[:at], *symbols[at + 1 :])
    )


def chain(expression: Expression, habit: ArithmeticHabit) -> list[Expression]:
    """What remains after each one-operation step; the last element is the author's answer."""
    steps = []
    while expression.operators:
        expression = reduce_once(expression, habit)
        steps.append(expression)
    return steps


def answer(expression: Expression) -> int:
    """The expression's value under the usual precedence."""
    return chain(expression, "precedence")[-1].operands[0]


def write_solution(expression: Expression, habit: ArithmeticHabit) -> str:
    r"""The author's response to the question, e.g. ``3+8=11 \boxed{11}`` for ``3+4*2``."""
    steps = [str(step) for step in chain(expression, habit)]
    return f"{'='.join(steps)} \\boxed{{{steps[-1]}}}"
