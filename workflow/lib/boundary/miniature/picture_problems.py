"""The miniature's visual benchmarks: the arithmetic ones, in which a picture shows the expression."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from boundary.miniature.drawing import Partition
from boundary.miniature.picture_corpus import QUESTION
from boundary.miniature.pictures import draw_picture
from boundary.miniature.problems import draw_problems


def draw_picture_problems(
    name: str, operand_counts: tuple[int, int], size: int, partition: Partition, seed: int
) -> pd.DataFrame:
    """The problems of boundary.miniature.problems, a picture of each. ``meta`` has the ``expression``.

    Raises BoundaryError if there are too few expressions of that length, or one is too long for a picture.
    """
    problems = draw_problems(name, operand_counts, size, partition, seed)
    rng = np.random.default_rng(seed)
    expressions = problems["question"]
    return problems.assign(
        domain="visual",
        question=QUESTION,
        images=pd.Series([(draw_picture(expression, rng),) for expression in expressions]),
        meta=[
            json.dumps(json.loads(meta) | {"expression": expression})
            for meta, expression in zip(problems["meta"], expressions, strict=True)
        ],
    )
