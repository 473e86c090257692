"""JSON of other projects, read without trust: whatever is wrong with it is a message with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boundary.errors import BoundaryError

HALF_PAIR = re.compile(
    "[\ud800-\udfff]"
)  # half of a surrogate pair, which no file of ours can hold


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON lines file, each with its place for messages: "FILE, line 3".

    Raises BoundaryError if the file cannot be read, or at a line that is no JSON object in UTF-8.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                place = f"{path}, line {number}"
                decoded = _decoded(line, place)
                if decoded.strip():
                    yield place, as_object(_parsed(decoded, place), place)
    except OSError as error:
        raise BoundaryError(f"{path}: cannot be read: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """The JSON document of a file. Raises BoundaryError if it cannot be read or is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BoundaryError(f"{path}: cannot be read: {error.strerror}") from error
    return _parsed(_decoded(content, str(path)), str(path))


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BoundaryError(f"{place}: not a text in UTF-8: {error.reason}") from error


def _parsed(written: str, place: str) -> Any:
    try:
        return json.loads(written)
    except RecursionError as error:
        raise BoundaryError(f"{place}: not readable as JSON: nested too deeply") from error
    except ValueError as error:
        raise BoundaryError(
            f"{place}: not JSON: {error}. Is the file whole, and of the format that was named?"
        ) from error


def as_object(value: Any, place: str) -> dict[str, Any]:
    """``value``, which is to be a JSON object."""
    if not isinstance(value, dict):
        raise BoundaryError(f"{place}: {_shown(value)} where a JSON object was expected")
    return value


def required(record: dict[str, Any], key: str, place: str) -> Any:
    """The value of a key that a record of the format has."""
    if key not in record:
        keys = ", ".join(record)
        raise BoundaryError(
            f"{place}: no key {key!r}; its keys are {keys:.200}. Is the file of the format that was named?"
        )
    return record[key]


def identifier(value: Any, key: str, place: str) -> str:
    """A problem's identifier, a text of one line or an integer, as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip() and not re.search(r"[\r\n]", value):
        return clean(value)
    raise BoundaryError(
        f"{place}: {key!r} is {_shown(value)}; expected a problem's identifier, a text of one line or an "
        "integer"
    )


def text_list(value: Any, key: str, place: str) -> list[str]:
    """A list of texts, with U+FFFD for halves of surrogate pairs."""
    return [text(one, f"{key}[{i}]", place) for i, one in enumerate(as_list(value, key, place))]


def text(value: Any, key: str, place: str) -> str:
    """A text, with U+FFFD for halves of surrogate pairs."""
    if not isinstance(value, str):
        raise BoundaryError(f"{place}: {key!r} is {_shown(value)}; expected a text")
    return clean(value)


def clean(value: str) -> str:
    """``value`` with U+FFFD for every half of a surrogate pair."""
    return HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", value)


def verdict(value: Any, key: str, place: str) -> bool:
    """True or false, or the numbers 1 and 0, which some write for them."""
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    raise BoundaryError(f"{place}: {key!r} is {_shown(value)}; expected true or false")


def verdict_list(value: Any, key: str, place: str) -> list[bool]:
    """A list of verdicts."""
    return [
        verdict(found, f"{key}[{i}]", place) for i, found in enumerate(as_list(value, key, place))
    ]


def as_list(value: Any, key: str, place: str) -> list[Any]:
    """``value``, which is to be a list."""
    if not isinstance(value, list):
        raise BoundaryError(f"{place}: {key!r} is {_shown(value)}; expected a list")
    return value


def _shown(value: Any) -> str:
    """A value as JSON writes it, which is how it stands in the file; a nested one by its kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"{json.dumps(value):.80}"
