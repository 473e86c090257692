'''MBPP+ (evalplus/mbppplus).

EvalPlus poses a task as a docstring of the description and the first of the original assertions:

    """
    Write a function to find the shared elements from the given two lists.
    assert set(similar_elements((3, 4, 5, 6),(5, 7, 4, 10))) == set((4, 5))
    """

That stands as ``prompt`` in EvalPlus's own release (MbppPlus.jsonl, which evalplus/data/mbpp.py loads),
and is posed without the white space around it (make_raw_chat_prompt in evalplus/provider/utility.py).
The rows on the hub have the original description as ``prompt`` (tools/mbpp/to_original_fmt.py), of which
it is made again here. EvalPlus calls a task by "Mbpp/" and its number; so do its results.
'''

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from boundary.benchmarks.fields import filled_text_of, shown, text_list_of
from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError

DOMAIN = "code"


def read_problem(row: Mapping[str, Any], place: str) -> Problem:
    """The problem of a row; ``gold`` is the reference program.

    ``tests`` has ``code``, the ``imports`` that it needs, and ``entry_point``.

    Raises BoundaryError, beginning with ``place``, if the row is not as described.
    """
    number = filled_text_of(row, "task_id", place)
    if not number.isdecimal():
        raise BoundaryError(f"{place}: 'task_id' is {shown(number)}; expected a number")
    assertions = text_list_of(row, "test_list", place)
    if not assertions or not assertions[0].strip():
        raise BoundaryError(f"{place}: 'test_list' has no assertion; expected at least one")
    description = filled_text_of(row, "prompt", place).strip()
    assertion = assertions[0].strip()
    program = filled_text_of(row, "code", place)
    entry_point = _entry_point(program, assertion, place)
    return Problem(
        problem_id=f"Mbpp/{number}",
        question=f'"""\n{description}\n{assertion}\n"""',
        gold=program,
        tests={
            "code": filled_text_of(row, "test", place),
            "imports": text_list_of(row, "test_imports", place),
            "entry_point": entry_point,
        },
        meta={"entry_point": entry_point},
    )


def _entry_point(program: str, assertion: str, place: str) -> str:
    """The function of the reference program that the assertion calls; of several, the outermost."""
    defined = {
        node.name
        for node in _parsed(program, "code", place).body
        if isinstance(node, ast.FunctionDef)
    }
    # In ast.walk's order, which is level by level, an outer call stands before an inner one.
    for node in ast.walk(_parsed(assertion, "test_list", place)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in defined
        ):
            return node.func.id
    raise BoundaryError(
        f"{place}: {assertion!r:.80} calls no function of 'code', which has "
        f"{', '.join(sorted(defined)) or 'none'}; expected the one that is asked for"
    )


def _parsed(code: str, key: str, place: str) -> ast.Module:
    """Python code as a tree, which runs none of it."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BoundaryError(f"{place}: {key!r} is not Python: {error}") from error
