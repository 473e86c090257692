"""Values as JSON: what goes into a program and what comes out of it is data, and never an object.

An object of a program could lie about being equal, and a pickle could run code; a value that went through
here is built anew of Python's own types. Types are told apart: 1 from 1.0 from True, a list from a tuple.
Subclasses come out as what they are made of (a Counter as a dict, a numpy number as a number, an array as
lists), and other iterables, such as a generator, as an iterator over at most ``MOST_ITEMS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

DEEPEST = 100
MOST_ITEMS = 1_000_000
MOST_KEYS = 10_000  # that are no texts: numbers can be chosen so that each collides with all others
SAFE_DIGITS = 1 << 63  # larger integers are written in hexadecimal, which has no limit of digits


class NotPlainError(ValueError):
    """A value that is no data, or data that nobody encoded."""


class Opaque:
    """Stands for a value that cannot be told: it equals nothing, itself included."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def encode(value: Any, depth: int = 0) -> Any:
    """``value`` as JSON can hold it. What is no data becomes its type's name, and Opaque when decoded."""
    if depth > DEEPEST:
        raise NotPlainError(f"nested deeper than {DEEPEST}")
    if value is None or value is True or value is False:
        return value
    if type(value).__module__ == "numpy":
        return encode(value.tolist(), depth) if hasattr(value, "tolist") else _opaque(value)
    for kind, encoder in _ENCODERS:
        if isinstance(value, kind):
            return encoder(value, depth + 1)
    if isinstance(value, type) or not hasattr(type(value), "__iter__"):
        return _opaque(value)
    return {"iterator": [encode(item, depth + 1) for item in islice(value, MOST_ITEMS)]}


def _opaque(value: Any) -> dict[str, str]:
    return {"opaque": type(value).__name__[:80]}


def _integer(value: int, depth: int) -> Any:
    plain = int.__index__(value)
    return plain if -SAFE_DIGITS < plain < SAFE_DIGITS else {"integer": hex(plain)}


def _float(value: float, depth: int) -> Any:
    return {"float": float.hex(value)}


def _items(name: str, iterate: Callable[[Any], Iterator[Any]]) -> Callable[[Any, int], Any]:
    def encoder(value: Any, depth: int) -> Any:
        return {name: [encode(item, depth) for item in iterate(value)]}

    return encoder


def _mapping(value: dict[Any, Any], depth: int) -> Any:
    return {"dict": [[encode(k, depth), encode(v, depth)] for k, v in dict.items(value)]}


# The iterators of the types themselves: a subclass may have its own.
_ENCODERS: tuple[tuple[type, Callable[[Any, int], Any]], ...] = (
    (int, _integer),
    (float, _float),
    (str, lambda value, depth: str.__str__(value)),
    (list, _items("list", list.__iter__)),
    (tuple, _items("tuple", tuple.__iter__)),
    (dict, _mapping),
    (set, _items("set", set.__iter__)),
    (frozenset, _items("frozenset", frozenset.__iter__)),
    (bytes, lambda value, depth: {"bytes": bytes.hex(value)}),
    (bytearray, lambda value, depth: {"bytearray": bytearray.hex(value)}),
    (complex, lambda value, depth: {"complex": [value.real.hex(), value.imag.hex()]}),
)


def decode(data: Any, depth: int = 0) -> Any:
    """The value that ``encode`` made ``data`` of. Raises NotPlainError for anything else."""
    if depth > 2 * DEEPEST:
        raise NotPlainError("nested too deeply")
    if data is None or isinstance(data, bool | int | str):
        return data
    if not isinstance(data, dict) or len(data) != 1:
        raise NotPlainError("not what encode writes")
    ((kind, content),) = data.items()
    if kind not in _DECODERS:
        raise NotPlainError(f"an unknown kind {kind!r:.40}")
    try:
        return _DECODERS[kind](content, depth + 1)
    except NotPlainError:
        raise
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise NotPlainError(f"{kind}: {error}") from error


def _decoded(content: Any, depth: int) -> Iterator[Any]:
    if not isinstance(content, list):
        raise NotPlainError("items that are no list")
    return (decode(item, depth) for item in content)


def _keys(content: Any, depth: int) -> list[Any]:
    keys = list(_decoded(content, depth))
    if sum(not isinstance(key, str) for key in keys) > MOST_KEYS:
        raise NotPlainError(f"more than {MOST_KEYS} keys that are no texts")
    return keys


_DECODERS: dict[str, Callable[[Any, int], Any]] = {
    "integer": lambda content, depth: int(content, 16),
    "float": lambda content, depth: float.fromhex(content),
    "list": lambda content, depth: list(_decoded(content, depth)),
    "tuple": lambda content, depth: tuple(_decoded(content, depth)),
    "dict": lambda content, depth: dict(
        zip(
            _keys([k for k, _ in content], depth),
            [decode(v, depth) for _, v in content],
            strict=True,
        )
    ),
    "set": lambda content, depth: set(_keys(content, depth)),
    "frozenset": lambda content, depth: frozenset(_keys(content, depth)),
    "bytes": lambda content, depth: bytes.fromhex(content),
    "bytearray": lambda content, depth: bytearray.fromhex(content),
    "complex": lambda content, depth: complex(*map(float.fromhex, content)),
    "iterator": lambda content, depth: iter(list(_decoded(content, depth))),
    "opaque": lambda content, depth: Opaque(str(content)),
}
