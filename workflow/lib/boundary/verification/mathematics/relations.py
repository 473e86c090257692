"""Relations: the intervals that they describe, and the names that may be left out."""

from __future__ import annotations

import re

from boundary.verification.mathematics.answer import (
    INFINITY,
    Collection,
    Reading,
    Relation,
    Value,
    Words,
)
from boundary.verification.mathematics.tokens import UnreadableError
from boundary.verification.mathematics.tree import Node, symbols_of
from boundary.verification.mathematics.units import NO_UNIT

FLIPPED = {"<": ">", ">": "<", "le": "ge", "ge": "le"}


def region(reading: Reading) -> Reading | None:
    """The interval that a relation of one variable describes; other readings as they are."""
    if not isinstance(reading, Relation):
        return reading
    signs, sides = reading.signs, reading.sides
    if signs == ("in",):
        return sides[1] if name_of(sides[0]) else None
    if len(signs) == 1 and signs[0] in FLIPPED:
        if name_of(sides[0]):
            return _half_line(signs[0], sides[1])
        return _half_line(FLIPPED[signs[0]], sides[0]) if name_of(sides[1]) else None
    upwards = all(sign in ("<", "le") for sign in signs)  # the reader has turned them so
    if len(signs) != 2 or not upwards or not name_of(sides[1]):
        return None
    opening, closing = "[" if signs[0] == "le" else "(", "]" if signs[1] == "le" else ")"
    return Collection(opening, (sides[0], sides[2]), closing)


def _half_line(sign: str, end: Reading) -> Collection:
    if sign in (">", "ge"):
        return Collection("[" if sign == "ge" else "(", (end, Value(INFINITY, "")), ")")
    low = Value(Node("neg", (INFINITY,)), "")
    return Collection("(", (low, end), "]" if sign == "le" else ")")


def variable_of(relation: Relation) -> Reading:
    """The side that is a name, or the first."""
    return next((side for side in relation.sides if name_of(side)), relation.sides[0])


def name_of(side: Reading) -> str | None:
    """What a side is called, if it is a name: x, x_1, f(x), f(3), (x, y), AB, Area."""
    if isinstance(side, Words):
        folded = fold(side.text)
        return None if set(folded.split()) & NO_UNIT else folded
    if isinstance(side, Collection):
        names = [name_of(item) for item in side.items]
        return f"({', '.join(map(str, names))})" if all(names) else None
    if not isinstance(side, Value):
        return None
    node = side.node
    if node.kind == "symbol":
        return str(node.value)
    if node.kind == "apply" and all(arg.kind in ("symbol", "number") for arg in node.args):
        return f"{node.value}({', '.join(str(arg.value) for arg in node.args)})"
    if node.kind in ("add", "div"):  # m+n, as contests ask for it
        names = [name_of(Value(arg, "")) for arg in node.args]
        return f"{node.kind}({', '.join(map(str, names))})" if all(names) else None
    if node.kind == "mul":  # a segment, an angle
        names = [name_of(Value(arg, "")) for arg in node.args]
        return (
            "".join(map(str, names)) if all(name and name[0].isupper() for name in names) else None
        )
    return None


def without_arguments(first: Reading, second: Reading) -> bool:
    """Whether two names are the same; y and y(x) are."""
    if name_of(first) == name_of(second):
        return True
    nodes = [side.node for side in (first, second) if isinstance(side, Value)]
    kinds = [node.kind for node in nodes]
    bound = all(arg.kind == "symbol" for node in nodes for arg in node.args)
    return sorted(kinds) == ["apply", "symbol"] and bound and nodes[0].value == nodes[1].value


def fold(text: str) -> str:
    """Without case, space and punctuation; signs of mathematics count."""
    spaced = re.sub(r"(?<=[^\W\d_]{3})-(?=[^\W\d_]{3})", " ", text.casefold())
    folded = "".join(c if c.isalnum() or c in "<>=+-*/^" else " " for c in spaced)
    return " ".join(folded.split())


def renamed(call: Reading, body: Value, model: Reading) -> Value | None:
    """The body of ``f(n) = ...`` with its arguments called as in ``model``, f(x)."""
    if not isinstance(call, Value) or not isinstance(model, Value):
        return None
    here, there = call.node, model.node
    if here.kind != "apply" or there.kind != "apply" or here.value != there.value:
        return None
    arguments = [tuple(arg.value for arg in call.args) for call in (here, there)]
    if len(arguments[0]) != len(arguments[1]) or arguments[0] == arguments[1]:
        return None
    symbols = all(arg.kind == "symbol" for arg in (*here.args, *there.args))
    free = symbols_of(body.node) - set(map(str, arguments[0]))
    if (
        not symbols
        or len(set(arguments[1])) < len(arguments[1])
        or free & set(map(str, arguments[1]))
    ):
        return None
    names = {a.value: b.value for a, b in zip(here.args, there.args, strict=True)}

    def rename(node: Node) -> Node:
        value = names.get(node.value, node.value) if node.kind == "symbol" else node.value
        return Node(node.kind, tuple(map(rename, node.args)), value)

    return Value(rename(body.node), body.written, body.unit, body.unit_known, body.percent)


def conjunction(first: Reading, second: Reading) -> Reading | None:
    """``x > 3 and x < 5`` as ``3 < x < 5``; None for what is no two such relations."""
    if not isinstance(first, Relation) or not isinstance(second, Relation):
        return None
    if not {*first.signs, *second.signs} <= {"<", "le"} or len(first.signs + second.signs) != 2:
        return None
    for low, high in ((first, second), (second, first)):
        if low.sides[1] == high.sides[0]:
            return Relation(low.signs + high.signs, (*low.sides, high.sides[1]))
    raise UnreadableError("relations that both hold")
