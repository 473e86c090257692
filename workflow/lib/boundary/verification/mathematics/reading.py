r"""What an answer says, read from its tokens.

Ambiguous texts have several readings (1,234 is a number, or two); each is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from boundary.verification.mathematics.answer import (
    REAL_LINE,
    Based,
    Collection,
    Matrix,
    Reading,
    Relation,
    Union,
    Value,
    Words,
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
from boundary.verification.mathematics.tokens import Token, UnreadableError, tokenise
from boundary.verification.mathematics.units import canonical_unit, unit_start
from boundary.verification.policy import Policy

DEEPEST = 20  # collections in collections
MOST_ITEMS = 1_000
RELATIONS = {"=": "=", "<": "<", ">": ">", "le": "le", "ge": "ge", "ne": "ne", "in": "in",
             "approx": "=", "equiv": "="}  # fmt: skip
ROUND = {"langle": "(", "rangle": ")"}
CONNECTIVES = frozenset(("and", "or", "and/or", "&", ""))
# Letters in a row that are no product: a word has a vowel, and e and i are constants where alone.
RAW_WORDS = re.compile(r"[^\W\d_][^\W\d_'.\- ]*(?:[ '\-.]+[^\W\d_]+)*[.!]?")
CONNECTIVE = re.compile(r"(?<![A-Za-z\\{])(and|or)(?![A-Za-z}])")
BASED = re.compile(
    r"\(?([0-9]+[0-9A-Fa-f]*|[A-F]+[0-9]+[0-9A-F]*)\)?_?\{?\(?(?:base)?([0-9]+|[a-z]+)\)?\}?"
)
BASE_NAMES = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
              "nine": "9", "ten": "10", "twelve": "12", "sixteen": "16"}  # fmt: skip
PLAIN_SUM = frozenset(("+", "-", "*", "cdot", "times", "(", ")", "="))
EMPTY = frozenset(("no solution", "no solutions", "no real solution", "no real solutions", "empty set",
                   "the empty set"))  # fmt: skip
ALL_REAL = frozenset(("all real numbers", "all reals", "the real numbers", "all real x"))


def read(text: str, policy: Policy, is_gold: bool) -> list[Reading]:
    """The readings of an answer, the likeliest first. Raises UnreadableError if there is none."""
    cleaned = clean(text)
    words = raw_words(cleaned)
    if words is not None:
        return [words_of(words)]
    tokens = trim(tokenise(CONNECTIVE.sub(r"\\text{\1}", cleaned)))
    if not tokens:
        raise UnreadableError("an empty answer")
    several = policy.several if is_gold else "auto"
    variants = [tokens]
    if policy.thousands == "separators" and several != "list":
        joined = join_thousands(tokens)
        if joined != tokens:
            variants = [joined] if several == "single" else [joined, tokens]
    reader = _Reader(policy)
    if several == "single":
        return [reader.item(variant) for variant in variants]
    return [reader.whole(variant) for variant in variants]


def raw_words(cleaned: str) -> str | None:
    """Words without any command, if these letters are more likely words than a product."""
    text = cleaned.rstrip(".!").strip("\"' ")
    if len(text) < 2 or not RAW_WORDS.fullmatch(text) or re.search(r"\b(?:and|or)\b", text):
        return None
    lengths = [len(word) for word in re.split(r"[ '\-.]+", text)]
    if max(lengths) == 1 or (
        (lengths == [2] or lengths == [3]) and not re.search("[eiouEIOU]", text)
    ):
        return None
    return text


def is_separator(token: Token) -> bool:
    r"""A comma, a semicolon, ``\lor``, or a text that says and, or or."""
    if token.kind == "text":
        return plain(token.value).strip(" ,").lower() in CONNECTIVES - {""}
    return token.value in (",", ";") or (token.kind == "command" and token.value in ("lor", "land"))


def plain(text: str) -> str:
    """A text command's content without commands and braces of its own."""
    return re.sub(r"\\[A-Za-z]+|[{}~]", " ", text).replace("\\", " ").strip()


class _Reader:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.depth = 0

    def whole(self, tokens: Sequence[Token]) -> Reading:
        """One item, or a bare list of several."""
        items = list(self.items(tokens))
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
                    yield self.item(
                        [
                            Token("sign", signs[t.value])
                            if t.kind == "command" and t.value in signs
                            else t
                            for t in part
                        ]
                    )
            else:
                yield self.item(part)
        self.depth -= 1

    def item(self, tokens: Sequence[Token]) -> Reading:
        """One item: a relation, a union, a collection, a matrix, words or a value."""
        tokens = trim(tokens)
        tokens = unwrap_texts(without_label(tokens))
        if not tokens:
            raise UnreadableError("an empty item")
        signs = tuple(
            RELATIONS[t.value] for t in at_top(tokens) if t.kind != "text" and t.value in RELATIONS
        )
        if signs:
            sides = split(tokens, lambda t: t.kind != "text" and t.value in RELATIONS)
            if len(sides) != len(signs) + 1:
                raise UnreadableError("a relation with an empty side")
            return Relation(signs, tuple(self.item(side) for side in sides))
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
        names = "".join(token.value for token in tokens[1:12])
        if not re.match(r"\{[pbvBV]?(?:small)?matrix\}|\{array\}", names):
            raise UnreadableError("an environment that is no matrix", unknown=True)
        start = next(i for i, token in enumerate(tokens) if token.value == "}") + 1
        if names.startswith("{array}") and tokens[start].value == "{":
            start += (closes_at(tokens[start:]) or 0) + 1
        ends = [i for i, t in enumerate(tokens) if t.kind == "command" and t.value == "end"]
        if len(ends) != 1 or "".join(t.value for t in tokens[ends[0] + 1 :]).count("}") != 1:
            raise UnreadableError("more than one matrix", unknown=True)
        rows = split(tokens[start : ends[0]], lambda t: t.kind == "command" and t.value == "\\")
        return Matrix(
            tuple(
                tuple(self.item(cell) for cell in split(row, lambda t: t.value == "&"))
                for row in rows
            )
        )

    def collection(self, tokens: list[Token]) -> Reading | None:
        """Brackets around the whole, with commas in them, or braces of a set."""
        if any(t.kind == "sign" and t.value == ":" for t in at_top(tokens)):
            parts = split(tokens, lambda t: t.kind == "sign" and t.value == ":")
            return Collection(":", tuple(self.item(part) for part in parts), ":")
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
            return Collection(opening, tuple(self.items(inside)), closing)
        if inside and (opening, closing) == ("(", ")") and all(t.kind == "text" for t in inside):
            return self.item(inside)
        return None

    def value(self, tokens: list[Token]) -> Reading:
        """An expression, with its unit, percent or currency sign taken off."""
        core, unit, percent = self.take_off(tokens)
        if not core:
            raise UnreadableError("a unit without a value")
        node = parse(core, self.policy.mixed_numbers == "sum")
        written = "".join(token.value for token in core)
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
            start = unit_start(tokens, self.policy.unit)
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
    if len(tokens) > 2 and tokens[0].kind == "text" and tokens[1].value in (":", "="):
        return tokens[2:]
    if len(tokens) > 1 and tokens[0].kind == "text" and plain(tokens[0].value).endswith((":", "=")):
        return tokens[1:]
    return tokens


def unwrap_texts(tokens: list[Token]) -> list[Token]:
    r"""``\text{12}`` and ``\text{5 cm}`` as if the command were not there: they begin with a number."""
    found: list[Token] = []
    for token in tokens:
        if token.kind == "text" and re.match(r"\s*[-+(]?\\?[$]?\s*[.\d]", token.value):
            number = re.match(r"\s*([-+(]*\\?[$]?[\d.,/%\\)]+)(.*)", token.value, re.DOTALL)
            if number is None:
                found.append(token)
                continue
            found += tokenise(clean(number[1]))
            if number[2].strip():
                found.append(Token("text", number[2], True))
        elif token.kind != "text" or plain(token.value):
            found.append(token)
    return found


def words_of(text: str) -> Reading:
    """Words; those that name a set are that set."""
    folded = " ".join(text.lower().rstrip(".!").split())
    if folded in EMPTY:
        return Collection("{", (), "}")
    if folded in ALL_REAL:
        return REAL_LINE
    return Words(text)


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


def is_unevaluated(tokens: Sequence[Token]) -> bool:
    """A sum or product of plain integers that is left to the reader, as 3+4*2."""
    if not all(t.value.isdigit() if t.kind == "number" else t.value in PLAIN_SUM for t in tokens):
        return False
    operators = [t for t in tokens[1:] if t.kind != "number" and t.value not in ("(", ")", "=")]
    return bool(operators) and sum(t.kind == "number" for t in tokens) > 1
