"""Rows of a benchmark's file: JSON, JSON lines (also gzipped) or Parquet, one by one and alike.

Numbers are texts, as JSON writes them, so that no digit of a gold is lost: 27.0 is "27.0" and 5 is "5",
from every kind of file. NaN and infinities, which JSON does not have, stay floats. Only a .json file, one
list, is in memory at once; a Parquet file is a few rows at a time.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from boundary.errors import BoundaryError

Row = dict[str, Any]
SUFFIXES = (".json", ".jsonl", ".jsonl.gz", ".parquet")
PARQUET_ROWS = 16  # at once: a row of LiveCodeBench may hold 100 MB


def read_rows(path: Path, place: str) -> Iterator[tuple[str, Row]]:
    """Yield each row of the file with its place: ``place``, and the line or the number of the row, from 1.

    Raises BoundaryError, beginning with ``place``, if the file is absent or damaged or holds other than
    objects.
    """
    if not path.name.endswith(SUFFIXES):
        raise BoundaryError(
            f"{place}: found {path.name!r}; expected a file that ends in {', '.join(SUFFIXES)}"
        )
    if path.suffix == ".parquet":
        yield from _read_parquet(path, place)
    elif path.suffix == ".json":
        yield from _read_list(path, place)
    else:
        yield from _read_lines(path, place)


def _read_lines(path: Path, place: str) -> Iterator[tuple[str, Row]]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{place}, line {number}", _read_object(line, number)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise BoundaryError(f"{place} cannot be read as JSON lines: {error}") from error


def _read_object(line: str, number: int) -> Row:
    try:
        row = _parsed(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is not a JSON object")
    return row


def _read_list(path: Path, place: str) -> Iterator[tuple[str, Row]]:
    try:
        rows = _parsed(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise BoundaryError(
            f"{place} cannot be read as JSON: {error}. One object a line is a .jsonl file"
        ) from error
    if not isinstance(rows, list):
        raise BoundaryError(
            f"{place}: found a JSON {type(rows).__name__}; expected a list of objects"
        )
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise BoundaryError(f"{place}, row {number}: not a JSON object")
        yield f"{place}, row {number}", row


def _parsed(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> Row:
    """An object, whose keys stand once each: of two, nobody can say which is meant."""
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return row


def _read_parquet(path: Path, place: str) -> Iterator[tuple[str, Row]]:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(PARQUET_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{place}, row {number}", {key: _like_json(row[key]) for key in row}
    except (pa.ArrowException, OSError, ValueError, ArithmeticError) as error:
        raise BoundaryError(f"{place} cannot be read as a Parquet file: {error}") from error


def _like_json(value: Any) -> Any:
    """A value of Parquet as the same value of a JSON file is read; bytes stay bytes."""
    match value:
        case bool():
            return value
        case int() | Decimal():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else value
        case date():  # a datetime is one, too
            return value.isoformat()
        case list():
            return [_like_json(one) for one in value]
        case dict():
            return {key: _like_json(value[key]) for key in value}
        case _:
            return value
