"""The pre-training corpus of pictures: authors copy the expression that they see, and then solve it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from boundary.miniature.corpus import write_documents
from boundary.miniature.drawing import Written
from boundary.miniature.pictures import draw_picture
from boundary.miniature.worlds import ArithmeticHabit

QUESTION = "?"  # the picture shows what is asked


def write_picture_documents(
    seed: int, operand_counts: tuple[int, int], habits: Mapping[ArithmeticHabit, float]
) -> Iterator[Written]:
    """Endless documents of boundary.miniature.corpus, with a picture in place of each question."""
    rng = np.random.default_rng(seed)
    for expression, solution in write_documents(seed, operand_counts, habits):
        picture = draw_picture(expression, rng)
        yield Written(QUESTION, f"{expression}={solution}", (picture,))
