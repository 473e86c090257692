"""The scores of a cell's responses: made once, through a journal that survives a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from boundary.data.groups import timed_groups
from boundary.data.journal import Journal
from boundary.data.kept import make_once
from boundary.data.provenance import run_record, text_digest
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.progress import progress_bar
from boundary.scoring.responses import Prepared
from boundary.scoring.scorer import Score, Scorer

if TYPE_CHECKING:
    from tqdm import tqdm

SECONDS_BETWEEN_FLUSHES = 2.0
Key = tuple[str, int]


def score_cell(
    prepared: Sequence[Prepared],
    open_scorer: Callable[[], Scorer],
    *,
    scorer: str,
    temperature: float,
    identity: dict[str, Any],
    about: dict[str, Any],
    keep: Path,
    output: Path,
) -> None:
    """Score what can be scored of ``prepared`` and write a score record of every one of them.

    ``identity`` is everything that decides the scores (boundary.data.kept), ``about`` what else the
    provenance tells. The scorer is opened if something is left to score; a killed attempt loses what it
    scored since the last flush.
    """

    def make(journal: Journal) -> None:
        """Score what the journal does not hold yet, and write all of it."""
        attempts, scores = _read(journal)
        missing = [
            each.response
            for each in prepared
            if each.response is not None and (each.problem_id, each.sample_index) not in scores
        ]
        if missing:
            opened, total = open_scorer(), len(scores) + len(missing)
            what = f"scoring with {scorer}"
            with progress_bar(total, what, "response", initial=len(scores)) as bar:
                steps = _watched(opened.score(missing, temperature), bar)
                for group in timed_groups(steps, SECONDS_BETWEEN_FLUSHES):
                    scored_by = _as_read(opened.describe())
                    if not attempts or attempts[-1] != scored_by:
                        attempts.append(scored_by)
                        journal.append([{"attempt": scored_by}])
                    journal.append([asdict(score) for score in group])
                    scores |= {(score.problem_id, score.sample_index): score for score in group}
        records = pd.DataFrame([_record(each, scores, scorer) for each in prepared])
        provenance = {"scorer": scorer, **about, **identity, "attempts": attempts, **run_record()}
        write_records(output, "score", records, provenance)

    name = f"score.{text_digest(json.dumps(identity, sort_keys=True))[:16]}"
    make_once(output, keep=keep, name=name, identity=identity, make=make)


def _read(journal: Journal) -> tuple[list[dict[str, Any]], dict[Key, Score]]:
    """Who scored, and what has been scored, by an earlier attempt."""
    attempts: list[dict[str, Any]] = []
    scores: dict[Key, Score] = {}
    for _, entry in journal.entries():
        if "attempt" in entry:
            attempts.append(entry["attempt"])
        else:
            scores[entry["problem_id"], entry["sample_index"]] = Score(**entry)
    return attempts, scores


def _as_read(description: dict[str, Any]) -> dict[str, Any]:
    """A description as the journal gives it back, where a tuple is a list."""
    return json.loads(json.dumps(description))


def _watched(steps: Iterable[list[Score]], bar: tqdm[NoReturn]) -> Iterator[list[Score]]:
    """The steps, told to a progress bar."""
    for scored in steps:
        bar.update(len(scored))
        yield scored


def _record(each: Prepared, scores: dict[Key, Score], scorer: str) -> dict[str, Any]:
    score = scores.get((each.problem_id, each.sample_index))
    if score is None and each.response is not None:
        raise BoundaryError(
            f"problem {each.problem_id}, sample {each.sample_index}: the scorer left it out, which is a "
            "defect of it; a rerun scores what is missing"
        )
    return {
        "problem_id": each.problem_id,
        "sample_index": each.sample_index,
        "scorer": scorer,
        "nll_sum": score.nll_sum if score else None,
        "n_tokens": each.n_tokens,
        "entropy_mean": score.entropy_mean if score else None,
        "tokens": each.tokens,
        "finish_reason": each.finish_reason,
        "detail": each.detail,
    }
