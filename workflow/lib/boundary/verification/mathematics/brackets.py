"""Tokens between brackets and outside them: where lists part, what is wrapped in what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from boundary.verification.mathematics.tokens import Token

OPENING, CLOSING = frozenset(("(", "[", "{", "langle")), frozenset((")", "]", "}", "rangle"))


def trim(tokens: Sequence[Token]) -> list[Token]:
    """Without punctuation at its ends, and without braces around the whole."""
    start, end = 0, len(tokens)
    while start < end:
        if tokens[end - 1].value in (".", ",", ";", ":") and tokens[end - 1].kind == "sign":
            end -= 1
        elif tokens[start].kind != "text" and tokens[start].value in (",", ";", ":", "=", "approx"):
            start += 1
        elif _wraps(tokens[start:end], "{"):
            start, end = start + 1, end - 1
        else:
            break
    return list(tokens[start:end])


def _wraps(tokens: Sequence[Token], opening: str) -> bool:
    """Whether a plain ``opening`` at the start closes at the very end."""
    first = tokens[0]
    return first.kind == "sign" and first.value == opening and closes_at(tokens) == len(tokens) - 1


def closes_at(tokens: Sequence[Token]) -> int | None:
    """Where the bracket that the tokens begin with closes; kinds need not match: [2,5)."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += turn(token)
        if depth == 0:
            return place
    return None


def turn(token: Token) -> int:
    """1 for an opening bracket, -1 for a closing one, else 0."""
    if token.kind not in ("sign", "command"):
        return 0
    return (token.value in OPENING) - (token.value in CLOSING)


def split(tokens: Sequence[Token], is_separator: Callable[[Token], bool]) -> list[list[Token]]:
    """Parts between separators outside all brackets; empty ones are left out."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth = max(0, depth + turn(token))
        if depth == 0 and is_separator(token):
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def at_top(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tokens outside all brackets."""
    depth = 0
    for token in tokens:
        depth = max(0, depth + turn(token))
        if depth == 0:
            yield token


def is_set(tokens: Sequence[Token]) -> bool:
    """Whether the braces of a set are around the whole."""
    first = tokens[0]
    return (first.kind, first.value) == ("command", "{") and closes_at(tokens) == len(tokens) - 1


def is_interval(tokens: Sequence[Token]) -> bool:
    """Brackets of an interval that is closed at one end at least."""
    if len(tokens) < 5 or closes_at(tokens) != len(tokens) - 1:
        return False
    return (tokens[0].value, tokens[-1].value) in (("(", "]"), ("[", ")"), ("[", "]"))


def join_thousands(tokens: Sequence[Token]) -> list[Token]:
    """Numbers parted by commas into groups of three, joined, outside all brackets."""
    found: list[Token] = []
    depth, at = 0, 0
    while at < len(tokens):
        token = tokens[at]
        depth += turn(token)
        at += 1
        if token.kind == "number" and depth == 0 and token.value.isdigit() and len(token.value) < 4:
            value = token.value
            while (
                value[0] != "0" and at + 1 < len(tokens) and _is_group(tokens[at], tokens[at + 1])
            ):
                value += tokens[at + 1].value
                at += 2
            token = Token("number", value, token.spaced)
        found.append(token)
    return found


def _is_group(comma: Token, digits: Token) -> bool:
    return (
        comma.value == ","
        and not comma.spaced
        and not digits.spaced
        and digits.kind == "number"
        and re.fullmatch(r"\d{3}(?:\.\d*)?", digits.value) is not None
    )
