"""How far a second opinion agrees with the study's own verifier, and where it does not."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from boundary.data.completeness import check_complete
from boundary.data.spreadsheet import spreadsheet_cell
from boundary.errors import BoundaryError
from boundary.verification.verdict import UNJUDGED

KEY = ["problem_id", "sample_index"]
COLUMNS = [*KEY, "answer", "verdict", "rung", "detail"]
SAME = ["problem_id", "gold", "reference_answer", "reference_verdict", "other_verdict"]
OF_THE_FIRST = ["reference_rung", "reference_detail", "other_answer", "other_rung", "other_detail"]
DISAGREEMENT = [*SAME, "samples", "sample_index", *OF_THE_FIRST]
LONGEST = 200  # characters of a text

Pair = tuple[bool, bool]  # whether the reference, and whether the other, says correct


def compare_verdicts(
    shards: Iterable[tuple[pd.DataFrame, pd.DataFrame]], golds: Mapping[str, str], n: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the verdicts on samples 0 ... n - 1 of every problem, shard by shard.

    ``shards`` yields the reference's and the other verifier's records (``COLUMNS``) of the same samples;
    ``golds`` holds the golds' JSON by problem. Of each shard only the disagreements are kept. Returns
    the table of ``describe_agreement`` and that of ``list_disagreements``.

    Raises BoundaryError where a sample is missing, stands twice or belongs to no problem.
    """
    pairs: Counter[Pair] = Counter()
    indices: list[int] = []
    unjudged, disagreements = 0, []
    for reference, other in shards:
        records = [shard[shard["sample_index"] < n] for shard in (reference, other)]
        found = records[0]["sample_index"].unique()
        expected = range(found.min(), found.max() + 1) if len(found) else range(0)
        for shard in records:
            check_complete(shard, list(golds), expected)
        indices += expected
        judged = _judged_by_both(*records)
        said = [judged[f"{who}_verdict"].eq("correct") for who in ("reference", "other")]
        pairs.update(zip(said[0].tolist(), said[1].tolist(), strict=True))
        unjudged += len(records[0]) - len(judged)
        differing = judged[said[0] != said[1]]
        golds_of_rows = differing["problem_id"].map(golds)
        disagreements.append(_by_answer(differing.assign(gold=golds_of_rows, samples=1)))
    if sorted(indices) != list(range(n)):
        raise BoundaryError(
            f"the shards hold {len(indices)} samples of every problem ({len(set(indices))} different); "
            f"expected 0 ... {n - 1}, each once"
        )
    return describe_agreement(pairs, unjudged), list_disagreements(disagreements)


def _judged_by_both(reference: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """A row for each sample that both judged; columns reference_answer, other_answer and so on."""
    judged = [
        records[~records["verdict"].isin(UNJUDGED)]
        .set_index(KEY)[COLUMNS[len(KEY) :]]
        .add_prefix(f"{name}_")
        for name, records in (("reference", reference), ("other", other))
    ]
    return judged[0].join(judged[1], how="inner").reset_index()


def describe_agreement(pairs: Mapping[Pair, int], unjudged: int) -> pd.DataFrame:
    """The agreement of two verifiers, as ``measure`` and ``value``.

    Measures: samples; agreement, the share of those that both judged of which both say correct or both
    say something else; kappa, the same beyond chance (Cohen 1960; undefined, and so empty, where chance
    alone would agree on all); both_correct, neither, only_reference and only_other (says correct);
    unjudged, by either or both, which the shares leave out.
    """
    both, neither = pairs.get((True, True), 0), pairs.get((False, False), 0)
    only_reference, only_other = pairs.get((True, False), 0), pairs.get((False, True), 0)
    judged = both + neither + only_reference + only_other
    by_chance = (both + only_reference) * (both + only_other)
    by_chance += (neither + only_reference) * (neither + only_other)
    agreed, possible = (both + neither) * judged, judged * judged
    values = {
        "samples": judged + unjudged,
        "agreement": (both + neither) / judged if judged else math.nan,
        "kappa": (agreed - by_chance) / (possible - by_chance)
        if possible > by_chance
        else math.nan,
        "both_correct": both,
        "neither": neither,
        "only_reference": only_reference,
        "only_other": only_other,
        "unjudged": unjudged,
    }
    return pd.DataFrame(values.items(), columns=["measure", "value"])


def list_disagreements(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """What one verifier calls correct and the other does not, for people: columns ``DISAGREEMENT``.

    One row for each distinct ``SAME``, the most frequent first: samples counts them, sample_index is the
    first of them, and ``OF_THE_FIRST`` speak of that one. Texts are cut, and those that a spreadsheet
    would take for a formula begin with an apostrophe: many a negative number among them, so that this is
    a file to read; the verdict records hold the answers as they are.
    """
    rows = _by_answer(pd.concat(parts, ignore_index=True))
    rows = rows.sort_values("samples", ascending=False, kind="stable").reset_index(drop=True)
    rows["gold"] = rows["gold"].map(_written_gold)
    texts = [column for column in DISAGREEMENT if column not in ("samples", "sample_index")]
    return rows.assign(**{column: rows[column].map(_as_cell) for column in texts})


def _by_answer(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each distinct ``SAME``, that of the first sample, with the sum of samples."""
    rows = rows[DISAGREEMENT].sort_values(KEY[::-1], kind="stable")
    samples = rows.groupby(SAME, dropna=False, sort=False)["samples"].transform("sum")
    return rows.assign(samples=samples).drop_duplicates(SAME)


def _written_gold(gold: str) -> str:
    """A gold's text, or the JSON of several."""
    document = json.loads(gold)
    return document if isinstance(document, str) else gold


def _as_cell(text: object) -> object:
    if not isinstance(text, str):
        return text
    return spreadsheet_cell(text, LONGEST, "…")
