"""Whether records hold every sample that they should, each once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.errors import BoundaryError


class SampleGrid:
    """A place for every sample that should be there: problems by sample indices.

    Records may be placed in parts, so that the cell's need not be in memory at once.
    """

    def __init__(self, problem_ids: Sequence[str], indices: range) -> None:
        self.problem_ids = pd.Index(problem_ids)
        self.indices = indices
        self._seen = np.zeros(len(problem_ids) * len(indices), dtype=np.uint8)

    def place(self, records: pd.DataFrame) -> NDArray[np.int64]:
        """The place of each record (columns problem_id and sample_index): problem by problem.

        Raises BoundaryError naming a problem, and how many others, where a record stands twice, here or
        in an earlier part, or does not belong to the cell.
        """
        # Of categories each is looked up once.
        ids = records["problem_id"].astype("category").cat
        problems = self.problem_ids.get_indexer(ids.categories)[ids.codes]
        at = records["sample_index"].to_numpy(np.int64) - self.indices.start
        strange = (problems < 0) | (at < 0) | (at >= len(self.indices))
        places = problems * len(self.indices) + at
        known = places[~strange]
        before = self._seen[known] > 0
        self._seen[known] = 1
        if before.any() or len(np.unique(known)) < len(known):
            again = np.zeros(len(records), dtype=bool)
            again[~strange] = before | pd.Series(known).duplicated().to_numpy()
            self._refuse("stands twice", records[again])
        self._refuse("does not belong to the cell", records[strange])
        return places

    def check_full(self) -> None:
        """See that every place is taken. Raises BoundaryError naming a problem, and how many samples."""
        if not self._seen.all():
            missing = np.flatnonzero(self._seen == 0)
            problems, at = np.divmod(missing, len(self.indices))
            names = {
                "problem_id": self.problem_ids[problems],
                "sample_index": at + self.indices.start,
            }
            self._refuse("is missing", pd.DataFrame(names))

    def _refuse(self, what: str, records: pd.DataFrame) -> None:
        if len(records):
            problem, index = records.iloc[0][["problem_id", "sample_index"]]
            raise BoundaryError(
                f"problem {problem}: sample {index} {what} ({len(records)} such samples in all)"
            )


def check_complete(records: pd.DataFrame, problem_ids: Sequence[str], indices: range) -> None:
    """See that every problem has the samples ``indices``, each once, and that there is no other.

    Raises BoundaryError as SampleGrid does.
    """
    grid = SampleGrid(problem_ids, indices)
    grid.place(records)
    grid.check_full()
