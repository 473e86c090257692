"""HumanEval+ (evalplus/humanevalplus) and HumanEval, whose rows have the same fields.

EvalPlus poses a task's ``prompt`` without the white space around it (task_prompt.strip() in
make_raw_chat_prompt, evalplus/provider/utility.py). The test code defines ``check(candidate)``, to be
called with the entry point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from boundary.benchmarks.fields import filled_text_of
from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError

DOMAIN = "code"


def read_problem(row: Mapping[str, Any], place: str) -> Problem:
    """The problem of a row; ``gold`` is the reference program, complete with its prompt.

    ``tests`` has ``code``, ``imports`` (none) and ``entry_point``.

    Raises BoundaryError, beginning with ``place``, if the row is not as described.
    """
    prompt = filled_text_of(row, "prompt", place)
    program = prompt + filled_text_of(row, "canonical_solution", place)
    entry_point = filled_text_of(row, "entry_point", place)
    if not re.search(rf"^def {re.escape(entry_point)}\s*\(", program, re.MULTILINE):
        raise BoundaryError(
            f"{place}: the reference program has no function {entry_point!r}, which 'entry_point' names"
        )
    return Problem(
        problem_id=filled_text_of(row, "task_id", place),
        question=prompt.strip(),
        gold=program,
        tests={
            "code": filled_text_of(row, "test", place),
            "imports": [],
            "entry_point": entry_point,
        },
        meta={"entry_point": entry_point},
    )
