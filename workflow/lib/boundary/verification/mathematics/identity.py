"""Whether two expressions are the same function: both evaluated, to 50 digits, at the same points.

Two different analytic functions agree at random points with probability 0: a difference at one point shows
that they differ, and agreement to 30 digits at all of them that they are equal. It takes some hundred
microseconds, where simplification takes anything up to for ever, and it does not depend on the form.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import mp

from boundary.verification.mathematics.exact import MORE, exact_value
from boundary.verification.mathematics.tree import Node, symbols_of
from boundary.verification.mathematics.values import Match, Question
from boundary.verification.mathematics.vocabulary import words

# Digits of the first look, and of further ones: what is equal is equal to any. Constants may differ late.
DIGITS = 50
CONFIRMED, LARGE_CONFIRMED = (400,), (400, 2_000, 10_000)
LARGE = 100  # an exponent or a factorial from which parts of a sum may vanish beside others
SHARE = mpmath.mpf("0.6")  # of the digits that must agree
LARGEST = 5_000  # decimal exponent of what is compared with a decimal
NEEDED = 2  # points at which both sides have a value
SEED = 20_250_516
NEAR_ONE = (0.3, 2.7)
RANGES = (NEAR_ONE, NEAR_ONE, NEAR_ONE, (3, 10), (0.02, 0.2), (30, 100))
# Positive throughout: sqrt(x^2) is x in physics. Where a sign is asked for, both are tried.
SIGNED = frozenset(("abs", "sgn", "sign", "max", "min"))
WHOLE = frozenset(("factorial", "binomial", "floor", "ceil", "gcd", "lcm"))
INTEGERS = (2, 3, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 37, 64, 101, 250, 1009, 2024)
COUNTED = frozenset("ijklmnMN")  # letters that stand for whole numbers
FREE_BASE = "log"  # what ln is divided by in a log without a base

Point = dict[str, Any]


def same(question: Question) -> Match:
    """Answer a question by evaluation. It may take any time and memory: run it where it can be killed."""
    exact = [exact_value(node, MORE) for node in (question.gold, question.answer)]
    if exact[0] is not None and exact[1] is not None and not question.up_to_factor:
        equal = exact[0] == exact[1] or bool(question.near and question.near(exact[0], exact[1]))
        return Match(equal, "identity", "exact numbers, written out")
    symbols = symbols_of(question.gold) | symbols_of(question.answer)
    # A log without a base is the natural or the decimal one, on both sides alike.
    free = _has_free_log(question.gold) or _has_free_log(question.answer)
    seen = 0
    for base in (1, 10) if free else (1,):
        equal, seen = _agree(question, symbols, base, DIGITS)
        large = _is_large(question.gold) or _is_large(question.answer)
        further = LARGE_CONFIRMED if large else CONFIRMED
        if equal and all(_agree(question, symbols, base, digits)[0] for digits in further):
            if not symbols and _is_rational(question.gold) and _is_rational(question.answer):
                raise OverflowError("numbers that are too large to tell apart")
            return Match(
                True, "identity", f"equal at {seen} points" if symbols else "equal constants"
            )
    if seen == 0:
        return Match(False, "identity", "it has no value at any point tried")
    return Match(False, "identity", "other values")


def _agree(question: Question, symbols: set[str], base: int, digits: int) -> tuple[bool, int]:
    """Whether all values agree, and at how many points both sides had one."""
    variables = sorted(_variables(question.gold) | _variables(question.answer))
    # Without a variable, any two equations to zero would be equal up to a factor.
    ratio = None if variables else mpmath.mpf(1)
    floor = int(
        _has_sum(question.gold) or _has_sum(question.answer)
    )  # what cancels is about as large as 1
    seen = 0
    with mp.workdps(digits):
        close = mpmath.power(10, -SHARE * digits)
        for point in _points(variables, question) if symbols else [{}]:
            point[FREE_BASE] = mpmath.log(base) if base > 1 else mpmath.mpf(1)
            gold, answer = _value(question.gold, point), _value(question.answer, point)
            if gold is None or answer is None:
                continue
            if question.up_to_factor:
                if abs(gold) < close or abs(answer) < close:
                    continue
                ratio = gold / answer if ratio is None else ratio
                answer *= ratio
            seen += 1
            apart = abs(gold - answer) > close * max(abs(gold), abs(answer), floor)
            if apart and (symbols or not _near(question, gold, answer)):
                return False, seen
    return seen >= (NEEDED if symbols else 1), seen


def _is_rational(node: Node) -> bool:
    """Whether only sums, products, whole powers and factorials of numbers are in it."""
    if node.kind in ("call", "constant", "root", "apply", "degree"):
        return False
    if node.kind == "pow":
        exponent = exact_value(node.args[1])
        if exponent is not None and exponent.denominator != 1:
            return False
    return all(map(_is_rational, node.args))


def _has_sum(node: Node) -> bool:
    return node.kind == "add" or any(map(_has_sum, node.args))


def _is_large(node: Node) -> bool:
    if node.kind == "number" and node.value and abs(math.log10(abs(node.value))) >= LARGE / 2:  # type: ignore[arg-type]
        return True
    if node.kind in ("pow", "factorial", "binomial") or node.value in (
        "exp",
        "cosh",
        "coth",
        "tanh",
    ):
        size = node.args[-1] if node.kind == "pow" else node.args[0]
        if not symbols_of(size):
            with mp.workdps(15):
                value = _value(size, {FREE_BASE: mpmath.mpf(1)})
            if value is None or abs(value) >= LARGE:
                return True
    return any(map(_is_large, node.args))


def _near(question: Question, gold: Any, answer: Any) -> bool:
    """Whether two constants that differ are equal to the places that count."""
    if question.near is None:
        return False
    exact = [_as_fraction(value) for value in (gold, answer)]
    if exact[0] is None or exact[1] is None:
        return False
    return question.near(exact[0], exact[1])


def _as_fraction(value: Any) -> Fraction | None:
    """A real number of moderate size, exactly as it is held."""
    real = mpmath.re(value)
    if mpmath.im(value) != 0 or (real and abs(mpmath.log10(abs(real))) > LARGEST):
        return None
    sign, mantissa, exponent, _ = mpmath.mpf(real)._mpf_
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)


def _points(variables: list[str], question: Question) -> Iterator[Point]:
    """Points to evaluate at: the same for a question whenever it is asked."""
    kinds = _kinds(question.gold) | _kinds(question.answer)
    draw = random.Random(SEED)
    whole = kinds & WHOLE or _has_sign_power(question.gold) or _has_sign_power(question.answer)
    if whole:
        for shift in range(len(INTEGERS)):
            places = ((shift + 5 * place) % len(INTEGERS) for place in range(len(variables)))
            yield {
                name: mpmath.mpf(INTEGERS[at]) for name, at in zip(variables, places, strict=True)
            }
        if not kinds & {"floor", "ceil"} or any(name[0] in COUNTED for name in variables):
            return
    signs = (1, -1) if kinds & SIGNED or whole else (1,)
    for low, high in RANGES:
        for sign in signs:
            # Another sign for another variable: what counts may be that they differ.
            yield {
                name: mpmath.mpf(draw.uniform(low, high))
                * (sign if place % 2 == 0 else draw.choice(signs))
                for place, name in enumerate(variables)
            }


def _variables(node: Node) -> set[str]:
    own = {str(node.value)} if node.kind == "symbol" else set()
    return own.union(*map(_variables, node.args))


def _kinds(node: Node) -> set[str]:
    own = {str(node.value) if node.kind == "call" else node.kind}
    return own.union(*map(_kinds, node.args))


def _has_free_log(node: Node) -> bool:
    own = node.kind == "call" and node.value == "log" and len(node.args) == 1
    return own or any(map(_has_free_log, node.args))


def _has_sign_power(node: Node) -> bool:
    """Whether it holds (-1)^n: only whole n are meant."""
    own = node.kind == "pow" and node.args[0].kind == "neg" and bool(symbols_of(node.args[1]))
    return own or any(map(_has_sign_power, node.args))


def _value(node: Node, point: Point) -> Any | None:
    """The value at a point; None where there is none, as for 1/0."""
    try:
        value = _evaluate(node, point)
    except (ZeroDivisionError, ValueError, OverflowError, TypeError, mpmath.libmp.NoConvergence):
        return None
    return value if mpmath.isfinite(value) else None


def _evaluate(node: Node, point: Point) -> Any:
    match node.kind:
        case "number":
            assert isinstance(node.value, Fraction)
            return mpmath.mpf(node.value.numerator) / node.value.denominator
        case "symbol":
            return point[str(node.value)]
        case "constant":
            return CONSTANTS[str(node.value)]()
        case "degree":
            return mp.pi / 180
    args = [_evaluate(arg, point) for arg in node.args]
    match node.kind:
        case "add":
            return mpmath.fsum(args)
        case "apply":
            return _unknown_function(str(node.value), args)
        case "call":
            return _call(str(node.value), args, point)
        case _:
            return OPERATIONS[node.kind](*args)


def _unknown_function(name: str, args: list[Any]) -> Any:
    """Any value, but the same for the same name and arguments."""
    text = name + "|" + "|".join(mpmath.nstr(arg, 30) for arg in args)
    digest = hashlib.sha256(text.encode()).digest()
    return mpmath.mpf(int.from_bytes(digest[:16], "big")) / 2**127 + mpmath.mpf("0.1")


def _power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent == 0:
        raise ZeroDivisionError
    return mpmath.power(base, exponent)


def _root(inside: Any, degree: Any) -> Any:
    """The real root of a negative number for an odd degree, else the principal one."""
    odd = mpmath.isint(degree) and int(mpmath.re(degree)) % 2 == 1
    if odd and mpmath.im(inside) == 0 and mpmath.re(inside) < 0:
        return -mpmath.root(-inside, int(mpmath.re(degree)))
    return mpmath.power(inside, 1 / mpmath.mpmathify(degree))


def _call(name: str, args: list[Any], point: Point) -> Any:
    if name == "log":
        base = mpmath.log(args[1]) if len(args) > 1 else point[FREE_BASE]
        return mpmath.log(args[0]) / base
    if name in ("gcd", "lcm"):
        whole = [int(mpmath.nint(arg)) for arg in args]
        return mpmath.mpf(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))
    return CALLS[name](*args)


CONSTANTS: dict[str, Callable[[], Any]] = {
    "pi": lambda: +mp.pi,
    "e": lambda: +mp.e,
    "i": lambda: mpmath.mpc(0, 1),
    "infinity": lambda: mp.inf,
}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "neg": lambda a: -a,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": _power,
    "root": _root,
    "factorial": mpmath.factorial,
    "binomial": mpmath.binomial,
}
TRIGONOMETRIC = words("sin cos tan cot sec csc sinh cosh tanh coth sech csch")
CALLS: dict[str, Callable[..., Any]] = {
    name: getattr(mpmath, name) for name in TRIGONOMETRIC | words("exp sqrt floor ceil")
}
CALLS |= {
    f"{arc}{name}": getattr(mpmath, f"a{name}") for name in TRIGONOMETRIC for arc in ("a", "arc")
}
CALLS |= {"abs": abs, "ln": mpmath.log, "lg": mpmath.log10, "sgn": mpmath.sign, "sign": mpmath.sign,
          "max": max, "min": min, "Re": mpmath.re, "Im": mpmath.im, "arg": mpmath.arg}  # fmt: skip
