r"""Numbers as they are written: 4.5e33, 0.\overline{3}, 1\frac{4}{5}."""

from __future__ import annotations

from fractions import Fraction

from boundary.verification.mathematics.cursor import Cursor
from boundary.verification.mathematics.tokens import Token, UnreadableError

LONGEST_PERIOD = 100  # digits under a line
LARGEST_EXPONENT = 10_000  # of ten, in a number's text


def parse_number(text: str) -> Fraction:
    """The exact value of a decimal's text, as in ``4.5e33``. Raises UnreadableError beyond 10^10000."""
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > LARGEST_EXPONENT:
        raise UnreadableError(f"a number beyond 10^{LARGEST_EXPONENT}")
    try:
        return Fraction(mantissa.rstrip(".") or "0") * Fraction(10) ** int(exponent or 0)
    except ValueError:  # more digits than Python converts
        raise UnreadableError("a number of thousands of digits") from None


def repeating(cursor: Cursor, text: str) -> Fraction:
    """The value of the digits under a line that follow a decimal's ``text``."""
    cursor.take()
    cursor.expect("{") if cursor.is_next("{") else None
    digits = cursor.take().value
    cursor.expect("}") if cursor.is_next("}") else None
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > LONGEST_PERIOD:
        raise UnreadableError("a line over something that is no digits")
    places = len(text.partition(".")[2])
    return Fraction(int(digits), (10 ** len(digits) - 1) * 10**places)


def mixed_part(cursor: Cursor) -> Fraction | None:
    r"""The proper fraction after an integer: ``\frac{4}{5}``, ``\frac45`` or `` 4/5``."""
    values: list[Token] = []
    if cursor.is_next("frac"):
        shape = list(cursor.tokens[cursor.at + 1 : cursor.at + 7])
        if [t.value for t in shape[:1]] == ["{"]:
            pattern = [t.value if t.kind != "number" else "n" for t in shape]
            if pattern == ["{", "n", "}", "{", "n", "}"]:
                values, length = [shape[1], shape[4]], 7
        elif shape and shape[0].kind == "number" and len(shape[0].value) == 2:
            pair = shape[0].value
            values, length = [Token("number", pair[0]), Token("number", pair[1])], 2
    else:
        three = [cursor.peek(ahead) for ahead in range(3)]
        if (
            all(three)
            and three[0].kind == three[2].kind == "number"  # type: ignore[union-attr]
            and three[0].spaced  # type: ignore[union-attr]
            and three[1].value == "/"  # type: ignore[union-attr]
        ):
            values, length = [three[0], three[2]], 3  # type: ignore[list-item]
    if not values or not all(t.value.isdigit() and len(t.value) < 20 for t in values):
        return None
    above, below = (int(token.value) for token in values)
    if not 0 < above < below:
        return None
    cursor.at += length
    return Fraction(above, below)
