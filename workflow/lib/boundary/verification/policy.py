"""What counts as an answer, and as the same answer: the settings of a benchmark."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from boundary.errors import BoundaryError, unknown_name

Place = Literal["box", "tag", "line"]
Optional = Literal["optional", "required"]


@dataclass(frozen=True)
class Policy:
    r"""The settings of `verification` in config/benchmarks.yaml; its schema describes each.

    config/README.md argues for the defaults. A problem's own settings stand in its meta record, and go
    before these.
    """

    answer_in: tuple[Place, ...] = ("box", "tag", "line")
    percent: Literal["optional", "scales"] = "optional"
    units: Literal["optional", "required", "ignored"] = "optional"
    unit: str = ""
    degrees: Optional = "optional"
    several: Literal["auto", "list", "single"] = "auto"
    order: Literal["free", "gold"] = "free"
    sets: Optional = "optional"
    intervals: Literal["relations", "notation", "none"] = "relations"
    mixed_numbers: Literal["sum", "product"] = "sum"
    thousands: Literal["separators", "none"] = "separators"
    text: Literal["folded", "exact"] = "folded"
    bases: Optional = "optional"
    unevaluated: Literal["refuse", "accept"] = "refuse"
    rounding: Literal["exact", "gold"] = "exact"
    digits: int = 6
    tolerance: float = 0.0
    relative_tolerance: float = 0.0
    program_seconds: float = 6.0
    program_megabytes: int = 1024


def read_policy(settings: Mapping[str, Any], base: Policy = Policy()) -> Policy:
    """``base`` with ``settings`` in place of its own.

    Raises BoundaryError naming a setting that does not exist or has no such value.
    """
    kinds = _kinds()
    for name, value in settings.items():
        if name not in kinds:
            raise BoundaryError(unknown_name("setting of a verification", name, kinds))
        _check(name, value, kinds[name])
    if "answer_in" in settings:
        settings = {**settings, "answer_in": tuple(settings["answer_in"])}
    return replace(base, **settings)


@cache
def _kinds() -> dict[str, Any]:
    return get_type_hints(Policy)


def _check(name: str, value: Any, kind: Any) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise BoundaryError(f"{name}: {unknown_name('value', value, get_args(kind))}")
    elif kind in (int, float):
        least = 1 if kind is int else 0
        is_number = isinstance(value, kind | int) and not isinstance(value, bool)
        if not is_number or not least <= value < math.inf:
            raise BoundaryError(f"{name}: found {value!r}; expected a number of {least} or more")
    elif kind is str:
        if not isinstance(value, str):
            raise BoundaryError(f"{name}: found {value!r}; expected a text")
    elif (
        not isinstance(value, list | tuple)
        or not value
        or set(map(str, value)) - set(get_args(Place))
    ):
        allowed = ", ".join(get_args(Place))
        raise BoundaryError(f"{name}: found {value!r}; expected a list of some of {allowed}")
