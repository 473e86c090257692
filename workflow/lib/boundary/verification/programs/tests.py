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
from boundary.sandbox.inside.plain_data import encode

EXPECTED = (
    "expected {code, entry_point[, imports]} with Python assertions, or {public: [...], private: [...]} "
    "with tests {input, output, testtype: stdin or functional}"
)


@dataclass(frozen=True)
class Printed:
    """A test of a program: what it reads, and what it is to print."""

    number: int  # from 1, the public tests first
    input: str
    output: str


@dataclass(frozen=True)
class Called:
    """A test of a function: its arguments, as JSON of what plain_data.encode makes, and its result."""

    number: int
    arguments: str
    expected: Any
    size: int  # characters of the result as the benchmark writes it


@dataclass(frozen=True)
class Assertions:
    """A test of Python code: ``check(candidate)``, or assertions that call ``entry_point`` by its name.

    ``document`` is what the sandbox of the assertions is given: JSON with `reference` and `test`.
    """

    document: str
    entry_point: str


@dataclass(frozen=True)
class Tests:
    """All tests of a problem: of its ``function``, of programs, or ``assertions``."""

    called: tuple[Called, ...]
    printed: tuple[Printed, ...]
    assertions: Assertions | None
    function: str
    reference: str  # a right program, empty where the benchmark tells none


# A problem's tests may be hundreds of megabytes, and many programs one after the other have the same.
@lru_cache(maxsize=2)
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
        test = f"{imports}\n{document['code']}"
        given = json.dumps({"reference": reference, "test": test})
        return Tests((), (), Assertions(given, entry_point), function, reference)
    found = [test for key in ("public", "private") for test in document.get(key) or []]
    if not found:
        raise BoundaryError(f"tests: found the keys {', '.join(document) or 'none'}; {EXPECTED}")
    cases = [_case(number, test, function) for number, test in enumerate(found, start=1)]
    called = tuple(case for case in cases if isinstance(case, Called))
    printed = tuple(case for case in cases if isinstance(case, Printed))
    return Tests(called, printed, None, function, reference)


def _case(number: int, test: Any, function: str) -> Called | Printed:
    if not isinstance(test, dict) or not {"input", "output", "testtype"} <= test.keys():
        raise BoundaryError(f"tests: test {number} is {test!r:.80}; {EXPECTED}")
    if test["testtype"] != "functional":
        return Printed(number, test["input"], test["output"])
    if not function:
        raise BoundaryError(f"tests: test {number} calls a function, and no func_name tells which")
    lines = test["input"].split("\n") if test["input"] else []
    arguments = json.dumps(encode([_json(line, number) for line in lines]))
    return Called(number, arguments, _json(test["output"], number), len(test["output"]))


def _json(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BoundaryError(
            f"tests: test {number} has {line!r:.80}, which is not JSON: {error}"
        ) from error
