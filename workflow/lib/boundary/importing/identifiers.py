"""Which problem of a benchmark a problem of an imported file is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from boundary.errors import BoundaryError


def match_problems(
    found: Sequence[str], questions: Mapping[str, str], problems: pd.DataFrame
) -> dict[str, str]:
    """The problem_id in ``problems`` (columns problem_id, question) of each identifier that was ``found``.

    They are the same, or the found ones count the problems from 0 in the benchmark's order. The
    ``questions`` that the file tells of are a check: none may be that of another problem.

    Raises BoundaryError where a problem does not belong, is missing, or asks what another one does.
    """
    ids = list(problems["problem_id"])
    numbers = {str(number): problem for number, problem in enumerate(ids)}
    if set(found) != set(ids) and set(found) == numbers.keys():
        matched = {name: numbers[name] for name in found}
    else:
        _check_same(found, ids)
        matched = {name: name for name in found}
    _check_questions(matched, questions, problems)
    return matched


def _check_same(found: Sequence[str], ids: Sequence[str]) -> None:
    """See that the identifiers are the benchmark's, all of them."""
    known, named = set(ids), set(found)
    strangers = [name for name in found if name not in known]
    missing = [name for name in ids if name not in named]
    for what, names in (("do not belong to the benchmark", strangers), ("are missing", missing)):
        if names:
            listed = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
            raise BoundaryError(
                f"{len(names)} problems {what}: {listed}. Found {len(found)} identifiers; expected the "
                f"benchmark's {len(ids)}, {ids[0]!r} to {ids[-1]!r}, or in their place the numbers 0 to "
                f"{len(ids) - 1} in the benchmark's order"
            )


def _check_questions(
    matched: Mapping[str, str], questions: Mapping[str, str], problems: pd.DataFrame
) -> None:
    """See that no question is another problem's. Formats change words and spaces, so it may be none's."""
    askers = defaultdict(set)
    for problem, question in zip(problems["problem_id"], problems["question"], strict=True):
        askers[_words(question)].add(problem)
    for name, question in questions.items():
        others = askers.get(_words(question))
        if others and matched[name] not in others:
            raise BoundaryError(
                f"problem {name}: would be {matched[name]!r}, but asks what {min(others)!r} asks; is the "
                "file of another version or order of the benchmark?"
            )


def _words(question: str) -> str:
    return " ".join(question.split())
