"""The miniature's benchmarks: distinct expressions drawn from a seed, as problem records."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from boundary.errors import BoundaryError
from boundary.miniature.arithmetic import Partition, answer
from boundary.miniature.corpus import draw_from_partition

DRAWS_PER_PROBLEM = 200


def draw_problems(
    name: str, operand_counts: tuple[int, int], size: int, partition: Partition, seed: int
) -> pd.DataFrame:
    """Draw ``size`` distinct problems, numbered in the order in which they were drawn.

    Raises BoundaryError if the partition holds too few expressions of that length.
    """
    rng = np.random.default_rng(seed)
    golds: dict[str, int] = {}
    for _ in range(size * DRAWS_PER_PROBLEM):
        expression = draw_from_partition(rng, operand_counts, partition)
        golds.setdefault(str(expression), answer(expression))
        if len(golds) == size:
            break
    else:
        raise BoundaryError(
            f"benchmark {name}: found only {len(golds)} distinct {partition} expressions with "
            f"{operand_counts[0]} to {operand_counts[1]} operands, and {size} were asked for; "
            "ask for fewer problems or more operands"
        )
    return pd.DataFrame(
        {
            "problem_id": [f"{name}/{number:04d}" for number in range(size)],
            "domain": "math",
            "question": list(golds),
            "gold": [json.dumps(str(value)) for value in golds.values()],
            "meta": [json.dumps({"operands": operand_count(text)}) for text in golds],
        }
    )


def operand_count(question: str) -> int:
    """Number of operands in an expression as it is written in a problem."""
    return 1 + sum(question.count(symbol) for symbol in "+-*")
