"""Problems from a JSON lines file: other people's benchmarks and one's own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
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
) -> pd.DataFrame:
    """Problem records from ``path`` (.jsonl or .jsonl.gz); the arguments name the keys of a line.

    Without a ``problem_id`` key, problems are numbered. Raises BoundaryError naming the line where a
    key is missing or empty, or an identifier stands twice.
    """
    rows = list(_read_lines(path, name))
    if not rows:
        raise BoundaryError(f"benchmark {name}: {path} holds no problem")
    ids: dict[str, int] = {}
    records = []
    for line, row in rows:
        place = f"benchmark {name}: {path}, line {line}"
        texts = {key: _text(row, key, place) for key in (question, gold)}
        identifier = _text(row, problem_id, place) if problem_id else f"{name}/{len(ids):04d}"
        if identifier in ids:
            raise BoundaryError(
                f"{place}: the identifier {identifier!r} stands in line {ids[identifier]}, too"
            )
        ids[identifier] = line
        records.append((identifier, "math", texts[question], json.dumps(texts[gold]), "{}"))
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
    if key not in row:
        raise BoundaryError(
            f"{place}: no key {key!r}; its keys are {', '.join(row)}. Say under `fields` which to read"
        )
    value = row[key]
    if not isinstance(value, str) or not value.strip() or not _is_unicode(value):
        raise BoundaryError(f"{place}: {key!r} is {value!r}; expected a number or a text")
    return value


def _is_unicode(text: str) -> bool:
    """JSON can hold half of a surrogate pair, which no file of ours can."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
