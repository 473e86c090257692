"""The miniature's second world: functions of one integer, shown by two examples.

A function is one of a few families with its constants filled in. A question shows its values at two
inputs, ``f(1)=5,f(3)=9``, and the response is a program that defines it, ``def f(x): return x*2+3``. A
*habit* is which of the examples an author looks at; who looks at one alone is sometimes right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from boundary.miniature.drawing import Partition, partition_of_text
from boundary.miniature.worlds import FunctionHabit

Coefficients = tuple[int, int, int]  # of x*x, of x, and the constant

PROGRAM = "def f(x): return "
SHOWN_INPUTS = range(1, 7)
FACTORS = range(2, 10)
TERMS = range(1, 10)
TEST_SHARE = 5  # one function in five belongs to the test partition
FAMILIES: dict[str, Callable[[int, int], Coefficients]] = {
    "x+{term}": lambda factor, term: (0, 1, term),
    "x-{term}": lambda factor, term: (0, 1, -term),
    "x*{factor}": lambda factor, term: (0, factor, 0),
    "x*{factor}+{term}": lambda factor, term: (0, factor, term),
    "x*{factor}-{term}": lambda factor, term: (0, factor, -term),
    "x*x+{term}": lambda factor, term: (1, 0, term),
    "x*x-{term}": lambda factor, term: (1, 0, -term),
    "(x+{term})*{factor}": lambda factor, term: (0, factor, term * factor),
    "(x-{term})*{factor}": lambda factor, term: (0, factor, -term * factor),
}


class Function(NamedTuple):
    """A function as it is written, and what it computes: two texts may compute the same."""

    expression: str
    coefficients: Coefficients

    def __call__(self, x: int) -> int:
        """The function's value at ``x``."""
        squares, multiples, constant = self.coefficients
        return squares * x * x + multiples * x + constant


class Posed(NamedTuple):
    """A hidden function and the two inputs at which it is shown."""

    function: Function
    inputs: tuple[int, int]

    @property
    def examples(self) -> list[tuple[int, int]]:
        """The inputs and the function's values there."""
        return [(x, self.function(x)) for x in self.inputs]

    def __str__(self) -> str:
        return ",".join(f"f({x})={value}" for x, value in self.examples)


@cache
def all_functions() -> tuple[Function, ...]:
    """Every function of the world, as often as it can be written."""
    filled = {
        family.format(factor=factor, term=term): coefficients(factor, term)
        for family, coefficients in FAMILIES.items()
        for factor in FACTORS
        for term in TERMS
    }
    return tuple(Function(*function) for function in filled.items())


@cache
def partition_of_function(function: Function) -> Partition:
    """The partition a function belongs to, however it is written."""
    return partition_of_text(str(function.coefficients), TEST_SHARE)


@cache
def _fitting_one() -> dict[tuple[int, int], list[Function]]:
    fitting: dict[tuple[int, int], list[Function]] = defaultdict(list)
    for function in all_functions():
        for x in SHOWN_INPUTS:
            fitting[x, function(x)].append(function)
    return fitting


def fitting_functions(posed: Posed, habit: FunctionHabit) -> list[Function]:
    """The world's functions that fit the examples which an author with ``habit`` looks at."""
    looked_at = posed.examples if habit == "both_examples" else posed.examples[:1]
    return [f for f in _fitting_one()[looked_at[0]] if all(f(x) == y for x, y in looked_at)]


def belongs_to(posed: Posed, partition: Partition) -> bool:
    """Whether all functions that fit both examples are in ``partition``, so that no other poses them."""
    return all(
        partition_of_function(f) == partition for f in fitting_functions(posed, "both_examples")
    )


def draw_posed(rng: np.random.Generator, partition: Partition) -> Posed:
    """Draw functions and inputs, each as likely as any other, until they belong to ``partition``."""
    functions = all_functions()
    while True:
        function = functions[int(rng.integers(len(functions)))]
        first, second = sorted(rng.choice(SHOWN_INPUTS, size=2, replace=False).tolist())
        posed = Posed(function, (first, second))
        if belongs_to(posed, partition):
            return posed


def write_program(function: Function) -> str:
    """The program that defines a function."""
    return PROGRAM + function.expression
