"""LiveCodeBench's code generation: rows of livecodebench/code_generation_lite.

The tests are data here: ``tests`` has the lists ``public`` and ``private``, each test with ``input``,
``output`` and ``testtype``: ``stdin``, a program's input and output, or ``functional``, the arguments and
the result of meta's ``func_name``, one JSON value a line. The private ones are JSON, or base64 of zlib of
a pickle of JSON, as LiveCodeBench/LiveCodeBench's lcb_runner/benchmarks/code_generation.py reads them;
what is in the pickle is never run (see ``plain_pickle``).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from boundary.benchmarks.fields import filled_text_of, one_of, shown, text_of
from boundary.benchmarks.plain_pickle import load_plain_pickle
from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError

DOMAIN = "code"
MAX_PICKLE_BYTES = 512 * 2**20  # of one problem's tests; far more than any has
TEST_TYPES = ("stdin", "functional")

# Verbatim from PromptConstants in LiveCodeBench's lcb_runner/prompts/code_generation.py.
WITH_STARTER_CODE = (
    "You will use the following starter code to write the solution to the problem and enclose your code "
    "within delimiters."
)
WITHOUT_STARTER_CODE = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on "
    "the sample inputs). Enclose your code within delimiters as follows."
)


def read_problem(row: Mapping[str, Any], place: str) -> Problem:
    """The problem of a row. Raises BoundaryError, beginning with ``place``, if it is not as described."""
    starter_code = text_of(row, "starter_code", place)
    tests = {
        "public": _tests(_json(row, "public_test_cases", place), "public_test_cases", place),
        "private": _tests(_private_tests(row, place), "private_test_cases", place),
    }
    if not tests["public"] and not tests["private"]:
        raise BoundaryError(f"{place}: no test, public or private; expected at least one")
    meta = {
        "date": _date(row, place),
        "platform": filled_text_of(row, "platform", place),
        "difficulty": filled_text_of(row, "difficulty", place),
        "starter_code": starter_code,
    }
    function = _function_name(row, place)
    if function is not None:
        meta["func_name"] = function
    content = filled_text_of(row, "question_content", place)
    return Problem(
        problem_id=filled_text_of(row, "question_id", place),
        question=f"{content}\n\n{format_text(starter_code)}",
        gold=None,
        tests=tests,
        meta=meta,
    )


def format_text(starter_code: str) -> str:
    """How the answer is to be written, which follows a question and a blank line.

    The wording is that of get_codeqwen_question_template_answer in LiveCodeBench's
    lcb_runner/prompts/code_generation.py, the one among its prompts that the paper's fig. 24 is made of
    ("Question: " on the question's own line, no heading "### Format"); the figure ends the turn right
    after the closing fence.
    """
    if starter_code:
        return f"{WITH_STARTER_CODE}\n```python\n{starter_code}\n```"
    return f"{WITHOUT_STARTER_CODE}\n```python\n# YOUR CODE HERE\n```"


def _date(row: Mapping[str, Any], place: str) -> str:
    """The day of the contest, YYYY-MM-DD."""
    written = text_of(row, "contest_date", place)
    try:
        return datetime.fromisoformat(written).date().isoformat()
    except ValueError as error:
        raise BoundaryError(
            f"{place}: 'contest_date' is {shown(written)}; expected an ISO date, like 2024-08-03T00:00:00"
        ) from error


def _function_name(row: Mapping[str, Any], place: str) -> str | None:
    """The function that functional tests call."""
    metadata = _json(row, "metadata", place)
    if not isinstance(metadata, dict):
        raise BoundaryError(f"{place}: 'metadata' is {shown(metadata)}; expected a JSON object")
    if metadata.get("func_name") is None:
        return None
    return filled_text_of(metadata, "func_name", f"{place}, metadata")


def _private_tests(row: Mapping[str, Any], place: str) -> Any:
    """The private tests, of which the small ones are JSON as they are."""
    written = text_of(row, "private_test_cases", place)
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_unpacked(written))
    except (ValueError, RecursionError, zlib.error) as error:
        raise BoundaryError(
            f"{place}: 'private_test_cases' is neither JSON nor base64 of zlib of a pickle of JSON: "
            f"{error}. Is the file whole, and as LiveCodeBench published it?"
        ) from error


def _unpacked(written: str) -> str:
    """The text in base64 of zlib of a pickle. Raises ValueError or zlib.error if it is not that."""
    decompressor = zlib.decompressobj()
    pickled = decompressor.decompress(base64.b64decode(written, validate=True), MAX_PICKLE_BYTES)
    if not decompressor.eof:
        how = "more" if decompressor.unconsumed_tail else "cut off, or more"
        raise ValueError(f"the compressed data is {how} than {MAX_PICKLE_BYTES} bytes")
    text = load_plain_pickle(pickled)
    if not isinstance(text, str):
        raise ValueError(f"the pickle holds a {type(text).__name__}; expected a text")
    return text


def _json(row: Mapping[str, Any], key: str, place: str) -> Any:
    """The value that a text of JSON holds."""
    written = text_of(row, key, place)
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as error:
        raise BoundaryError(
            f"{place}: {key!r} is {shown(written)}; expected JSON: {error}"
        ) from error


def _tests(found: Any, key: str, place: str) -> list[dict[str, str]]:
    """Tests with their texts alone."""
    if not isinstance(found, list):
        raise BoundaryError(f"{place}: {key!r} holds {shown(found)}; expected a list of tests")
    tests = []
    for number, test in enumerate(found, start=1):
        here = f"{place}, {key}, test {number}"
        if not isinstance(test, dict):
            raise BoundaryError(f"{here}: {shown(test)}; expected an object")
        tests.append(
            {
                "input": text_of(test, "input", here),
                "output": text_of(test, "output", here),
                "testtype": one_of(test, "testtype", TEST_TYPES, here),
            }
        )
    return tests
