"""MathVista (AI4Math/MathVista), its free-form problems.

What is posed is ``query``, not ``question``. MathVista's README calls it "the query text used as input
(prompt) for the evaluation model", and its grading relies on what it adds to the question: the unit, and a
hint on the answer's form ("a floating-point number with one decimal place"). An answer is right only if
it equals the gold to that many decimals, which the question alone does not ask for
(evaluation/build_query.py, evaluation/calculate_score.py of lupantech/MathVista).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boundary.benchmarks.fields import filled_text_of, image_of, one_of, shown, value_of
from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError

DOMAIN = "visual"
QUESTION_TYPES = ("free_form", "multi_choice")
ANSWER_TYPES = ("integer", "float", "list")


def read_problem(row: Mapping[str, Any], place: str) -> Problem | None:
    """The problem of a row; None for multiple choice.

    ``meta`` has ``answer_type`` (integer, float or list), ``precision`` (decimals of a float, or None) and
    ``unit`` (None where there is none).

    Raises BoundaryError, beginning with ``place``, if the row is not as described.
    """
    if one_of(row, "question_type", QUESTION_TYPES, place) == "multi_choice":
        return None
    answer_type = one_of(row, "answer_type", ANSWER_TYPES, place)
    precision = _precision(row, place)
    if answer_type == "float" and precision is None:
        raise BoundaryError(f"{place}: the answer is a float, and 'precision' is empty")
    return Problem(
        problem_id=filled_text_of(row, "pid", place),
        question=filled_text_of(row, "query", place).strip(),
        gold=filled_text_of(row, "answer", place),
        images=(image_of(row, "decoded_image", place),),
        meta={"answer_type": answer_type, "precision": precision, "unit": _unit(row, place)},
    )


def _precision(row: Mapping[str, Any], place: str) -> int | None:
    """The number of decimals, which Parquet holds as a float: 1.0."""
    found = value_of(row, "precision", place)
    if found is None:
        return None
    whole = found.removesuffix(".0") if isinstance(found, str) else ""
    if not whole.isdecimal():
        raise BoundaryError(
            f"{place}: 'precision' is {shown(found)}; expected a number of decimals, or nothing"
        )
    return int(whole)


def _unit(row: Mapping[str, Any], place: str) -> str | None:
    return None if value_of(row, "unit", place) is None else filled_text_of(row, "unit", place)
