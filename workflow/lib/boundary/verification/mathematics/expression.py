r"""Expressions: from tokens to a tree, by precedence climbing.

Its own reader, since the ones at hand fold R into r, read 1\,700 as 701 and 4.5e33 as 4.5 * e * 33, or
run eval on what a model wrote; and it takes microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from boundary.verification.mathematics.cursor import Cursor, shown
from boundary.verification.mathematics.literals import mixed_part, parse_number, repeating
from boundary.verification.mathematics.tokens import Token, UnreadableError
from boundary.verification.mathematics.tree import Node, depth, number
from boundary.verification.mathematics.vocabulary import (
    ACCENTS,
    ADDITION,
    ALWAYS_APPLIED,
    CLOSING,
    EVALUATED,
    FUNCTIONS,
    GREEK_NAMES,
    MULTIPLICATION,
    SPELLED,
    UNKNOWN,
)

# d x, d^2 y, d t^2: what is differentiated is a letter, a command, or one with a subscript.
DIFFERENTIAL = re.compile(r"d(?:\^[0-9])?[A-Za-z]+(?:_[A-Za-z0-9]+)?(?:\^[0-9])?")
LONGEST_NAME = 8  # letters of a function spelled without a backslash
DEEPEST = 60  # brackets in brackets
DEEPEST_TREE = 200


def parse(tokens: Sequence[Token], mixed_numbers: bool = True) -> Node:
    """The tree of one expression. Raises UnreadableError, with the reason, for anything else."""
    parser = _Parser(tokens, mixed_numbers)
    tree = parser.sum()
    if parser.peek() is not None:
        raise UnreadableError(f"what {shown(parser.peek())} means")
    if depth(tree) > DEEPEST_TREE:
        raise UnreadableError(f"a tree deeper than {DEEPEST_TREE}")
    return tree


class _Parser(Cursor):
    def __init__(self, tokens: Sequence[Token], mixed_numbers: bool) -> None:
        super().__init__(tokens)
        self.mixed_numbers = mixed_numbers
        self.depth = 0
        self.bars = 0  # open |
        self.parsed: dict[
            int, tuple[list[Node], int]
        ] = {}  # what stands in brackets, by their place

    def sum(self) -> Node:
        """Terms with + and - between them."""
        self.deeper()
        terms = [self.product()]
        while self.is_next(*ADDITION):
            minus = self.take().value == "-"
            term = self.product()
            terms.append(Node("neg", (term,)) if minus else term)
        tree = terms[0] if len(terms) == 1 else Node("add", tuple(terms))
        if self.is_next("over", "choose"):  # plain TeX's infix commands
            kind = "div" if self.take().value == "over" else "binomial"
            tree = Node(kind, (tree, self.sum()))
        self.depth -= 1
        return tree

    def deeper(self) -> None:
        """Count a step into what is nested. Whoever takes it takes it back."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnreadableError(f"nested deeper than {DEEPEST}")

    def product(self) -> Node:
        left = self.unary()
        while True:
            if self.is_next(*MULTIPLICATION):
                divides = self.take().value in ("/", "div")
                left = Node("div" if divides else "mul", (left, self.unary()))
            elif self.starts_factor():
                if self.peek().kind == self.tokens[self.at - 1].kind == "number":  # type: ignore[union-attr]
                    raise UnreadableError("two numbers side by side")
                left = Node("mul", (left, self.power()))
            else:
                return left

    def starts_factor(self) -> bool:
        """Whether the next token begins a factor of an implicit product."""
        token = self.peek()
        if token is None:
            return False
        if token.kind in ("number", "letter", "text", "operator"):
            return True
        if token.kind == "sign":
            return token.value in ("(", "[", "{") or (token.value == "|" and not self.bars)
        return token.value not in (
            "}", "rfloor", "rceil", "rangle", "\\", "le", "ge", "ne", "in", "approx", "pm", "mp", "lor",
            "land", "%", "&", "over", "choose", *MULTIPLICATION,
        )  # fmt: skip

    def unary(self) -> Node:
        signs = 0
        while self.is_next(*ADDITION):
            signs += self.take().value == "-"
        operand = self.power()
        return Node("neg", (operand,)) if signs % 2 else operand

    def power(self) -> Node:
        """An atom with what stands behind it, and an exponent or the sign of degrees."""
        base = self.postfix()
        if self.is_next("^"):
            self.take()
            exponent = self.exponent()
            degrees = exponent is None
            base = Node("mul", (base, Node("degree"))) if degrees else Node("pow", (base, exponent))  # type: ignore[arg-type]
            if self.is_next("^"):
                raise UnreadableError("a double exponent")
            base = self.factorial(base)
        if self.is_next("%"):
            self.take()
            base = Node("div", (base, number(100)))
        return base

    def exponent(self) -> Node | None:
        """What follows ``^``; None for the sign of degrees."""
        if self.is_next("circ"):
            self.take()
            return None
        if self.is_next("{") and self.is_next("circ", ahead=1) and self.is_next("}", ahead=2):
            self.at += 3
            return None
        return self.argument(signed=True)

    def argument(self, signed: bool = False) -> Node:
        """A command's argument: a group in braces, or one token; a digit of a longer number is one."""
        if self.is_next("{"):
            return self.group()
        if signed and self.is_next("-"):
            self.take()
            self.deeper()
            operand = self.argument(signed=True)
            self.depth -= 1
            return Node("neg", (operand,))
        token = self.peek()
        if signed and token is not None and token.kind == "number":  # 2^10, as it is meant
            return number(parse_number(self.take().value))
        if token is not None and token.kind == "number" and len(token.value) > 1:
            rest = Token("number", token.value[1:])
            self.tokens = [*self.tokens[: self.at], Token("number", token.value[0]), rest,
                           *self.tokens[self.at + 1 :]]  # fmt: skip
        if token is not None and token.kind == "letter":
            self.at += 1
            return _letter(token.value)
        self.deeper()
        argument = self.atom()
        self.depth -= 1
        return argument

    def group(self) -> Node:
        """What stands in brackets of any kind, as one expression."""
        if self.at in self.parsed:
            found, end = self.parsed[self.at]
            if len(found) == 1:
                self.at = end
                return found[0]
        opening = self.take().value
        bars, self.bars = self.bars, 0
        inside = self.sum()
        self.expect(CLOSING[opening])
        self.bars = bars
        return inside

    def postfix(self) -> Node:
        return self.factorial(self.atom())

    def factorial(self, base: Node) -> Node:
        """``base``, or its factorial where the sign follows."""
        if not self.is_next("!"):
            return base
        self.take()
        if self.is_next("!"):
            raise UnreadableError("a double factorial", unknown=True)
        return Node("factorial", (base,))

    def atom(self) -> Node:
        """A number, a name, a command or a group. Raises UnreadableError where there is none."""
        token = self.peek()
        if token is None:
            raise UnreadableError("an expression that breaks off")
        if token.kind == "number":
            return self.number()
        if token.kind in ("letter", "text", "operator") or token.value in GREEK_NAMES | ACCENTS:
            return self.symbol_or_function()
        if token.kind == "sign" and token.value in ("(", "[", "{"):
            return self.group()
        if token.kind == "sign" and token.value == "|":
            return self.absolute()
        if token.kind == "command":
            return self.command()
        raise UnreadableError(f"what {shown(token)} means")

    def absolute(self) -> Node:
        self.take()
        self.bars += 1
        inside = self.sum()
        self.expect("|")
        self.bars -= 1
        return Node("call", (inside,), "abs")

    def number(self) -> Node:
        text = self.take().value
        value = parse_number(text)
        token = self.peek()
        if "." in text and "e" not in text.lower() and self.is_next("overline", "bar", "dot"):
            return number(value + repeating(self, text))
        if not text.isdigit() or token is None or not self.mixed_numbers:
            return number(value)
        mixed = mixed_part(self)
        return number(value) if mixed is None else number(value + mixed)

    def symbol_or_function(self) -> Node:
        """A variable, with its accent and index, or a function of what follows."""
        token = self.take()
        spelled = self.spelled_function(token)
        if spelled is not None:
            return self.call(spelled)
        accented = token.kind == "command" and token.value in ACCENTS
        name = f"{token.value} {self.flat_argument()}" if accented else token.value.strip()
        if token.kind in ("text", "operator") and (not name.isalnum() or len(name) > 12):
            raise UnreadableError("words inside an expression")
        marked = name
        while self.is_next("_", "'") or (self.is_next("^") and self.is_prime()):
            mark = self.take()
            if mark.value == "'":
                marked += "'"
            elif mark.value == "_":
                marked += "_" + self.flat_argument()
            else:
                marked += "'" * self.flat_argument().count("'")
        follows = self.peek()
        if (
            name == "p"
            and follows is not None
            and follows[:2] == ("letter", "i")
            and not follows.spaced
        ):
            self.take()
            return Node("constant", value="pi")
        if marked == name and token.kind in ("letter", "text") and name in ("e", "i"):
            return Node("constant", value=name)
        symbol = Node("symbol", value=marked)
        return self.applied(symbol) if self.is_next("(") else symbol

    def is_prime(self) -> bool:
        return self.is_next("'", ahead=1) or (
            self.is_next("{", ahead=1) and self.is_next("'", ahead=2)
        )

    def spelled_function(self, first: Token) -> str | None:
        """A function's name spelled without a backslash, before an opening bracket."""
        if first.kind in ("text", "operator") and first.value.strip() in SPELLED | FUNCTIONS:
            return first.value.strip()
        if first.kind != "letter":
            return None
        length = 0
        while (
            (token := self.peek(length)) is not None and token.kind == "letter" and not token.spaced
        ):
            length += 1
            if length > LONGEST_NAME:
                return None
        name = first.value + "".join(self.tokens[self.at + i].value for i in range(length))
        if name in SPELLED and self.is_next("(", "{", "^", ahead=length):
            self.at += length
            return name
        return None

    def applied(self, symbol: Node) -> Node:
        """``f(x)``, or the product of a variable and what stands in brackets.

        f is a function; any other name is one where a single symbol, a number or a list stands in the
        brackets, as in I(0).
        """
        start = self.at
        arguments = self.arguments()
        single = len(arguments) == 1 and arguments[0].kind in ("symbol", "number", "constant")
        name = str(symbol.value)
        if name[0] in ALWAYS_APPLIED or single or len(arguments) > 1:
            return Node("apply", tuple(arguments), name)
        self.at = start
        return symbol

    def arguments(self) -> list[Node]:
        """Expressions in brackets, parted by commas. Read again, they are not parsed again."""
        start = self.at
        if start in self.parsed:
            found, self.at = self.parsed[start]
            return found
        opening = self.take().value
        bars, self.bars = self.bars, 0
        found = [self.sum()]
        while self.is_next(",", ";"):
            self.take()
            found.append(self.sum())
        self.expect(CLOSING[opening])
        self.bars = bars
        self.parsed[start] = (found, self.at)
        return found

    def command(self) -> Node:
        """What a command stands for, with its arguments."""
        name = self.peek().value  # type: ignore[union-attr]
        if name in CLOSING:
            inside = self.group()
            return Node("call", (inside,), name[1:]) if name != "langle" else inside
        self.take()
        if name in ("frac", "binom"):
            return self.fraction("div" if name == "frac" else "binomial")
        if name == "sqrt":
            return self.root()
        if name == "pi":
            return Node("constant", value="pi")
        if name == "infty":
            return Node("constant", value="infinity")
        if name in FUNCTIONS:
            return self.call(name)
        raise UnreadableError(f"the command \\{name[:20]}", unknown=name in UNKNOWN)

    def fraction(self, kind: str) -> Node:
        """What has an upper and a lower part; a derivative is a symbol, whose d does not cancel."""
        start = self.at
        above = self.argument()
        middle = self.at
        below = self.argument()
        parts = [
            "".join(token.value for token in part).replace("{", "").replace("}", "")
            for part in (self.tokens[start:middle], self.tokens[middle : self.at])
        ]
        if kind == "div" and all(map(DIFFERENTIAL.fullmatch, parts)):
            return Node("symbol", value="/".join(parts))
        return Node(kind, (above, below))

    def root(self) -> Node:
        degree: Node | None = None
        if self.is_next("["):
            degree = self.group()
        inside = self.argument()
        if degree is None:
            return Node("call", (inside,), "sqrt")
        return Node("root", (inside, degree))

    def call(self, name: str) -> Node:
        """A function: its base, its power, and its argument, in brackets or the factors after it."""
        base = power = None
        while self.is_next("_", "^"):
            if self.take().value == "_":
                base = self.argument()
            else:
                power = self.argument(signed=True)
        if name not in EVALUATED:
            raise UnreadableError(f"the function {name}", unknown=True)
        self.deeper()
        bracketed = self.is_next("(", "[", "{")
        arguments = tuple(self.arguments()) if bracketed else (self.bare_argument(),)
        self.depth -= 1
        if name == "log" and base is not None:
            called = Node("call", (*arguments, base), "log")
        else:
            called = Node("call", arguments, name)
        if power is None:
            return called
        if power == Node("neg", (number(1),)):
            if f"arc{name}" not in EVALUATED:
                raise UnreadableError(f"the inverse of {name}", unknown=True)
            return Node("call", arguments, f"arc{name}")
        return Node("pow", (called, power))

    def bare_argument(self) -> Node:
        """The product after a function's name, up to a sign, an operator or another function."""
        factors = [self.unary() if self.is_next("-") else self.power()]
        while self.starts_factor() and not self.starts_function():
            factors.append(self.power())
        tree = factors[0]
        for factor in factors[1:]:
            tree = Node("mul", (tree, factor))
        return tree

    def starts_function(self) -> bool:
        token = self.peek()
        return token is not None and token.kind == "command" and token.value in FUNCTIONS


def _letter(name: str) -> Node:
    return Node("constant", value=name) if name in ("e", "i") else Node("symbol", value=name)
