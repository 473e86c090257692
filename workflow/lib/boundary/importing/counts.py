"""Counts alone: a CSV with a row for every model and problem, as ``data.counts_file`` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from boundary.data.counts_file import model_counts, read_counts
from boundary.errors import BoundaryError


def read(paths: Sequence[Path], model: str) -> pd.DataFrame:
    """The counts of ``model`` in all files: problem_id (str), n and correct (int64).

    Raises BoundaryError for what ``read_counts`` refuses, a model that is in none of the files, and a
    problem that several of them have.
    """
    named = ", ".join(map(str, paths))
    try:
        counts = model_counts(pd.concat([read_counts(path) for path in paths]), model)
    except BoundaryError as error:
        raise BoundaryError(f"{named}: {error}") from error
    again = counts.loc[counts["problem_id"].duplicated(), "problem_id"]
    if len(again):
        raise BoundaryError(
            f"{named}: the model {model!r} has the problem {again.iloc[0]!r} in two of the files; keep "
            "one of the two rows, or add them up if they count different samples"
        )
    return counts
