"""Judging a shard of samples, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import pandas as pd

from boundary.data.completeness import check_complete
from boundary.data.provenance import questions_digest
from boundary.errors import BoundaryError
from boundary.progress import progress_bar
from boundary.verification.judge import Judge, Posed, Response

VERDICT_COLUMNS = ["verdict", "answer", "found", "rung", "detail"]


def check_questions(drawn: dict[str, Any], problems: pd.DataFrame) -> None:
    """See that samples with the provenance ``drawn`` were drawn for these very questions."""
    asked = questions_digest(problems)
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


def by_problem(groups: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same samples, of one problem at a time: the tests of one may be all that memory holds."""
    for group in groups:
        for _, samples in group.groupby("problem_id", sort=False):
            yield samples


def judge_samples(
    groups: Iterable[pd.DataFrame],
    total: int,
    posed: Callable[[str], Posed],
    known: Collection[str],
    judge: Judge,
) -> Iterator[pd.DataFrame]:
    """Verdict records for ``total`` sample records, group by group.

    ``posed`` tells what a problem is judged by, for the ``known`` ones. Raises BoundaryError for a sample
    of another.
    """
    problems = set(known)
    with progress_bar(total, "verifying", "sample") as bar:
        for samples in groups:
            unknown = set(samples["problem_id"]) - problems
            if unknown:
                raise BoundaryError(
                    f"problem {min(unknown)}: it has samples but is not in the benchmark "
                    f"({len(unknown)} such problems); were the samples drawn for another one?"
                )
            drawn = samples[["problem_id", "text", "finish_reason"]].itertuples(index=False)
            by = {problem: posed(problem) for problem in samples["problem_id"].unique()}
            responses = [Response(by[problem], text, end) for problem, text, end in drawn]
            verdicts = pd.DataFrame(judge.judge(responses), columns=VERDICT_COLUMNS)
            kept = samples[["problem_id", "sample_index", "finish_reason"]].reset_index(drop=True)
            yield pd.concat([kept, verdicts], axis=1)
            bar.update(len(samples))
