r"""LaTeX as tokens, in one pass over the text."""

from __future__ import annotations

import re
from typing import NamedTuple

from boundary.verification.mathematics.vocabulary import (
    COLOURS,
    FONT_COMMANDS,
    SAME,
    SILENT,
    TEXT_COMMANDS,
)

NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
TOKEN = re.compile(
    rf"(?P<number>{NUMBER}(?:[eE][+-]?[0-9]{{1,12}}(?![0-9A-Za-z]|\.[0-9]))?)"
    r"|(?P<command>\\(?:operatorname\*|[A-Za-z]+|\\|.))"
    r"|(?P<letter>[^\W\d_])"
    r"|(?P<space>\s+)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
BOLD_WORD = re.compile(r"\s*\{\s*([A-Za-z][A-Za-z ]+)\}")


class UnreadableError(Exception):
    """A text that is no mathematics as this reader knows it.

    ``unknown`` tells that it uses constructs that another reader may know.
    """

    def __init__(self, reason: str, unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unknown = unknown


class Token(NamedTuple):
    r"""A token: ``kind`` is number, command, letter, text, operator or sign; ``spaced`` after a space.

    A command's value has no backslash; \\{ and \\} are the commands { and }.
    """

    kind: str
    value: str
    spaced: bool = False


def tokenise(text: str) -> list[Token]:
    r"""Tokens of a cleaned text. Raises UnreadableError where a text command's braces do not close."""
    found: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match is not None  # the last alternative takes any character
        kind, value = str(match.lastgroup), match[0]
        at = match.end()
        if kind == "space" or value in ("~", "\\ "):
            spaced = True
            continue
        if kind == "command":
            name = value[1:]
            if name in SILENT:
                spaced = spaced or name in ("quad", "qquad")
                at = _after_invisible_delimiter(text, at) if name in ("left", "right") else at
                continue
            if name in TEXT_COMMANDS:
                content, at = _braced(text, at)
                kind = "operator" if name.startswith("operatorname") else "text"
                found.append(Token(kind, content, spaced))
                spaced = False
                continue
            if name in COLOURS:
                _, at = _braced(text, at)
                continue
            if name in FONT_COMMANDS:
                word = BOLD_WORD.match(text, at)
                if word is not None:
                    found.append(Token("text", word[1], spaced))
                    at, spaced = word.end(), False
                continue
            name = SAME.get(name, name)
            if name in ("<", ">", "*", "|", "(", ")", "[", "]", ":", "'"):
                kind, value = "sign", name
            else:
                value = name
        found.append(Token(kind, value, spaced))
        spaced = False
    return found


def _after_invisible_delimiter(text: str, at: int) -> int:
    r"""Past the dot of ``\left.``, which draws nothing."""
    return at + 1 if text.startswith(".", at) else at


def _braced(text: str, at: int) -> tuple[str, int]:
    """Content of the braces at ``at``, and where they end; a single character stands for itself."""
    while at < len(text) and text[at].isspace():
        at += 1
    if at >= len(text):
        return "", at
    if text[at] != "{":
        return text[at], at + 1
    depth = 0
    for position in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[at + 1 : position], position + 1
    raise UnreadableError("braces that do not close")
