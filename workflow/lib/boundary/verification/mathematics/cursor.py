"""A place in a sequence of tokens, and the looks and steps that a parser takes from it."""

from __future__ import annotations

from collections.abc import Sequence

from boundary.verification.mathematics.tokens import Token, UnreadableError


class Cursor:
    """The tokens, and where it is among them."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The token that comes next, or some places later; None beyond the end."""
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def is_next(self, *values: str, ahead: int = 0) -> bool:
        """Whether a sign or a command of these comes next."""
        token = self.peek(ahead)
        return token is not None and token.kind in ("sign", "command") and token.value in values

    def take(self) -> Token:
        """Step over the next token, and return it. Raises UnreadableError at the end."""
        token = self.peek()
        if token is None:
            raise UnreadableError("an expression that breaks off")
        self.at += 1
        return token

    def expect(self, value: str) -> None:
        """Step over a sign or a command that must come next."""
        if not self.is_next(value):
            raise UnreadableError(f"{value!r} is missing before {shown(self.peek())}")
        self.at += 1

    def flat_argument(self) -> str:
        """An argument's tokens as one text: a subscript, or what stands under an accent."""
        if not self.is_next("{"):
            return self.take().value.strip()
        start, depth = self.at, 0
        while True:
            token = self.take()
            if token.kind == "sign":
                depth += {"{": 1, "}": -1}.get(token.value, 0)
            if depth == 0:
                inside = self.tokens[start + 1 : self.at - 1]
                return "".join(token.value.strip() for token in inside)


def shown(token: Token | None) -> str:
    """A token as a message shows it."""
    return "the end" if token is None else repr(token.value[:20])
