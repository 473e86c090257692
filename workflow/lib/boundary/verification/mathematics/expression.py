r"""Expressions: from tokens to a tree, by precedence climbing.

Its own reader, since the ones at hand fold R into r, read 1\,700 as 701 and 4.5e33 as 4.5 * e * 33, or
run eval on what a model wrote; and it takes microseconds.
"""

from __future__ import annotations

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
    FUNCTIONS,
    GREEK_NAMES,
    MULTIPLICATION,
    SPELLED,
    UNKNOWN,
)

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

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnreadableError(f"nested deeper than {DEEPEST}")
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
        if token.kind in ("number", "letter", "text"):
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
        base = self.postfix()
        while self.is_next("^"):
            self.take()
            exponent = self.exponent()
            base = base if exponent is None else Node("pow", (base, exponent))
            if exponent is None:
                base = Node("mul", (base, Node("degree")))
            if self.is_next("!"):
                self.take()
                base = Node("factorial", (base,))
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
            return Node("neg", (self.argument(),))
        token = self.peek()
        if token is not None and token.kind == "number" and len(token.value) > 1:
            rest = Token("number", token.value[1:])
            self.tokens = [*self.tokens[: self.at], Token("number", token.value[0]), rest,
                           *self.tokens[self.at + 1 :]]  # fmt: skip
        if token is not None and token.kind == "letter":
            self.at += 1
            return _letter(token.value)
        return self.atom()

    def group(self) -> Node:
        """What stands in brackets of any kind, as one expression."""
        opening = self.take().value
        bars, self.bars = self.bars, 0
        inside = self.sum()
        self.expect(CLOSING[opening])
        self.bars = bars
        return inside

    def postfix(self) -> Node:
        base = self.atom()
        while self.is_next("!"):
            self.take()
            base = Node("factorial", (base,))
        return base

    def atom(self) -> Node:
        token = self.peek()
        if token is None:
            raise UnreadableError("an expression that breaks off")
        if token.kind == "number":
            return self.number()
        if token.kind in ("letter", "text") or token.value in GREEK_NAMES | ACCENTS:
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
        token = self.take()
        spelled = self.spelled_function(token)
        if spelled is not None:
            return self.call(spelled)
        accented = token.kind == "command" and token.value in ACCENTS
        name = f"{token.value} {self.flat_argument()}" if accented else token.value.strip()
        if token.kind == "text" and (not name.isalnum() or len(name) > 12):
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
        if first.kind == "text" and first.value.strip() in SPELLED | FUNCTIONS:
            return first.value.strip()
        if first.kind != "letter":
            return None
        length = 0
        while (
            (token := self.peek(length)) is not None and token.kind == "letter" and not token.spaced
        ):
            length += 1
        name = first.value + "".join(self.tokens[self.at + i].value for i in range(length))
        if name in SPELLED and (self.is_next("(", "{", ahead=length)):
            self.at += length
            return name
        return None

    def applied(self, symbol: Node) -> Node:
        """``f(x)``, or the product of a variable and what stands in brackets.

        f, g and h are functions; any other name is one where a single symbol, a number or a list
        stands in the brackets, as in I(0).
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
        """Expressions in brackets, parted by commas."""
        opening = self.take().value
        bars, self.bars = self.bars, 0
        found = [self.sum()]
        while self.is_next(",", ";"):
            self.take()
            found.append(self.sum())
        self.expect(CLOSING[opening])
        self.bars = bars
        return found

    def command(self) -> Node:
        name = self.peek().value  # type: ignore[union-attr]
        if name in CLOSING:
            inside = self.group()
            return Node("call", (inside,), name[1:]) if name != "langle" else inside
        self.take()
        if name in ("frac", "binom"):
            above = self.argument()
            return Node("div" if name == "frac" else "binomial", (above, self.argument()))
        if name == "sqrt":
            return self.root()
        if name == "pi":
            return Node("constant", value="pi")
        if name == "infty":
            return Node("constant", value="infinity")
        if name in FUNCTIONS:
            return self.call(name)
        raise UnreadableError(f"the command \\{name[:20]}", unknown=name in UNKNOWN)

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
        bracketed = self.is_next("(", "[", "{")
        arguments = tuple(self.arguments()) if bracketed else (self.bare_argument(),)
        if name == "log" and base is not None:
            called = Node("call", (*arguments, base), "log")
        else:
            called = Node("call", arguments, name)
        if power is None:
            return called
        if power == Node("neg", (number(1),)) and name in FUNCTIONS:
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
