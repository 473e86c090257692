"""MathVista (AI4Math/MathVista), its free-form problems.

What is posed is ``query``, not ``question``. MathVista's README calls it "the query text used as input
(prompt) for the evaluation model", and its grading relies on what it adds to the question: the unit, and a
hint on the answer's form ("a floating-point number with one decimal place"). An answer is right only if
it equals the gold to that many decimals, which the question alone does not ask for
(evaluation/build_query.py, evaluation/calculate_score.py of lupantech/MathVista).

There, a language model extracts an answer, which is then compared as text with the gold: of type integer
after int(float(answer)), of type float after round(float(answer), precision), of type list as it is. Here
the answer is read by the rules of mathematics, and a problem's own settings say what its type asks for:

    float    what rounds to the gold at ``precision`` decimals is right (``tolerance``, half a unit of the
             last place, a tie going either way); also 3/5 for 0.6
    integer  the gold's value; 14.0 is 14, but 14.9 is not, which int() cuts off there
    list     all of the gold's numbers in its order (``order``), exactly; in square brackets, round ones or
             none (``intervals``), since "between 2007 and 2008" becomes [2007, 2008] there, too
    unit     may stand behind the answer or not; a known unit that is another is wrong. There the model that
             extracts drops whatever unit it finds
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boundary.benchmarks.fields import filled_text_of, image_of, one_of, shown, value_of
from boundary.benchmarks.pictures import check_images
from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError

DOMAIN = "visual"
check_problem = check_images
QUESTION_TYPES = ("free_form", "multi_choice")
ANSWER_TYPES = ("integer", "float", "list")
AS_LIST = {"several": "list", "order": "gold", "intervals": "none"}
UNITS = {"$": "dollar", "°": "degree"}  # signs whose names the verification knows


def read_problem(row: Mapping[str, Any], place: str) -> Problem | None:
    """The problem of a row; None for multiple choice.

    ``meta`` has ``answer_type`` (integer, float or list), ``precision`` (decimals of a float, or None),
    ``unit`` (None where there is none), and under ``verification`` what follows from these.

    Raises BoundaryError, beginning with ``place``, if the row is not as described.
    """
    if one_of(row, "question_type", QUESTION_TYPES, place) == "multi_choice":
        return None
    answer_type = one_of(row, "answer_type", ANSWER_TYPES, place)
    precision = _precision(row, place)
    if answer_type == "float" and precision is None:
        raise BoundaryError(f"{place}: the answer is a float, and 'precision' is empty")
    unit = _unit(row, place)
    return Problem(
        problem_id=filled_text_of(row, "pid", place),
        question=filled_text_of(row, "query", place).strip(),
        gold=filled_text_of(row, "answer", place),
        images=(image_of(row, "decoded_image", place),),
        meta={
            "answer_type": answer_type,
            "precision": precision,
            "unit": unit,
            "verification": _settings(answer_type, precision, unit),
        },
    )


def _settings(answer_type: str, precision: int | None, unit: str | None) -> dict[str, Any]:
    """The problem's own settings of the verification."""
    settings: dict[str, Any] = dict(AS_LIST) if answer_type == "list" else {}
    if answer_type == "float" and precision is not None:
        settings["tolerance"] = float(f"5e-{precision + 1}")
    if unit is not None:
        settings["unit"] = UNITS.get(unit.strip(), unit.strip())
    return settings


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
