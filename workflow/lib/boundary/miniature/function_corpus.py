"""The pre-training corpus of programs: by authors who look at both examples, or at the first alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from boundary.miniature.drawing import endless_documents
from boundary.miniature.functions import Posed, draw_posed, fitting_functions, write_program
from boundary.miniature.worlds import FunctionHabit


def write_program_documents(
    seed: int, habits: Mapping[FunctionHabit, float]
) -> Iterator[tuple[str, str]]:
    """Endless (question, program) pairs; the questions are of the train partition.

    An author writes any one of the functions that fit what the author looks at.
    """
    rng = np.random.default_rng(seed)

    def write(posed: Posed, habit: FunctionHabit) -> str:
        fitting = fitting_functions(posed, habit)
        return write_program(fitting[int(rng.integers(len(fitting)))])

    return endless_documents(rng, lambda: draw_posed(rng, "train"), habits, write)
