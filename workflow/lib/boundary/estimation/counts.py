"""From verdicts to counts: n and correct for every problem, and a tally of all verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from boundary.data.completeness import check_complete
from boundary.errors import BoundaryError
from boundary.verification.verdict import UNJUDGED, VERDICTS

CELL_KEYS = (
    "model_revision",
    "questions_sha256",
    "template_sha256",
    "sampling",
    "dtype",
    "max_model_len",
    "seed",
    "shard_size",
)


def check_one_cell(drawn: Mapping[Path, Mapping[str, Any]]) -> None:
    """See that all shards were drawn from one model, one template and one way of sampling.

    ``drawn`` is the samples' provenance by file. Raises BoundaryError naming the file that differs.
    """
    (first, expected), *others = drawn.items()
    for path, found in others:
        for key in CELL_KEYS:
            if found.get(key) != expected.get(key):
                raise BoundaryError(
                    f"{path}: its samples have {key} {found.get(key)!r} and those of {first} "
                    f"{expected.get(key)!r}; remove the cell's shards to draw them from one model"
                )


def count_correct(
    verdicts: pd.DataFrame, problem_ids: Sequence[str], n: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count records, and a tally: verdict, samples, share, cut_off (of these, at the token cap).

    A sample that was never judged (timeout, error) is not a wrong one: it counts neither as correct
    nor in n. The tally shows it.
    """
    verdicts = verdicts[verdicts["sample_index"] < n]
    check_complete(verdicts, problem_ids, range(n))
    judged = verdicts[~verdicts["verdict"].isin(UNJUDGED)]
    correct = judged["verdict"].eq("correct").groupby(judged["problem_id"])
    counts = pd.DataFrame({"n": correct.size(), "correct": correct.sum()})
    counts = counts.reindex(list(problem_ids), fill_value=0).rename_axis("problem_id").reset_index()
    samples = verdicts["verdict"].value_counts().reindex(list(VERDICTS), fill_value=0)
    tally = samples.rename_axis("verdict").reset_index(name="samples")
    tally["share"] = tally["samples"] / len(verdicts)
    cut_off = verdicts.loc[verdicts["finish_reason"] == "length", "verdict"].value_counts()
    tally["cut_off"] = tally["verdict"].map(cut_off).fillna(0).astype(int)
    return counts, tally
