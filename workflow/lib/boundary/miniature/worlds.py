"""The miniature's worlds: what their problems are about, and the habits of their authors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

World = Literal["arithmetic", "functions", "pictures"]
ArithmeticHabit = Literal["precedence", "left_to_right", "right_to_left"]
FunctionHabit = Literal["both_examples", "first_example"]

DOMAINS: dict[World, str] = {"arithmetic": "math", "functions": "code", "pictures": "visual"}
OF_EXPRESSIONS: tuple[World, ...] = ("arithmetic", "pictures")  # which have operands
HABITS: dict[World, tuple[str, ...]] = {
    "arithmetic": get_args(ArithmeticHabit),
    "functions": get_args(FunctionHabit),
    "pictures": get_args(ArithmeticHabit),  # of expressions that a picture shows
}


def world_of(settings: Mapping[str, Any]) -> World:
    """The world that ``generate`` of a benchmark, or ``corpus`` of a model, draws from."""
    return settings.get("world", "arithmetic")
