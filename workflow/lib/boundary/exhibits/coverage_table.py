"""Table: which problems were solved by a model and its base (the paper, tables 4 and 5)."""

from __future__ import annotations

import pandas as pd

from boundary.exhibits.page import Folded
from boundary.exhibits.rows import identity, tell_apart

# Each set of problems with the categories that it is made of.
SETS = {
    "solved by the base": ("both", "base_only"),
    "solved by the model": ("both", "model_only"),
    "solved by both": ("both",),
    "by the base only": ("base_only",),
    "by the model only": ("model_only",),
    "not seen solved by either": ("neither",),
}
MOST_SHOWN = 60  # problems whose names are not folded


def lay_out_coverage(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each pair and set of problems, with their number and names.

    ``table`` is the gathered statistic coverage. Long lists are folded.
    """
    keys = identity(table)
    rows = []
    for pair, problems in table.groupby(keys, sort=False):
        for name, categories in SETS.items():
            found = problems.loc[problems["category"].isin(categories), "problem_id"]
            number = f"{len(found):,} of {len(problems):,}"
            rows.append((*pair, name, number, _names(list(found))))
    return tell_apart(pd.DataFrame(rows, columns=[*keys, "set", "number", "problems"]))


def _names(problem_ids: list[str]) -> str | Folded:
    written = ", ".join(problem_ids)
    if len(problem_ids) <= MOST_SHOWN:
        return written
    return Folded(f"all {len(problem_ids):,}", written)
