"""What a cell's samples are worth: complete, distinct, cut off, failed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from boundary.data.completeness import check_complete
from boundary.data.records import read_record_groups

COLUMNS = ["problem_id", "sample_index", "text", "n_tokens", "finish_reason"]


def read_samples(paths: Sequence[Path]) -> pd.DataFrame:
    """The shards' samples without their texts: ``digest`` (of 16 bytes) tells which are equal.

    Columns: problem_id, sample_index, n_tokens, finish_reason, digest, and shard, the place in ``paths``.
    """
    frames = []
    for number, path in enumerate(paths):
        for group in read_record_groups(path, "sample", COLUMNS):
            digests = [
                hashlib.blake2b(text.encode(), digest_size=16).digest() for text in group["text"]
            ]
            frames.append(group.drop(columns="text").assign(digest=digests, shard=number))
    return pd.concat(frames, ignore_index=True)


def describe_samples(
    samples: pd.DataFrame, problem_ids: Sequence[str], n: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Check the samples 0 ... n - 1 of every problem, and describe them.

    Returns two tables. By problem: samples, distinct (texts: the effective n), cut_off (at the token
    cap), failed (finish_reason error), mean_tokens; cut_off and mean_tokens are missing where
    imported samples do not tell. Of the cell, as ``measure`` and ``value``: samples;
    median_distinct and least_distinct of the problems; repeated, the share of samples whose text an
    earlier sample of their problem has; cut_off and failed, as shares; mean_tokens; and repeated_shards,
    shards that say the same as an earlier one from the first text to the last.

    Raises BoundaryError where a sample is missing, stands twice or belongs to no problem.
    """
    samples = samples[samples["sample_index"] < n]
    check_complete(samples, problem_ids, range(n))
    groups = samples.assign(
        cut_off=samples["finish_reason"].eq("length").where(samples["finish_reason"] != "unknown"),
        failed=samples["finish_reason"].eq("error"),
    ).groupby("problem_id")
    by_problem = groups.agg(
        samples=("digest", "size"),
        distinct=("digest", "nunique"),
        cut_off=("cut_off", lambda told: told.sum() if told.notna().all() else math.nan),
        failed=("failed", "sum"),
        mean_tokens=("n_tokens", "mean"),
    )
    by_problem = by_problem.reindex(list(problem_ids)).reset_index()
    ordered = samples.sort_values(["shard", "problem_id", "sample_index"])
    said = ordered.groupby("shard")["digest"].agg(b"".join)
    cell = {
        "samples": len(samples),
        "median_distinct": by_problem["distinct"].median(),
        "least_distinct": by_problem["distinct"].min(),
        "repeated": 1 - by_problem["distinct"].sum() / len(samples),
        "cut_off": by_problem["cut_off"].sum(skipna=False) / len(samples),
        "failed": by_problem["failed"].sum() / len(samples),
        "mean_tokens": samples["n_tokens"].mean(),
        "repeated_shards": int(said.duplicated().sum()),
    }
    return by_problem, pd.DataFrame(cell.items(), columns=["measure", "value"])
