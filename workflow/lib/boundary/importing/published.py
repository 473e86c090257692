"""Results of the paper's published code for mathematics: JSON lines, a problem a line.

The shape is that of ``math_eval.py`` with --save_outputs in the family of harnesses that began with
ZubinGou/math-evaluation-harness and goes on in Qwen2.5-Math, SimpleRL-Zoo and LeapLabTHU/limit-of-RLVR:
``idx`` (an integer, counted from 0), ``question``, ``gt``, and, with an entry for every response,
``code`` (the texts), ``pred``, ``report``, ``score`` (true or false) and, in limit-of-RLVR,
``finish_reason`` (vLLM's, or null).

A file belongs to one seed; several are given together, and a problem's samples go on from one to the
next. That code pads a short row of scores with its last one when it averages, and counts a comparison
that ran out of time as false. The first is never done here: a row that is not as long as its responses
is refused. The second cannot be told from a wrong answer in the file; import the texts with --to
samples and have them verified to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boundary.errors import BoundaryError
from boundary.importing.json_text import (
    as_list,
    identifier,
    read_json_lines,
    required,
    text,
    text_list,
    verdict_list,
)
from boundary.importing.responses import Responses, check_lengths, finish_reason


def read(path: Path) -> Iterator[Responses]:
    """The responses of each line. Raises BoundaryError naming the line that is not as described."""
    for place, record in read_json_lines(path):
        yield _responses(record, place)


def _responses(record: dict[str, Any], place: str) -> Responses:
    question = record.get("question")
    lists: dict[str, list[Any]] = {}
    if "code" in record:
        lists["code"] = text_list(record["code"], "code", place)
    if "score" in record:
        lists["score"] = verdict_list(record["score"], "score", place)
    if not lists:
        raise BoundaryError(f"{place}: neither 'code', the responses, nor 'score', their verdicts")
    if "finish_reason" in record:
        ends = as_list(record["finish_reason"], "finish_reason", place)
        lists["finish_reason"] = [finish_reason(end, "finish_reason", place) for end in ends]
    check_lengths(place, **lists)
    n = len(next(iter(lists.values())))
    return Responses(
        place,
        identifier(required(record, "idx", place), "idx", place),
        None if question is None else text(question, "question", place),
        texts=lists.get("code", [None] * n),
        correct=lists.get("score", [None] * n),
        finish_reasons=lists.get("finish_reason", ["unknown"] * n),
    )
