r"""What an answer says, read from its tokens.

Ambiguous texts have several readings (1,234 is a number, or two); each is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

from boundary.verification.mathematics.answer import (
    INFINITY,
    REAL_LINE,
    Based,
    Collection,
    Matrix,
    Reading,
    Relation,
    Union,
    Value,
)
from boundary.verification.mathematics.brackets import (
    OPENING,
    at_top,
    closes_at,
    is_interval,
    is_set,
    join_thousands,
    split,
    trim,
)
from boundary.verification.mathematics.characters import clean
from boundary.verification.mathematics.expression import parse
from boundary.verification.mathematics.relations import conjunction
from boundary.verification.mathematics.tokens import Token, UnreadableError, tokenise
from boundary.verification.mathematics.tree import Node, number, symbols_of
from boundary.verification.mathematics.units import (
    NO_UNIT,
    canonical_unit,
    is_unit_text,
    scale_of,
    unit_start,
    without_scale_word,
)
from boundary.verification.mathematics.wording import plain, raw_words, words_of
from boundary.verification.policy import Policy

DEEPEST = 20  # collections in collections
MOST_ITEMS = 1_000
NUMBER_FIRST = re.compile(r"\s*([-+(]*(?:\\dollar\s*)?[.0-9][0-9.,/%\\)]*)(.*)", re.DOTALL)
TURNED = {">": "<", "ge": "le"}
RELATIONS = {"=": "=", "<": "<", ">": ">", "le": "le", "ge": "ge", "ne": "ne", "in": "in",
             "approx": "=", "equiv": "="}  # fmt: skip
ROUND = {"langle": "(", "rangle": ")"}
CONNECTIVES = frozenset(("and", "or", "and/or", "&", ""))
CONNECTIVE = re.compile(r"(?<![A-Za-z\\{])(and|or)(?![A-Za-z}])")
BASED = re.compile(
    r"\(?([0-9]+[0-9A-Fa-f]*|[A-F]+[0-9]+[0-9A-F]*)\)?_?\{?\(?(?:base)?([0-9]+|[a-z]+)\)?\}?"
)
BASE_NAMES = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
              "nine": "9", "ten": "10", "twelve": "12", "sixteen": "16"}  # fmt: skip
INFINITIES = (INFINITY, Node("neg", (INFINITY,)))
PLAIN_SUM = frozenset(("+", "-", "*", "cdot", "times", "(", ")", "="))


def read(text: str, policy: Policy, is_gold: bool) -> list[Reading]:
    """The readings of an answer, the likeliest first. Raises UnreadableError if there is none."""
    cleaned = clean(text)
    words = raw_words(cleaned)
    if words is not None:
        return [words_of(words)]
    tokens = trim(tokenise(CONNECTIVE.sub(r"\\text{\1}", cleaned)))
    if not tokens:
        raise UnreadableError("an empty answer")
    own, own_scale = without_scale_word(policy.unit)
    tokens = trim(unwrap_texts(tokens, own))
    if not tokens:
        raise UnreadableError("an empty answer")
    if is_gold:
        tokens = _without_own_scale(tokens, own_scale)
    several = policy.several if is_gold else "auto"
    variants = [tokens]
    if policy.thousands == "separators" and several != "list":
        joined = join_thousands(tokens)
        if joined != tokens:
            variants = [joined] if several == "single" else [joined, tokens]
    found: list[Reading] = []
    refused: UnreadableError | None = None
    # Letters behind a number are variables in a gold; in an answer they may be a unit: 5 cm, 3nm.
    bares = (False,) if is_gold else (True, False)
    for bare, shift in product(bares, (0,) if is_gold else _shifts(own_scale, policy)):
        reader = _Reader(policy, own, bare, shift)
        for variant in variants:
            try:
                found.append(reader.item(variant) if several == "single" else reader.whole(variant))
            except UnreadableError as unreadable:
                refused = refused or unreadable
    if refused is not None and not found:
        raise refused
    return list(dict.fromkeys(found))


def _without_own_scale(tokens: list[Token], own_scale: int) -> list[Token]:
    """A gold of 3 million is one of 3, if its unit is a million."""
    short, scale = without_scale(tokens)
    return short if scale == own_scale else tokens


def _shifts(own_scale: int, policy: Policy) -> tuple[int, ...]:
    """How answers are read: 3 million and 3,000,000 as 3 millions, and 3 too, if none is required."""
    if not own_scale:
        return (0,)
    return (-own_scale,) if policy.units == "required" else (0, -own_scale)


def is_separator(token: Token) -> bool:
    r"""A comma, a semicolon, ``\lor``, or a text that says and, or or."""
    if token.kind == "text":
        return plain(token.value).strip(" ,").lower() in CONNECTIVES - {""}
    return token.value in (",", ";") or (token.kind == "command" and token.value in ("lor", "land"))


class _Reader:
    def __init__(self, policy: Policy, own_unit: str, bare_units: bool, shift: int) -> None:
        self.policy = policy
        self.own_unit = own_unit
        self.bare_units = bare_units
        self.shift = shift  # the power of ten by which values are read larger than they are
        self.depth = 0
        self.relations = 0  # that the item at hand stands in

    def whole(self, tokens: Sequence[Token]) -> Reading:
        """One item, or a bare list of several."""
        items = list(self.items(tokens))
        if len(items) == 2 and sum(map(is_conjunction, at_top(tokens))) == 1:
            both = conjunction(items[0], items[1])
            if both is not None:
                return both
        return items[0] if len(items) == 1 else Collection("", tuple(items), "")

    def items(self, tokens: Sequence[Token]) -> Iterator[Reading]:
        """The items of a list; one with a plus-minus sign is two."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnreadableError(f"collections nested deeper than {DEEPEST}")
        parts = split(tokens, is_separator)
        if len(parts) > MOST_ITEMS:
            raise UnreadableError(f"a list of more than {MOST_ITEMS} items")
        for part in parts:
            if any(t.kind == "command" and t.value in ("pm", "mp") for t in part) and not is_set(
                part
            ):
                for plus, minus in (("+", "-"), ("-", "+")):
                    signs = {"pm": plus, "mp": minus}
                    item = self.item(
                        [
                            Token("sign", signs[t.value])
                            if t.kind == "command" and t.value in signs
                            else t
                            for t in part
                        ]
                    )
                    yield replace(item, unevaluated=False) if isinstance(item, Value) else item
            else:
                yield self.item(part)
        self.depth -= 1

    def item(self, tokens: Sequence[Token]) -> Reading:
        """One item: a relation, a union, a collection, a matrix, words or a value."""
        tokens = trim(tokens)
        tokens = without_label(tokens)
        if not tokens:
            raise UnreadableError("an empty item")
        tokens = without_approximation(tokens)
        signs = tuple(
            RELATIONS[t.value] for t in at_top(tokens) if t.kind != "text" and t.value in RELATIONS
        )
        if signs:
            sides = split(tokens, lambda t: t.kind != "text" and t.value in RELATIONS)
            if len(sides) != len(signs) + 1:
                raise UnreadableError("a relation with an empty side")
            if self.relations:
                raise UnreadableError("relations inside relations")
            self.relations += 1
            items = tuple(self.item(side) for side in sides)
            self.relations -= 1
            if all(sign in TURNED for sign in signs):  # upwards, as they are compared
                return Relation(tuple(TURNED[sign] for sign in signs[::-1]), items[::-1])
            return Relation(signs, items)
        if any(t == ("command", "cup", t.spaced) for t in at_top(tokens)):
            parts = split(tokens, lambda t: t.kind == "command" and t.value == "cup")
            return Union(tuple(self.item(part) for part in parts))
        if tokens[0].kind == "letter" and is_interval(tokens[1:]):  # t(0,4]
            return Relation(("in",), (self.value(tokens[:1]), self.item(tokens[1:])))
        return self.special(tokens) or self.collection(tokens) or self.value(tokens)

    def special(self, tokens: list[Token]) -> Reading | None:
        """Words, the empty set, the real line, a matrix, digits in a base."""
        if all(token.kind == "text" for token in tokens):
            return words_of(" ".join(plain(token.value) for token in tokens))
        first = tokens[0]
        if len(tokens) == 1 and first.kind == "command" and first.value == "emptyset":
            return Collection("{", (), "}")
        if first == ("command", "mathbb", first.spaced) and [t.value for t in tokens[1:]] in (
            ["{", "R", "}"],
            ["R"],
        ):
            return REAL_LINE
        if first.kind == "command" and first.value == "begin":
            return self.matrix(tokens)
        return based(tokens)

    def matrix(self, tokens: list[Token]) -> Reading:
        """The entries of an environment. Raises UnreadableError if that is no matrix."""
        names = "".join(token.value for token in tokens[1:12])
        if not re.match(r"\{[pbB]?(?:small)?matrix\}|\{array\}", names):
            raise UnreadableError("an environment that is no matrix", unknown=True)
        name = names[: names.index("}") + 1]
        start = 1 + len(name)  # a token a character
        if name == "{array}" and start < len(tokens) and tokens[start].value == "{":
            start += (closes_at(tokens[start:]) or 0) + 1
        ends = [i for i, t in enumerate(tokens) if t.kind == "command" and t.value == "end"]
        if len(ends) != 1 or "".join(t.value for t in tokens[ends[0] + 1 :]) != name:
            raise UnreadableError("something beside a matrix", unknown=True)
        rows = split(tokens[start : ends[0]], lambda t: t.kind == "command" and t.value == "\\")
        if any(len(split(row, is_cell_end)) != 1 + sum(map(is_cell_end, row)) for row in rows):
            raise UnreadableError("a matrix with empty entries")
        return Matrix(
            tuple(tuple(self.item(cell) for cell in split(row, is_cell_end)) for row in rows)
        )

    def collection(self, tokens: list[Token]) -> Reading | None:
        """Brackets around the whole, with commas in them, or braces of a set."""
        if any(t.kind == "sign" and t.value == ":" for t in at_top(tokens)):
            parts = split(tokens, lambda t: t.kind == "sign" and t.value == ":")
            terms = tuple(self.item(part) for part in parts)
            if any(isinstance(t, Value) and t.written[-2:].upper() in ("AM", "PM") for t in terms):
                raise UnreadableError("a time of day")
            return Collection(":", terms, ":")
        first, last = tokens[0], tokens[-1]
        if (
            first.value not in OPENING
            or closes_at(tokens) != len(tokens) - 1
            or first.kind == "text"
        ):
            return None
        inside = tokens[1:-1]
        if is_set(tokens):
            if any(t.value in ("|", ":") for t in at_top(inside)):
                raise UnreadableError("a set described by a property", unknown=True)
            return Collection("{", tuple(self.items(inside)), "}")
        opening, closing = (ROUND.get(t.value, t.value) for t in (first, last))
        if len(split(inside, is_separator)) > 1:
            if self.policy.intervals == "none" and (opening, closing) == ("[", "]"):
                opening = closing = ""  # a list, and not the ends of an interval
            return Collection(opening, tuple(self.items(inside)), closing)
        if inside and (opening, closing) == ("(", ")") and all(t.kind == "text" for t in inside):
            return self.item(inside)
        return None

    def value(self, tokens: list[Token]) -> Reading:
        """An expression, with its unit, percent or currency sign taken off."""
        tokens, scale = without_scale(tokens)
        core, unit, percent = self.take_off(tokens)
        if not scale:  # 3 million dollars
            core, scale = without_scale(core)
        if not core:
            raise UnreadableError("a unit without a value")
        node = parse(core, self.policy.mixed_numbers == "sum")
        if not symbols_of(node) and node not in INFINITIES:
            scale += self.shift
        if scale:
            node = Node("mul", (node, number(Fraction(10) ** scale)))
        written = "".join(token.value for token in core) + f"times10^{scale}" * bool(scale)
        name, known = canonical_unit(unit) if unit else ("", False)
        unevaluated = is_unevaluated(core)
        return Value(node, written, name, known, percent, unevaluated)

    def take_off(self, tokens: list[Token]) -> tuple[list[Token], str, bool]:
        """Tokens without the currency sign before them and the percent sign or unit behind them."""
        unit, percent = "", False
        for sign in (0, 1):  # -$5, $-5
            if (
                sign < len(tokens)
                and tokens[sign].value in ("dollar", "€", "£", "pounds")
                and (sign == 0 or tokens[0].value in ("-", "+"))
            ):
                unit = {"€": "euro", "£": "pound sterling"}.get(tokens[sign].value, "dollar")
                tokens = tokens[:sign] + tokens[sign + 1 :]
                break
        while len(tokens) > 1:
            last = tokens[-1]
            if last.kind in ("command", "sign") and last.value in ("%", "dollar"):
                percent, unit = percent or last.value == "%", unit or "dollar" * (last.value != "%")
                tokens = tokens[:-1]
                continue
            start = None if unit else unit_start(tokens, self.own_unit, self.bare_units)
            if start is None:
                break
            text = "".join((" " * t.spaced) + plain(t.value) for t in tokens[start:]).strip()
            tokens = tokens[:start]
            if re.fullmatch(r"(?i)percent(?:age)?(?:\s+points?)?|pct", text):
                percent = True
            else:
                unit = unit or text.replace("circ", "degree")
        return tokens, unit, percent


def without_label(tokens: list[Token]) -> list[Token]:
    """``Area: 5`` without its label."""
    if len(tokens) < 2 or tokens[0].kind != "text":
        return tokens
    label = plain(tokens[0].value)
    if set(re.findall("[a-z]+", label.lower())) & NO_UNIT:  # at least: 5
        return tokens
    if len(tokens) > 2 and tokens[1].value in (":", "="):
        return tokens[2:]
    return tokens[1:] if label.endswith((":", "=")) else tokens


def without_approximation(tokens: list[Token]) -> list[Token]:
    r"""``2/3 \\approx 0.667`` without what is said in other words: a decimal behind an exact value."""
    parts = split(tokens, lambda token: token.kind == "command" and token.value == "approx")
    is_name = len(parts[0]) == 1 and parts[0][0].kind == "letter"
    return parts[0] if len(parts) == 2 and not is_name else tokens


def unwrap_texts(tokens: list[Token], own: str) -> list[Token]:
    r"""``\text{12}`` and ``\text{5 cm}`` as if the command were not there: they begin with a number."""
    found: list[Token] = []
    for token in tokens:
        number_and_rest = NUMBER_FIRST.match(token.value) if token.kind == "text" else None
        if number_and_rest is None:
            if token.kind != "text" or plain(token.value):
                found.append(token)
        elif is_unit_text(number_and_rest[2], own):
            found += tokenise(clean(number_and_rest[1]))
            found.append(Token("text", number_and_rest[2], True))
        else:
            found += tokenise(CONNECTIVE.sub(r"\\text{\1}", clean(token.value)))
    return found


def based(tokens: Sequence[Token]) -> Based | None:
    """Digits with a base as subscript, or a text that tells it."""
    joined = "".join(
        plain(t.value).replace(" ", "") if t.kind == "text" else t.value for t in tokens
    )
    tells = "_" in joined or "base" in joined
    match = BASED.fullmatch(joined) if tells and len(joined) < 200 else None
    if match is None:
        return None
    base = BASE_NAMES.get(match[2], match[2])
    return Based(match[1].lstrip("0").upper() or "0", base) if base.isdigit() else None


def without_scale(tokens: list[Token]) -> tuple[list[Token], int]:
    """Tokens without a word such as million at their end, and the power of ten that it stands for."""
    if len(tokens) > 1 and tokens[-1].kind == "text":
        word, _, rest = plain(tokens[-1].value).partition(" ")
        scale = scale_of(word.strip("()"))
        unit = [Token("text", f" {rest}", True)] if rest else []
        return ([*tokens[:-1], *unit], scale) if scale else (tokens, 0)
    letters = 0
    while letters < len(tokens) - 1 and tokens[-1 - letters].kind == "letter":
        letters += 1
    scale = scale_of("".join(token.value for token in tokens[len(tokens) - letters :]))
    return (tokens[: len(tokens) - letters], scale) if scale else (tokens, 0)


def is_conjunction(token: Token) -> bool:
    """The word and, or its sign."""
    if token.kind == "text":
        return plain(token.value).strip(" ,").lower() == "and"
    return token.kind == "command" and token.value == "land"


def is_cell_end(token: Token) -> bool:
    """What parts the entries of a row."""
    return token.value == "&"


def is_unevaluated(tokens: Sequence[Token]) -> bool:
    """A sum or product of plain integers that is left to the reader, as 3+4*2."""
    if not all(t.value.isdigit() if t.kind == "number" else t.value in PLAIN_SUM for t in tokens):
        return False
    operators = [t for t in tokens[1:] if t.kind != "number" and t.value not in ("(", ")", "=")]
    return bool(operators) and sum(t.kind == "number" for t in tokens) > 1
