"""The miniature's code benchmarks: distinct functions drawn from a seed, as problem records."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd

from boundary.errors import BoundaryError
from boundary.miniature.drawing import Partition, draw_distinct
from boundary.miniature.functions import Function, Posed, draw_posed, write_program

HIDDEN_INPUTS = (-20, -7, -3, -1, 0, 8, 11, 30)  # none of those that questions show


def draw_function_problems(name: str, size: int, partition: Partition, seed: int) -> pd.DataFrame:
    """Draw ``size`` problems of distinct functions, numbered in the order in which they were drawn.

    Raises BoundaryError if the partition holds too few functions.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_distinct(
        lambda: draw_posed(rng, partition),
        lambda posed: (posed.function.coefficients, str(posed)),
        size,
    )
    if len(drawn) < size:
        raise BoundaryError(
            f"benchmark {name}: found only {len(drawn)} distinct {partition} functions, and {size} were "
            "asked for; ask for fewer problems"
        )
    return pd.DataFrame(
        {
            "problem_id": [f"{name}/{number:04d}" for number in range(size)],
            "domain": "code",
            "question": [str(posed) for posed in drawn],
            "gold": [json.dumps(write_program(posed.function)) for posed in drawn],
            "tests": [json.dumps(_tests(posed)) for posed in drawn],
            "meta": json.dumps({"func_name": "f"}),
        }
    )


def _tests(posed: Posed) -> dict[str, list[dict[str, str]]]:
    """The examples that the question shows, and the function at other inputs."""
    return {
        "public": _calls(posed.function, posed.inputs),
        "private": _calls(posed.function, HIDDEN_INPUTS),
    }


def _calls(function: Function, inputs: Iterable[int]) -> list[dict[str, str]]:
    return [
        {"input": json.dumps(x), "output": json.dumps(function(x)), "testtype": "functional"}
        for x in inputs
    ]
