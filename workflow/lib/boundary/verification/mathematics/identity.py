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

from boundary.verification.mathematics.tree import Node, symbols_of
from boundary.verification.mathematics.values import Match, Question

DIGITS = 50
AGREE = mpmath.mpf(10) ** -30  # relative
POINTS, NEEDED = 6, 2
SEED = 20_250_516
# Positive throughout: sqrt(x^2) is x in physics. Where a sign is asked for, both are tried.
SIGNED = frozenset(("abs", "sgn", "sign", "max", "min"))
WHOLE = frozenset(("factorial", "binomial", "floor", "ceil", "gcd", "lcm"))
INTEGERS = (2, 3, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20)
FREE_BASE = "log"  # what ln is divided by in a log without a base

Point = dict[str, Any]


def same(question: Question) -> Match:
    """Answer a question by evaluation. It may take any time and memory: run it where it can be killed."""
    with mp.workdps(DIGITS):
        nodes = question.gold, question.answer
        free = [_has_free_log(node) for node in nodes]
        bases = (
            [mpmath.mpf("1.7")]
            if all(free)
            else [mpmath.mpf(1), mpmath.log(10)]
            if any(free)
            else [None]
        )
        for base in bases:
            equal, seen = _agree(question, base)
            if equal:
                where = f"at {seen} points" if symbols_of(question.gold) else "as constants"
                return Match(True, "identity", f"equal {where}")
            if seen == 0:
                return Match(False, "identity", "it has no value at any point tried")
        return Match(False, "identity", "other values")


def _agree(question: Question, base: Any) -> tuple[bool, int]:
    """Whether all values agree, and at how many points both sides had one."""
    names = sorted(symbols_of(question.gold) | symbols_of(question.answer))
    variables = sorted(_variables(question.gold) | _variables(question.answer))
    ratio = None
    seen = 0
    for point in _points(variables, question) if names else [{}]:
        point[FREE_BASE] = base
        gold, answer = _value(question.gold, point), _value(question.answer, point)
        if gold is None or answer is None:
            continue
        seen += 1
        if question.up_to_factor:
            if _is_zero(gold) or _is_zero(answer):
                seen -= 1
                continue
            if ratio is None:
                ratio = gold / answer
            answer *= ratio
        if not _close(gold, answer) and not _near(question, gold, answer, names):
            return False, seen
    return seen >= (NEEDED if names else 1), seen


def _near(question: Question, gold: Any, answer: Any, names: list[str]) -> bool:
    """Whether a decimal on one side stands for the constant on the other."""
    if question.near is None or names:
        return False
    exact = [_as_fraction(value) for value in (gold, answer)]
    if exact[0] is None or exact[1] is None:
        return False
    return question.near(exact[0], exact[1])


def _as_fraction(value: Any) -> Fraction | None:
    if mpmath.im(value) != 0:
        return None
    scale = 10**40
    return Fraction(int(mpmath.nint(mpmath.re(value) * scale)), scale)


def _close(gold: Any, answer: Any) -> bool:
    return bool(abs(gold - answer) <= AGREE * max(abs(gold), abs(answer)))


def _is_zero(value: Any) -> bool:
    return bool(abs(value) < AGREE)


def _points(variables: list[str], question: Question) -> Iterator[Point]:
    """Points to evaluate at: the same for a question whenever it is asked."""
    kinds = _kinds(question.gold) | _kinds(question.answer)
    draw = random.Random(SEED)
    if kinds & WHOLE or _has_sign_power(question.gold) or _has_sign_power(question.answer):
        for shift in range(len(INTEGERS)):
            yield {name: mpmath.mpf(INTEGERS[(shift + 5 * place) % len(INTEGERS)])
                   for place, name in enumerate(variables)}  # fmt: skip
        return
    for number in range(POINTS):
        point = {}
        for name in variables:
            value = mpmath.mpf(draw.randrange(300, 2700)) / 1009
            negative = kinds & SIGNED and number >= POINTS // 2 and draw.random() < 0.7
            point[name] = -value if negative else value
        yield point


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
    "pow": mpmath.power,
    "root": _root,
    "factorial": mpmath.factorial,
    "binomial": mpmath.binomial,
}
CALLS: dict[str, Callable[..., Any]] = {
    name: getattr(mpmath, name)
    for name in [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "sinh",
        "cosh",
        "tanh",
        "coth",
        "sech",
        "csch",
        "exp",
        "sqrt",
        "floor",
        "ceil",
    ]
}
CALLS |= {"abs": abs, "ln": mpmath.log, "lg": mpmath.log10, "sgn": mpmath.sign, "sign": mpmath.sign,
          "max": max, "min": min, "Re": mpmath.re, "Im": mpmath.im, "arg": mpmath.arg}  # fmt: skip
for _name in ["sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh"]:
    CALLS |= {
        f"arc{_name}": getattr(mpmath, f"a{_name}"),
        f"a{_name}": getattr(mpmath, f"a{_name}"),
    }
