"""A code problem's tests, as the loaders of benchmarks write them into its record.

Three kinds. Programs (``stdin``): what is read and what is to be printed. Functions (``functional``):
arguments and result as JSON. Assertions: Python code of the benchmark's, which calls the function.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from boundary.errors import BoundaryError

EXPECTED = (
    "expected {code, entry_point[, imports]} with Python assertions, or {public: [...], private: [...]} "
    "with tests {input, output, testtype: stdin or functional}"
)


@dataclass(frozen=True)
class Case:
    """One test: what goes in, and what is to come out."""

    number: int  # from 1, the public ones first
    input: str
    output: str
    functional: bool


@dataclass(frozen=True)
class Assertions:
    """A test of Python code: ``check(candidate)``, or assertions that call ``entry_point`` by its name."""

    code: str
    entry_point: str


@dataclass(frozen=True)
class Tests:
    """All tests of a problem: ``cases``, or ``assertions``. ``function`` is what functional ones call."""

    cases: tuple[Case, ...]
    assertions: Assertions | None
    function: str
    reference: str  # a right program, empty where the benchmark tells none


@lru_cache(
    maxsize=4
)  # the tests of one problem may be hundreds of megabytes, and many programs have them
def read_tests(tests: str, gold: str, function: str) -> Tests:
    """The tests of a record's ``tests`` and ``gold`` (both JSON) and its meta's ``func_name``.

    Raises BoundaryError if they are not as described above.
    """
    document = json.loads(tests)
    reference = json.loads(gold) or ""
    if not isinstance(document, dict):
        raise BoundaryError(f"tests: found a {type(document).__name__}; {EXPECTED}")
    if "code" in document:
        imports = "\n".join(document.get("imports", []))
        entry_point = str(document.get("entry_point", function))
        code = f"{imports}\n{document['code']}"
        return Tests((), Assertions(code, entry_point), function, reference)
    found = [test for key in ("public", "private") for test in document.get(key) or []]
    if not found:
        raise BoundaryError(f"tests: found the keys {', '.join(document) or 'none'}; {EXPECTED}")
    cases = tuple(_case(number, test, function) for number, test in enumerate(found, start=1))
    return Tests(cases, None, function, reference)


def _case(number: int, test: Any, function: str) -> Case:
    if not isinstance(test, dict) or not {"input", "output", "testtype"} <= test.keys():
        raise BoundaryError(f"tests: test {number} is {test!r:.80}; {EXPECTED}")
    functional = test["testtype"] == "functional"
    if functional and not function:
        raise BoundaryError(f"tests: test {number} calls a function, and no func_name tells which")
    if functional:
        for line in [*argument_lines(test["input"]), test["output"]]:
            _json(line, number)
    return Case(number, test["input"], test["output"], functional)


def argument_lines(written: str) -> list[str]:
    """The arguments of a functional test, each a text of JSON; none of an empty input."""
    return written.split("\n") if written else []


def _json(line: str, number: int) -> None:
    try:
        json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BoundaryError(
            f"tests: test {number} has {line!r:.80}, which is not JSON: {error}"
        ) from error
