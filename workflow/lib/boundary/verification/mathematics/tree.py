"""The tree of an expression."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Node(NamedTuple):
    """A node of an expression: ``kind`` is number, symbol, constant, apply, or an operation."""

    kind: str
    args: tuple[Node, ...] = ()
    value: object = None


def number(value: Fraction | int) -> Node:
    """A leaf that is a number."""
    return Node("number", value=Fraction(value))


def symbols_of(node: Node) -> set[str]:
    """Names of the variables and unknown functions in a tree."""
    own = {str(node.value)} if node.kind in ("symbol", "apply") else set()
    return own.union(*map(symbols_of, node.args))


def depth(node: Node) -> int:
    """How deep a tree is, found without recursion: a chain of factors can be as long as its text."""
    deepest = 0
    pending = [(node, 1)]
    while pending:
        current, level = pending.pop()
        deepest = max(deepest, level)
        pending += [(arg, level + 1) for arg in current.args]
    return deepest
