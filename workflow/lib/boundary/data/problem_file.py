"""Problems from a JSON lines file: other people's benchmarks and one's own."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from boundary.errors import BoundaryError


def load_problem_file(
    path: Path,
    name: str,
    question: str = "question",
    gold: str = "answer",
    problem_id: str | None = None,
    tolerance: str | None = None,
    unit: str | None = None,
    several: str | None = None,
) -> pd.DataFrame:
    """Problem records from ``path`` (.jsonl or .jsonl.gz); the arguments name the keys of a line.

    Without a ``problem_id`` key, problems are numbered. A gold answer is a number or a text, or a list
    of them that are all asked for. ``tolerance``, ``unit`` and ``several`` are a problem's own settings
    of the verification; those that a line has and does not leave empty go to ``verification`` in the
    record's meta.

    Raises BoundaryError naming the line where a key is missing or empty, or an identifier stands twice.
    """
    rows = list(_read_lines(path, name))
    if not rows:
        raise BoundaryError(f"benchmark {name}: {path} holds no problem")
    named = {"tolerance": tolerance, "unit": unit, "several": several}
    own = {setting: key for setting, key in named.items() if key is not None}
    for setting, key in own.items():
        if not any(key in row for _, row in rows):
            raise BoundaryError(
                f"benchmark {name}: {path} has no line with the key {key!r}, which `fields` names as "
                f"that of the {setting}; the keys of the first are {', '.join(rows[0][1])}"
            )
    ids: dict[str, int] = {}
    records = []
    for line, row in rows:
        place = f"benchmark {name}: {path}, line {line}"
        posed, answer = _text(row, question, place), _gold(row, gold, place)
        identifier = _text(row, problem_id, place) if problem_id else f"{name}/{len(ids):04d}"
        if identifier in ids:
            raise BoundaryError(
                f"{place}: the identifier {identifier!r} stands in line {ids[identifier]}, too"
            )
        ids[identifier] = line
        settings = _own_settings(row, own, place)
        meta = json.dumps({"verification": settings} if settings else {})
        records.append((identifier, "math", posed, json.dumps(answer), meta))
    return pd.DataFrame(records, columns=["problem_id", "domain", "question", "gold", "meta"])


def _read_lines(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered JSON objects; numbers stay as they are written."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _read_object(line, number)
    except (OSError, ValueError, EOFError) as error:
        raise BoundaryError(
            f"benchmark {name}: {path} cannot be read as JSON lines: {error}"
        ) from error


def _read_object(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_int=str, parse_float=str)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is not a JSON object")
    return row


def _text(row: dict[str, Any], key: str, place: str) -> str:
    """A number or a text of a line, as text."""
    value = _value(row, key, place)
    if not _is_text(value):
        raise BoundaryError(f"{place}: {key!r} is {value!r}; expected a number or a text")
    return value


def _gold(row: dict[str, Any], key: str, place: str) -> str | list[str]:
    """The answer of a line, or the answers that it asks for; a list of one is that one."""
    value = _value(row, key, place)
    answers = value if isinstance(value, list) else [value]
    if not answers or not all(map(_is_text, answers)):
        raise BoundaryError(
            f"{place}: {key!r} is {value!r}; expected a number or a text, or a list of them"
        )
    return answers if len(answers) > 1 else answers[0]


def _value(row: dict[str, Any], key: str, place: str) -> Any:
    if key not in row:
        raise BoundaryError(
            f"{place}: no key {key!r}; its keys are {', '.join(row)}. Say under `fields` which to read"
        )
    return row[key]


def _is_text(value: Any) -> bool:
    """JSON can hold half of a surrogate pair, which no file of ours can."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and not any("\ud800" <= character <= "\udfff" for character in value)
    )


def _own_settings(row: dict[str, Any], keys: Mapping[str, str], place: str) -> dict[str, Any]:
    """How a problem's own answer is to be verified, where its line says so."""
    settings = {}
    for setting, key in keys.items():
        value = row.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        expected, read = OWN_SETTINGS[setting]
        try:
            found = read(value)
        except ValueError:
            raise BoundaryError(
                f"{place}: {key!r} is {value!r}; expected {expected}, or nothing"
            ) from None
        if found is not None:
            settings[setting] = found
    return settings


def _tolerance(value: Any) -> float:
    number = float(value) if isinstance(value, str) else math.nan
    if not 0 <= number < math.inf:
        raise ValueError
    return number


def _unit(value: Any) -> str:
    if not _is_text(value):
        raise ValueError
    return value.strip()


def _several(value: Any) -> str | None:
    """Benchmarks say true of what has several answers; what they say false of may yet have commas."""
    if isinstance(value, bool):
        return "list" if value else None
    if value not in ("list", "single", "auto"):
        raise ValueError
    return None if value == "auto" else value


# What a problem may settle itself: what its line may hold, and how that is read; None leaves it open.
OWN_SETTINGS: dict[str, tuple[str, Callable[[Any], float | str | None]]] = {
    "tolerance": ("a number of 0 or more", _tolerance),
    "unit": ("a text", _unit),
    "several": ("true, false, list, single or auto", _several),
}
