r"""MATH-Vision (MathLLMs/MathVision), its problems without options.

A row has one picture, however many marks <image1>, <image2>, ... its question has. A mark that is alone
says only where the picture stood, and is removed: the template puts it in front of the question. Where
there are several, the picture is made of that many parts, and the marks stay, since the question speaks of
them ("Which side is opposite to <image3>?"). A few rows without options ask for a letter that the picture
shows; they are free-form by the data's own account, and stay.

Answers are numbers, formulas and short texts, which are judged by the rules of mathematics without settings
of their own. MATH-V's evaluation (evaluation/evaluate.py, utils.py of mathllm/MATH-V) takes the last box,
or what follows "the answer is", drops capitals and some units, and takes two numbers for equal that round
to the same two decimals. Here 0.335 is not 1/3, and a letter in the picture keeps its case; (B) and
\text{B} are B. Several capitals in a row are taken for labels, whose order counts, and not for a product.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from boundary.benchmarks.fields import filled_text_of, image_of, text_list_of
from boundary.benchmarks.pictures import check_images
from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError

DOMAIN = "visual"
check_problem = check_images
MARK = re.compile(r"<image\d+>")
LABELS = re.compile(r"[A-Z]{2,}")


def read_problem(row: Mapping[str, Any], place: str) -> Problem | None:
    """The problem of a row; None for one with options. ``meta`` has ``level`` (1 to 5) and ``subject``.

    Raises BoundaryError, beginning with ``place``, if the row is not as described.
    """
    if text_list_of(row, "options", place):
        return None
    question = without_lone_mark(filled_text_of(row, "question", place))
    if not question:
        raise BoundaryError(f"{place}: 'question' is a picture alone; expected a text")
    return Problem(
        problem_id=filled_text_of(row, "id", place),
        question=question,
        gold=_gold(filled_text_of(row, "answer", place)),
        images=(image_of(row, "decoded_image", place),),
        meta={
            "level": filled_text_of(row, "level", place),
            "subject": filled_text_of(row, "subject", place),
        },
    )


def without_lone_mark(question: str) -> str:
    """The question without its picture's mark, with the space or line break before it; several stay."""
    if len(set(MARK.findall(question))) > 1:
        return question.strip()
    return re.sub(rf"\s?{MARK.pattern}", "", question).strip()


def _gold(answer: str) -> str:
    """The answer; labels in a row as a text, since as a formula CBA would equal ABC."""
    return f"\\text{{{answer.strip()}}}" if LABELS.fullmatch(answer.strip()) else answer
