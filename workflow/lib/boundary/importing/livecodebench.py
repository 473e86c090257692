"""Results of LiveCodeBench's code generation: ``..._eval_all.json``, which --evaluate writes.

The shape is that of LiveCodeBench/LiveCodeBench since 2024: a list with an object for every problem, with
``question_id``, ``question_content``, and, with an entry for every response, ``output_list`` (the
texts), ``code_list`` (the program in each), ``graded_list`` (true or false) and ``metadata`` (JSON as
text, or no entry at all where an earlier evaluation was continued); ``pass@1`` is not read.

A program that ran out of the tests' time has failed. The error code -5, TestRunnerError, says that the
harness failed: such a response is not judged, though its grade is false.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boundary.importing.json_text import (
    as_list,
    as_object,
    identifier,
    read_json,
    required,
    text,
    text_list,
    verdict_list,
)
from boundary.importing.responses import Responses, check_lengths

HARNESS_FAILED = -5


def read(path: Path) -> Iterator[Responses]:
    """The responses to each problem. Raises BoundaryError naming the problem that is not as described."""
    for number, found in enumerate(as_list(read_json(path), "the document", str(path)), start=1):
        place = f"{path}, problem {number}"
        record = as_object(found, place)
        question = record.get("question_content")
        texts = text_list(required(record, "output_list", place), "output_list", place)
        grades = verdict_list(required(record, "graded_list", place), "graded_list", place)
        metadata = as_list(record.get("metadata", []), "metadata", place) or ["{}"] * len(texts)
        check_lengths(place, output_list=texts, graded_list=grades, metadata=metadata)
        graded = zip(grades, metadata, strict=True)
        yield Responses(
            place,
            identifier(required(record, "question_id", place), "question_id", place),
            None if question is None else text(question, "question_content", place),
            texts,
            correct=[None if _harness_failed(told) else grade for grade, told in graded],
            finish_reasons=["unknown"] * len(texts),
        )


def _harness_failed(told: Any) -> bool:
    """Whether a response's metadata, which may hold anything that a program wrote, has that code."""
    try:
        details = json.loads(told) if isinstance(told, str) else told
    except (ValueError, RecursionError):
        return False
    return isinstance(details, dict) and details.get("error_code") == HARNESS_FAILED
