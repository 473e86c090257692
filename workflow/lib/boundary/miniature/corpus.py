"""The pre-training corpus: solutions by authors with different habits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from boundary.miniature.arithmetic import (
    Expression,
    draw_expression,
    partition_of,
    write_solution,
)
from boundary.miniature.drawing import Partition, endless_documents
from boundary.miniature.worlds import ArithmeticHabit


def draw_from_partition(
    rng: np.random.Generator, operand_counts: tuple[int, int], partition: Partition
) -> Expression:
    """Draw expressions until one belongs to ``partition``."""
    while True:
        expression = draw_expression(rng, operand_counts)
        if partition_of(expression) == partition:
            return expression


def write_documents(
    seed: int, operand_counts: tuple[int, int], habits: Mapping[ArithmeticHabit, float]
) -> Iterator[tuple[str, str]]:
    """Endless (question, solution) pairs of the train partition.

    ``habits`` maps each habit to the share of documents written by its authors; shares sum to 1.
    """
    rng = np.random.default_rng(seed)
    return endless_documents(
        rng, lambda: draw_from_partition(rng, operand_counts, "train"), habits, write_solution
    )
