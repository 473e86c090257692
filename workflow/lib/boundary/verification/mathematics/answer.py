"""What an answer can be: a value, words, a relation, or a collection of such."""

from __future__ import annotations

from dataclasses import dataclass

from boundary.verification.mathematics.tree import Node


@dataclass(frozen=True)
class Value:
    """An expression with what stood beside it. ``written`` is its tokens, joined."""

    node: Node
    written: str
    unit: str = ""
    unit_known: bool = False
    percent: bool = False
    unevaluated: bool = False


@dataclass(frozen=True)
class Words:
    """A text that is no mathematics; as it is written, without commands."""

    text: str


@dataclass(frozen=True)
class Based:
    """Digits in a stated base."""

    digits: str
    base: str


@dataclass(frozen=True)
class Collection:
    """Items in brackets: ( ) or [ ] (tuples and intervals), { } (a set), none (a bare list), or `:`."""

    opening: str
    items: tuple[Reading, ...]
    closing: str


@dataclass(frozen=True)
class Union:
    """A union of intervals and sets."""

    parts: tuple[Reading, ...]


@dataclass(frozen=True)
class Relation:
    """Sides and the signs between them: =, <, >, le, ge, ne, in."""

    signs: tuple[str, ...]
    sides: tuple[Reading, ...]


@dataclass(frozen=True)
class Matrix:
    """Rows of entries."""

    rows: tuple[tuple[Reading, ...], ...]


Reading = Value | Words | Based | Collection | Union | Relation | Matrix
INFINITY = Node("constant", value="infinity")
REAL_LINE = Collection("(", (Value(Node("neg", (INFINITY,)), ""), Value(INFINITY, "")), ")")
