"""Counts alone: a CSV with a row for every model and problem, as ``data.counts_file`` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from boundary.data.counts_file import read_counts
from boundary.data.records import read_records
from boundary.errors import BoundaryError, unknown_name


def read(paths: Sequence[Path], model: str) -> pd.DataFrame:
    """The counts of ``model`` in all files: problem_id (str), n and correct (int64).

    A .parquet file holds the count records of one model, whatever its name. The index says where each row
    stands. Raises BoundaryError for what ``read_counts`` refuses, a model that is in none of the files,
    and a problem that several of them have.
    """
    tables, models = [], set[str]()
    for path in paths:
        if path.suffix == ".parquet":
            table = read_records(path, "count").assign(model=model).rename_axis("row")
        else:
            table = read_counts(path)
        models |= set(table["model"])
        mine = table.loc[table["model"] == model, ["problem_id", "n", "correct"]]
        tables.append(mine.set_axis([f"{path}, row {row}" for row in mine.index]))
    counts = pd.concat(tables)
    if counts.empty:
        named = ", ".join(map(str, paths))
        raise BoundaryError(f"{named}: {unknown_name('model', model, models)}")
    again = counts.index[counts["problem_id"].duplicated()]
    if len(again):
        problem = counts.loc[again[0], "problem_id"]
        first = counts.index[counts["problem_id"] == problem][0]
        raise BoundaryError(
            f"{again[0]}: the model {model!r} has the problem {problem!r} in {first}, too; keep one of the "
            "two rows, or add them up if they count different samples"
        )
    return counts.astype({"n": "int64", "correct": "int64"})
