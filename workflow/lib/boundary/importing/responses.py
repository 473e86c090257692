"""What was imported: every response with its verdict, and what becomes of it: counts, or samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from boundary.data.completeness import check_complete
from boundary.errors import BoundaryError

# What formats say of a response's end. `unknown` is none of the three that the study's samples have.
FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "error": "error",
    "abort": "error",  # vLLM's, of a request that it dropped
    "unknown": "unknown",
    None: "unknown",
}


class Responses(NamedTuple):
    """A problem's responses in one file. The three lists are as long as each other."""

    place: str  # for messages: "FILE, line 3"
    problem_id: str
    question: str | None  # as it was posed, where the format tells
    texts: Sequence[str | None]  # None where the file holds verdicts alone
    correct: Sequence[bool | None]  # None: not judged
    finish_reasons: Sequence[str]


@dataclass(frozen=True)
class Imported:
    """All responses of some files, in the files' order.

    ``samples`` has the columns problem_id (str), sample_index (int64, counted for every problem from the
    first file on), text (str or None), correct (True, False, or missing: not judged) and finish_reason
    (stop, length, error, or unknown). ``questions`` holds, by problem_id, those that the files tell.
    """

    samples: pd.DataFrame
    questions: dict[str, str]


def finish_reason(value: Any, key: str, place: str) -> str:
    """A finish reason as the study names it. Raises BoundaryError for one that nobody uses."""
    if value is not None and (not isinstance(value, str) or value not in FINISH_REASONS):
        raise BoundaryError(
            f"{place}: {key!r} is {value!r:.80}; expected stop, length, error or unknown"
        )
    return FINISH_REASONS[value]


def check_lengths(place: str, **lists: Sequence[Any]) -> None:
    """See that lists with an entry for every response are equally long."""
    if len({len(found) for found in lists.values()}) > 1:
        lengths = ", ".join(f"{len(found)} in {name!r}" for name, found in lists.items())
        raise BoundaryError(
            f"{place}: {lengths}; expected one of each for every response. Which belongs to which is "
            "unknown, so none of them can be used"
        )


def gather(
    files: Iterable[tuple[Path, Iterable[Responses]]], *, with_texts: bool = True
) -> Imported:
    """Put the responses of ``files`` together; a problem's go on from one file to the next.

    Texts, which may be gigabytes, are left out where they are not wanted.

    Raises BoundaryError for a file without responses, and for a problem that stands twice in a file, has
    no response, or is posed in other words than in an earlier file.
    """
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    drawn: Counter[str] = Counter()
    questions: dict[str, str] = {}
    for path, records in files:
        places: dict[str, str] = {}
        for record in records:
            _check_record(record, places, questions)
            name, n = record.problem_id, len(record.correct)
            places[name] = record.place
            columns["problem_id"] += [name] * n
            columns["sample_index"] += range(drawn[name], drawn[name] + n)
            columns["text"] += record.texts if with_texts else [None] * n
            columns["correct"] += record.correct
            columns["finish_reason"] += record.finish_reasons
            drawn[name] += n
        if not places:
            raise BoundaryError(f"{path}: holds no response")
    return Imported(pd.DataFrame(columns).astype(COLUMNS), questions)


COLUMNS = {
    "problem_id": "str",
    "sample_index": "int64",
    "text": "object",
    "correct": "boolean",
    "finish_reason": "str",
}


def _check_record(record: Responses, places: dict[str, str], questions: dict[str, str]) -> None:
    """See that a record can follow those of the earlier ``places``, and note its question."""
    if record.problem_id in places:
        raise BoundaryError(
            f"{record.place}: the problem {record.problem_id!r} stands in {places[record.problem_id]}, "
            "too; a file has a problem once. Responses of another run come as a file of their own"
        )
    if not record.correct:
        raise BoundaryError(
            f"{record.place}: the problem {record.problem_id!r} has no response; leave it out"
        )
    if record.question is not None:
        known = questions.setdefault(record.problem_id, record.question)
        if known != record.question:
            raise BoundaryError(
                f"{record.place}: the problem {record.problem_id!r} asks something else than in an "
                "earlier file; give files of one benchmark"
            )


def count_samples(samples: pd.DataFrame, n: int | None = None) -> pd.DataFrame:
    """Counts of the samples that were judged: problem_id, n and correct, in the samples' order.

    With ``n``, each problem's first ``n`` judged samples count. Raises BoundaryError naming a problem
    that has fewer, or none.
    """
    totals = samples["problem_id"].value_counts(sort=False)
    judged = samples[samples["correct"].notna()]
    if judged.empty:
        raise BoundaryError(
            "no response has a verdict of its own; import them with --to samples and have "
            "`boundary verify` judge them"
        )
    found = judged["problem_id"].value_counts().reindex(totals.index, fill_value=0)
    needed = n or 1
    short = found[found < needed]
    if len(short):
        problem = short.index[0]
        raise BoundaryError(
            f"problem {problem}: {short.iloc[0]} of its {totals[problem]} responses have a verdict of "
            f"their own, {needed} needed ({len(short)} such problems). "
            + (
                f"Choose an --n of {found.min()} or less"
                if found.min()
                else "Import them with --to samples and have `boundary verify` judge them"
            )
        )
    if n is not None:
        judged = judged.groupby("problem_id").head(n)
    correct = judged.groupby("problem_id", sort=False)["correct"]
    counts = pd.DataFrame({"n": correct.size(), "correct": correct.sum()}).astype("int64")
    return counts.loc[totals.index].rename_axis("problem_id").reset_index()


def sample_records(
    samples: pd.DataFrame, problem_ids: Sequence[str], indices: range
) -> pd.DataFrame:
    """Sample records (data.records) with the ``indices`` of every problem, in the problems' order.

    What other projects do not tell is null: token_ids, n_tokens and logprob_sum.

    Raises BoundaryError where a sample is missing or is none of these problems', or has no text.
    """
    mine = samples[samples["sample_index"].isin(indices)]
    check_complete(mine, problem_ids, indices)
    keys = ["problem_id", "sample_index"]
    order = pd.MultiIndex.from_product([problem_ids, indices], names=keys)
    records = mine.set_index(keys).loc[order].reset_index().drop(columns="correct")
    mute = records["text"].isna()
    if mute.any():
        problem, index = records.loc[mute, keys].iloc[0]
        raise BoundaryError(
            f"problem {problem}: sample {index} has no text ({mute.sum()} such samples in all); what "
            "holds verdicts alone is imported with --to counts"
        )
    return records.assign(token_ids=None, n_tokens=None, logprob_sum=None)
