"""Results of EvalPlus (HumanEval+ and MBPP+): ``..._eval_results.json``, or ``.eval_results.json``.

The shape is that of evalplus/evalplus 0.2 and 0.3: an object whose ``eval`` holds, by task, a list with an
object for every program: ``solution``, ``base_status``, and ``plus_status``, which is null where
--base-only left the additional tests out.

A program is correct if it passes the base tests and, where they were run, the additional ones. One that
ran out of the tests' time has failed: the limit belongs to the problem. A status ``error`` or null is the
harness's, not the program's: such a program is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boundary.errors import BoundaryError
from boundary.importing.json_text import (
    as_list,
    as_object,
    identifier,
    read_json,
    required,
    text,
)
from boundary.importing.responses import Responses

PASSED = {"pass": True, "fail": False, "timeout": False, "error": None, None: None}


def read(path: Path) -> Iterator[Responses]:
    """The programs for each task. Raises BoundaryError naming the task that is not as described."""
    document = as_object(read_json(path), str(path))
    tasks = as_object(required(document, "eval", str(path)), f"{path}, eval")
    records = [_programs(found, f"{path}, task {task:.80}") for task, found in tasks.items()]
    # Without --base-only, a program that was judged has both; with it, none has.
    with_plus = any(one.get("plus_status") is not None for _, found in records for one in found)
    tests = ("base_status", "plus_status") if with_plus else ("base_status",)
    for task, (place, programs) in zip(tasks, records, strict=True):
        yield Responses(
            place,
            identifier(task, "task", place),
            question=None,
            texts=[text(required(one, "solution", place), "solution", place) for one in programs],
            correct=[_verdict(one, tests, place) for one in programs],
            finish_reasons=["unknown"] * len(programs),
        )


def _programs(found: Any, place: str) -> tuple[str, list[dict[str, Any]]]:
    programs = as_list(found, "eval", place)
    return place, [as_object(one, f"{place}, program {i}") for i, one in enumerate(programs)]


def _verdict(program: dict[str, Any], tests: tuple[str, ...], place: str) -> bool | None:
    passed = [_passed(required(program, test, place), test, place) for test in tests]
    if False in passed:
        return False
    return None if None in passed else True


def _passed(status: Any, test: str, place: str) -> bool | None:
    if status is not None and (not isinstance(status, str) or status not in PASSED):
        raise BoundaryError(f"{place}: {test!r} is {status!r:.80}; expected pass, fail or timeout")
    return PASSED[status]
