"""Judging a shard of samples."""

from __future__ import annotations

from typing import Any

import pandas as pd

from boundary.data.completeness import check_complete
from boundary.data.provenance import questions_digest
from boundary.errors import BoundaryError
from boundary.progress import progress_bar
from boundary.verification.verdict import judge


def check_questions(drawn: dict[str, Any], problems: pd.DataFrame) -> None:
    """See that samples with the provenance ``drawn`` were drawn for these very questions."""
    asked = questions_digest(problems["problem_id"], problems["question"])
    if drawn.get("questions_sha256") != asked:
        raise BoundaryError(
            f"shard {drawn.get('shard')} of {drawn.get('model')} on {drawn.get('benchmark')}: its "
            "samples answer other questions than the benchmark now asks; raise the benchmark's "
            "protocol in config/benchmarks.yaml to draw them anew"
        )


def check_shard(drawn: dict[str, Any], samples: pd.DataFrame, problems: pd.DataFrame) -> None:
    """See that a shard holds its samples of every problem, each once, before any is judged."""
    first = drawn["shard"] * drawn["shard_size"]
    indices = range(first, first + drawn["shard_size"])
    check_complete(samples, list(problems["problem_id"]), indices)


def judge_samples(samples: pd.DataFrame, problems: pd.DataFrame) -> pd.DataFrame:
    """Verdict records for sample records. Raises BoundaryError for a sample of no known problem."""
    golds = dict(zip(problems["problem_id"], problems["gold"], strict=True))
    unknown = set(samples["problem_id"]) - golds.keys()
    if unknown:
        raise BoundaryError(
            f"problem {min(unknown)}: it has samples but is not in the benchmark "
            f"({len(unknown)} such problems); were the samples drawn for another one?"
        )
    judgements = []
    with progress_bar(len(samples), "verifying", "sample") as bar:
        responses = (samples["problem_id"], samples["text"], samples["finish_reason"])
        for problem_id, text, finish_reason in zip(*responses, strict=True):
            judgements.append(judge(golds[problem_id], text, finish_reason))
            bar.update()
    verdicts = pd.DataFrame(judgements, columns=["answer", "verdict", "detail"])
    kept = samples[["problem_id", "sample_index", "finish_reason"]].reset_index(drop=True)
    return pd.concat([kept, verdicts], axis=1)
