"""Values of a benchmark's row, read without trust: what is wrong with one is a message with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from boundary.errors import BoundaryError

# Half of a surrogate pair, which JSON can hold and no file of ours can.
HALF_PAIR = re.compile("[\ud800-\udfff]")


OTHER_FORMAT = "Is the file of the format that was named?"


def value_of(row: Mapping[str, Any], key: str, place: str, way_out: str = OTHER_FORMAT) -> Any:
    """The value of a key that every row of the format has."""
    if key not in row:
        keys = ", ".join(map(str, row))
        raise BoundaryError(f"{place}: no key {key!r}; its keys are {keys:.200}. {way_out}")
    return row[key]


def text_of(row: Mapping[str, Any], key: str, place: str) -> str:
    """The text of a key, which may be empty."""
    value = value_of(row, key, place)
    if not isinstance(value, str) or HALF_PAIR.search(value):
        raise BoundaryError(f"{place}: {key!r} is {shown(value)}; expected a text")
    return value


def filled_text_of(row: Mapping[str, Any], key: str, place: str) -> str:
    """The text of a key, which holds more than white space."""
    value = text_of(row, key, place)
    if not value.strip():
        raise BoundaryError(f"{place}: {key!r} is empty; expected a text")
    return value


def one_of(row: Mapping[str, Any], key: str, allowed: tuple[str, ...], place: str) -> str:
    """The text of a key, which is one of those that the format has."""
    value = text_of(row, key, place)
    if value not in allowed:
        raise BoundaryError(
            f"{place}: {key!r} is {shown(value)}; expected {' or '.join(map(repr, allowed))}"
        )
    return value


def text_list_of(row: Mapping[str, Any], key: str, place: str) -> list[str]:
    """The list of texts of a key, which may be empty."""
    value = value_of(row, key, place)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BoundaryError(f"{place}: {key!r} is {shown(value)}; expected a list of texts")
    return value


def image_of(row: Mapping[str, Any], key: str, place: str) -> bytes:
    """The encoded bytes of an image, as `datasets` keeps it: an object with ``bytes`` and ``path``.

    Empty where a row has none, which is for boundary.benchmarks.pictures to say.
    """
    value = value_of(row, key, place)
    encoded = value.get("bytes") if isinstance(value, dict) else value
    if encoded is None:
        return b""
    if not isinstance(value, dict) or not isinstance(encoded, bytes):
        found = (
            f"an object whose bytes are {shown(encoded)}"
            if isinstance(value, dict)
            else shown(value)
        )
        raise BoundaryError(
            f"{place}: {key!r} is {found}; expected an object with the image's bytes. Read the file that "
            "holds the images themselves, not one that names their paths"
        )
    return encoded


def shown(value: Any) -> str:
    """A short account of a value for messages."""
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return f"{value!r:.80}"
