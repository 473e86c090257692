"""Formats of benchmark files: a name, and the module here that reads a row of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from boundary.benchmarks.problem import Problem

ReadProblem = Callable[[Mapping[str, Any], str], Problem | None]
CheckProblem = Callable[[Problem], None]

MATH = "math"
MODULES = {
    MATH: "mathematics",
    "livecodebench": "livecodebench",
    "humaneval_plus": "humaneval_plus",
    "mbpp_plus": "mbpp_plus",
    "mathvista": "mathvista",
    "mathvision": "mathvision",
}


def format_module(name: str) -> str:
    """Full name of the module that reads the format ``name``."""
    return f"boundary.benchmarks.{MODULES[name]}"


def load_format(name: str, fields: Mapping[str, Any]) -> tuple[str, ReadProblem]:
    """Domain of the format ``name``, and what reads the problem of a row at a place.

    ``fields`` says which keys hold what, for the format `math` alone. A problem of None is left out.
    """
    module = importlib.import_module(format_module(name))
    if name == MATH:
        return module.DOMAIN, partial(module.read_problem, fields=module.Fields(**fields))
    return module.DOMAIN, module.read_problem


def check_of(name: str) -> CheckProblem:
    """What looks closer at a problem of the format ``name`` that is taken; raises BoundaryError.

    A visual format's has to look at its pictures.
    """
    module = importlib.import_module(format_module(name))
    if module.DOMAIN == "visual":
        return module.check_problem
    return getattr(module, "check_problem", _accept)


def _accept(problem: Problem) -> None:
    """Nothing is left to look at."""


def domain_of(name: str) -> str:
    """Domain of the problems of the format ``name``: math, code or visual."""
    return importlib.import_module(format_module(name)).DOMAIN
