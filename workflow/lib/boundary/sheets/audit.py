"""Drawing an audit: which verdicts a person judges, blind, and the key that says what they were.

The unit is what shares a verdict: the samples of a problem with the same extracted answer, since the
comparison sees nothing but that and the gold answer. A sample without an answer is a unit of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from boundary.errors import BoundaryError
from boundary.sheets import cell_sheet
from boundary.sheets.cell_sheet import card_id, gold_text
from boundary.sheets.sheet import Block, Card, Picture, Question
from boundary.verification.verdict import UNJUDGED

QUESTIONS = (
    Question(
        "person",
        {
            "correct": "the response's final answer is the gold answer, however it is written",
            "wrong": "it is another one, or there is none",
            "unclear": "you cannot tell",
        },
    ),
    Question("note"),
)
LEAST = 5  # units of every stratum, or all it has
TITLE = "Is the answer right?"
INSTRUCTIONS = (
    "Judge the final answer and not the way to it. The answer as extracted is what a program took for the "
    "final answer; where the response says otherwise, the response counts. Where you think that the gold "
    "answer is itself mistaken, judge against it all the same and say so in the note.",
    "The cards are in random order: go from top to bottom, and what you have judged is a fair sample "
    "wherever you stop. A response shows its end first; scroll up in it for the rest. What counts is what "
    "this page shows: in the CSV long texts are cut, what begins like a formula has an apostrophe before "
    "it, and a spreadsheet may make a date of a fraction.",
)
KEY_SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # null where the unit was not drawn
        ("problem_id", pa.string()),
        ("gold", pa.string()),
        ("answer", pa.string()),
        ("verdict", pa.string()),
        ("rung", pa.string()),
        ("stratum", pa.string()),
        ("samples", pa.int32()),  # of the first n, that the unit stands for
        ("sample_index", pa.int32()),  # the one that is shown
    ]
)


def check_audited(verdicts: pd.DataFrame, problem_ids: Sequence[str]) -> dict[str, int]:
    """How many verdicts are no judgements and are not audited, by verdict.

    Raises BoundaryError naming a problem of which nothing was judged: pass@k would leave it out.
    """
    judged = ~verdicts["verdict"].isin(UNJUDGED)
    if none := set(problem_ids) - set(verdicts.loc[judged, "problem_id"]):
        raise BoundaryError(
            f"problem {min(none)}: none of its samples was judged ({len(none)} such problems); why is in "
            "the column detail of its verdicts"
        )
    return {verdict: int(verdicts["verdict"].eq(verdict).sum()) for verdict in UNJUDGED}


def audit_units(verdicts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The units of verdict records, in the order of their problems' names.

    Columns: problem_id, answer, verdict, rung, samples (that the unit stands for), sample_index (of one
    of these, at random) and stratum. Timeouts and errors are left out: they have judged nothing.
    """
    judged = verdicts[~verdicts["verdict"].isin(UNJUDGED)]
    judged = judged.sort_values(["problem_id", "sample_index"], ignore_index=True)
    alone = judged["sample_index"].where(judged["answer"].isna(), -1)
    shuffled = judged.assign(alone=alone).sample(frac=1, random_state=np.random.default_rng(seed))
    shared = ["problem_id", "alone", "answer", "verdict", "rung"]
    groups = shuffled.groupby(shared, dropna=False, sort=True)["sample_index"]
    units = groups.agg(["size", "first"]).reset_index().drop(columns="alone")
    units = units.rename(columns={"size": "samples", "first": "sample_index"})
    return units.assign(stratum=_strata(units))


def _strata(units: pd.DataFrame) -> pd.Series:
    """Verdict and rung of each unit, and whether it is a common one, as verdict/rung/common or rare.

    Common are the largest units of a verdict and rung that hold half of its samples, and larger than its
    smallest ones. What a model says often weighs more, and is not misjudged as often as its oddities are:
    apart, neither speaks for the other. Where all units are equally large there is no such difference.
    """
    rungs = units["rung"].astype("string")  # also where every one is null
    names = (units["verdict"] + ("/" + rungs).fillna("")).astype(str)
    common = units["samples"] >= units.groupby(names)["samples"].transform(_least_common)
    split = common.groupby(names).transform("any")
    return names.where(~split, names + np.where(common, "/common", "/rare"))


def _least_common(samples: pd.Series) -> int:
    """Size of the smallest unit that is a common one; no unit is as large where all are equal."""
    sizes = np.sort(samples.to_numpy())[::-1]
    holds_half = np.searchsorted(2 * np.cumsum(sizes), sizes.sum())
    return max(int(sizes[holds_half]), int(sizes[-1]) + 1)


def allocate(
    units: Sequence[int], samples: Sequence[int], correct: Sequence[bool], size: int
) -> NDArray[np.int64]:
    """How many units of each stratum to judge, [strata]; the arguments describe the strata.

    First LEAST of every stratum, or all it has. The rest goes one by one to where a judgement tells most:
    in proportion to the samples of a stratum, and half to verdicts of correct and half to the others,
    because the first hold all false positives and the others all false negatives. Raises BoundaryError
    if ``size`` is less than one unit a stratum.
    """
    there, weight = np.asarray(units), np.asarray(samples, dtype=float)
    side = np.asarray(correct, dtype=bool)
    if size < len(there):
        raise BoundaryError(
            f"{size} units are too few to judge one of each of the {len(there)} strata; "
            f"raise --size, {LEAST * len(there)} or more is better"
        )
    for own in (side, ~side):
        weight[own] /= max(weight[own].sum(), 1)
    drawn = np.zeros(len(there), dtype=np.int64)
    for _ in range(min(size, int(there.sum()))):
        # Those below the least come first, evenly; then whoever is furthest below its share (<= 1).
        claim = np.where(drawn < LEAST, 2 * (LEAST - drawn) + weight, weight / (drawn + 1))
        drawn[np.argmax(np.where(drawn < there, claim, -1.0))] += 1
    return drawn


def draw_audit(units: pd.DataFrame, size: int, seed: int) -> NDArray[np.int64]:
    """Positions in ``units`` of those to judge, at random within each stratum, in random order.

    The order is random, so that a sheet that is filled in from the top is a fair sample at any time.
    Raises BoundaryError if ``size`` is less than the number of strata.
    """
    rng = np.random.default_rng(seed)
    strata = units.groupby("stratum", sort=True)
    table = strata.agg(
        units=("samples", "size"), samples=("samples", "sum"), verdict=("verdict", "first")
    )
    correct = table["verdict"].eq("correct")
    counts = allocate(list(table["units"]), list(table["samples"]), list(correct), size)
    members = strata.indices
    drawn = [
        rng.choice(members[name], count, replace=False)
        for name, count in zip(table.index, counts, strict=True)
    ]
    return rng.permutation(np.concatenate(drawn))


def name_units(units: pd.DataFrame, drawn: NDArray[np.int64], salt: str) -> pd.Series:
    """An id for each of ``drawn``, None for the other units.

    ``salt`` is what tells one audit from another, whose ids are then others.
    """
    ids = pd.Series([None] * len(units), index=units.index, dtype=object)
    chosen = units.iloc[drawn]
    ids.iloc[drawn] = [
        card_id(salt, problem_id, int(index))
        for problem_id, index in zip(chosen["problem_id"], chosen["sample_index"], strict=True)
    ]
    return ids


def audit_cards(
    drawn: pd.DataFrame,
    questions: Mapping[str, str],
    responses: Mapping[tuple[str, int], tuple[str, str]],
    pictures: Mapping[str, tuple[Picture, ...]],
) -> list[Card]:
    """A card for each drawn unit. Nothing of it says what the verdict was.

    ``questions`` by problem_id, and ``pictures``, of those that have any; ``responses``, text and
    finish_reason, by problem_id and sample_index.
    """
    cards = []
    for unit in drawn.to_dict("records"):
        answer = unit["answer"] if isinstance(unit["answer"], str) else None
        text, finish_reason = responses[unit["problem_id"], unit["sample_index"]]
        cut_off = "; it was cut off at its longest" if finish_reason == "length" else ""
        gold = gold_text(unit["gold"])
        blocks = (
            Block(f"question {unit['problem_id']}", questions[unit["problem_id"]]),
            Block("gold answer", gold, "half"),
            Block("answer as extracted", answer, "half"),
            Block(f"response, its end first{cut_off}", text, "end"),
        )
        cells = {"problem_id": unit["problem_id"], "gold": gold, "answer": answer or ""}
        cards.append(Card(unit["id"], blocks, cells, pictures.get(unit["problem_id"], ())))
    return cards


def read_key(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The units and what the key says about them. Raises BoundaryError if the file is no audit's key."""
    return cell_sheet.read_key(path, KEY_SCHEMA, "audit", "boundary audit draw")
