"""The miniature's arithmetic benchmarks: distinct expressions drawn from a seed, as problem records."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from boundary.errors import BoundaryError
from boundary.miniature.arithmetic import answer
from boundary.miniature.corpus import draw_from_partition
from boundary.miniature.drawing import Partition, draw_distinct


def draw_problems(
    name: str, operand_counts: tuple[int, int], size: int, partition: Partition, seed: int
) -> pd.DataFrame:
    """Draw ``size`` distinct problems, numbered in the order in which they were drawn.

    Raises BoundaryError if the partition holds too few expressions of that length.
    """
    rng = np.random.default_rng(seed)
    expressions = draw_distinct(
        lambda: draw_from_partition(rng, operand_counts, partition),
        lambda expression: (str(expression),),
        size,
    )
    if len(expressions) < size:
        raise BoundaryError(
            f"benchmark {name}: found only {len(expressions)} distinct {partition} expressions with "
            f"{operand_counts[0]} to {operand_counts[1]} operands, and {size} were asked for; "
            "ask for fewer problems or more operands"
        )
    return pd.DataFrame(
        {
            "problem_id": [f"{name}/{number:04d}" for number in range(size)],
            "domain": "math",
            "question": [str(expression) for expression in expressions],
            "gold": [json.dumps(str(answer(expression))) for expression in expressions],
            "meta": [json.dumps({"operands": len(e.operands)}) for e in expressions],
        }
    )
