"""Whether records hold every sample that they should, each once."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from boundary.errors import BoundaryError


def check_complete(records: pd.DataFrame, problem_ids: Sequence[str], indices: range) -> None:
    """See that every problem has the samples ``indices``, each once.

    Raises BoundaryError naming a problem, and how many others, where one is missing, stands twice or
    does not belong to the benchmark.
    """
    names = ["problem_id", "sample_index"]
    keys = pd.MultiIndex.from_frame(records[names])
    expected = pd.MultiIndex.from_product([problem_ids, indices], names=names)
    for what, wrong in (
        ("stands twice", keys[keys.duplicated()]),
        ("is missing", expected.difference(keys)),
        ("does not belong to the cell", keys.difference(expected)),
    ):
        if len(wrong):
            problem, index = wrong[0]
            raise BoundaryError(
                f"problem {problem}: sample {index} {what} ({len(wrong)} such samples in all)"
            )
