"""Laying out the chains of thought that led to rare right answers, for a person to judge.

A model may come to the right answer by a wrong way, and where it answers often enough, chance alone may
solve a problem: pass@k at large k would count it. So all correct responses to the problems that are
answered least often are read one by one (section 3.1 of the paper and its appendix, validity of chains).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from boundary.sheets import cell_sheet
from boundary.sheets.cell_sheet import card_id, gold_text
from boundary.sheets.sheet import Block, Card, Picture, Question

QUESTIONS = (
    Question(
        "chain",
        {
            "valid": "the way leads to the answer: every step that it rests on is right, and a slip that "
            "the response itself finds and mends does no harm",
            "invalid": "the answer is guessed, or taken from elsewhere, or rests on a step that is wrong",
            "unclear": "you cannot tell",
        },
    ),
    Question("note"),
)
TITLE = "Does the way to the answer hold?"
INSTRUCTIONS = (
    "A model was asked each of these problems many times and seldom gave the right answer. Here is every "
    "response whose final answer a program found right. Some may be right by luck: two mistakes that "
    "cancel, or a guess. Judge the way and not the answer. Where you see that the final answer is not even "
    "the gold answer, the chain is invalid; say so in the note.",
    "The cards go problem by problem, and within a problem in the order in which the responses were drawn. "
    "A response that was given several times word for word is one card, and your judgement counts for all "
    "of them. A problem counts as solved by a valid chain as soon as one of its responses is valid; the "
    "corrected curve wants all of them. You may stop anywhere: what is empty or unclear is reported as "
    "open, never as invalid.",
    "A long response begins at its top and scrolls within its card. What counts is what this page shows: "
    "in the CSV what begins like a formula has an apostrophe before it, and a spreadsheet may make a date "
    "of a fraction.",
)
KEY_SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # null: a problem outside of the range, which has this one row
        ("problem_id", pa.string()),
        ("n", pa.int32()),  # judged samples of the problem
        ("correct", pa.int32()),  # of these
        (
            "samples",
            pa.int32(),
        ),  # of the correct ones, that gave the card's text; null without a card
        ("sample_index", pa.int32()),  # the first of these
    ]
)


def is_rare(correct: int, n: int, below: Fraction) -> bool:
    """Whether ``correct`` of ``n`` lies above 0 and below ``below``, in exact arithmetic."""
    return 0 < correct * below.denominator < n * below.numerator


def lay_out(
    counts: pd.DataFrame,
    correct: pd.DataFrame,
    responses: Mapping[tuple[str, int], tuple[str, str]],
    salt: str,
) -> pd.DataFrame:
    """The key's columns with text, finish_reason and answer: a row for each card, else for each problem.

    ``counts`` are the count records of all problems, whose order is kept; ``correct`` has the columns
    problem_id, sample_index and answer, of all correct samples of the problems to check; ``responses`` are
    their texts and finish reasons. Samples of a problem with the same text share a card. ``salt`` tells one
    sheet from another, whose ids are then others.
    """
    said = correct.sort_values("sample_index", kind="stable")
    keys = list(zip(said["problem_id"], said["sample_index"], strict=True))
    said = said.assign(
        id=[card_id(salt, problem_id, int(index)) for problem_id, index in keys],
        text=[responses[key][0] for key in keys],
        finish_reason=[responses[key][1] for key in keys],
    )
    cards = said.groupby(["problem_id", "text"], sort=False, as_index=False).agg(
        id=("id", "first"),
        samples=("sample_index", "size"),
        sample_index=("sample_index", "first"),
        finish_reason=("finish_reason", "first"),
        answer=("answer", "first"),
    )
    key = counts.merge(cards, on="problem_id", how="left")
    return key.astype({"samples": "Int32", "sample_index": "Int32"})


def chain_cards(
    rows: pd.DataFrame,
    questions: Mapping[str, str],
    golds: Mapping[str, str],
    pictures: Mapping[str, tuple[Picture, ...]],
) -> list[Card]:
    """A card for each of ``rows``, which are those of lay_out that have an id.

    ``questions``, ``golds`` (JSON) and ``pictures``, of those that have any, are by problem_id.
    """
    within = rows.groupby("problem_id", sort=False)
    numbered = rows.assign(number=within.cumcount() + 1, texts=within["id"].transform("size"))
    cards = []
    for row in numbered.to_dict("records"):
        problem = row["problem_id"]
        gold = gold_text(golds[problem])
        cards.append(_card(row, questions[problem], gold, pictures.get(problem, ())))
    return cards


def _card(
    row: Mapping[Hashable, Any], question: str, gold: str, pictures: tuple[Picture, ...]
) -> Card:
    problem, samples = row["problem_id"], row["samples"]
    place = f"{row['number']} of {row['texts']}"
    repeated = f"; {samples} of the {row['correct']} say exactly this" if samples > 1 else ""
    cut_off = "; it was cut off at its longest" if row["finish_reason"] == "length" else ""
    accuracy = f"{row['correct']}/{row['n']}"
    blocks = (
        Block(f"problem {problem}", question),
        Block("gold answer", gold, "half"),
        Block("answer as extracted", row["answer"], "half"),
        Block(
            f"response {place} to problem {problem}, accuracy {accuracy}{repeated}{cut_off}",
            row["text"],
        ),
    )
    cells = {
        "problem_id": problem,
        "response": place,
        "correct": f"{row['correct']} of {row['n']}",
        "samples": str(samples),
        "sample_index": str(row["sample_index"]),
        "gold": gold,
    }
    return Card(row["id"], blocks, cells, pictures)


def is_key_of(path: Path, key: pd.DataFrame) -> bool:
    """Whether the key at ``path`` is there, whole, and has the rows of ``key``, which lay_out made."""
    table = pa.Table.from_pandas(key[KEY_SCHEMA.names], schema=KEY_SCHEMA, preserve_index=False)
    try:
        return pq.read_table(path).equals(table)
    except (OSError, pa.ArrowInvalid):
        return False


def read_key(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The key's rows and what it says about them. Raises BoundaryError if the file is no such key."""
    return cell_sheet.read_key(path, KEY_SCHEMA, "chain sheet", "boundary chains draw")
