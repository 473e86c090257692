r"""Second opinion: the rules of the mathematics code that the paper's authors published.

A restatement, for comparison only, of how the grader published with arXiv 2504.13837 behaves, which goes
back by SimpleRL and Qwen2.5-Math to ToRA, PRM800K and MATH. Where an answer is: between
``final answer is $`` and ``$. I hope``; else in the last box, closed or not; else behind the last
``he answer is`` or ``final answer is``, to the end of the text; else it is the last number. How it is
cleaned: `verification.verifiers.published_text`. What makes it equal: the rungs here.

Known errors, kept because they are what is compared. 10000 accepts 10001 and 0.5 accepts 50: a relative
1e-4, of the gold answer and of it times and over 100. 123 accepts 1,2,3: commas are dropped from
numbers. (1,2) accepts [1,2]. 2x+1 accepts 2(x+1): brackets are dropped. 1,-2 accepts 1,-3: the tail of
a list is not read. B accepts A, B. 5/2 refuses 2\frac{1}{2}, and 2\pi refuses 6.2832. A sentence behind
the answer makes it wrong. Of several gold answers only the first counts.

Not as published: LaTeX is read by latex2sympy2_extended alone, where the published code tries three
parsers, of which one (``parse_expr``) is ``eval`` on what a model wrote. Minerva's answers lose their
units like all others. A set is not compared with a column vector. Where the gold answer is a letter, the
response is not searched for letters once more. An answer of more than 10,000 characters is wrong unread.
A comparison out of time is not wrong: that is for the caller to say. The words at which the published
code cuts a response are the sampler's affair.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import chain
from math import isclose
from typing import Any

from boundary.verification.extraction import Found
from boundary.verification.policy import Policy
from boundary.verification.verdict import Decision
from boundary.verification.verifiers.published_text import clean

RELATIVE_TOLERANCE = 1e-4
LONGEST = 10_000  # characters

CHOICES = frozenset("ABCDE")
STRAY = "ки"  # one model's habit
NUMBER = re.compile(r"-?\d*\.?\d+")
# latex2sympy2_extended takes 2(3) for 5 and 2\frac{1}{2} for 5/2, as a mixed number; both are products.
TIMES = re.compile(r"(?<=\d)(?<!_\d)(?=\(|\\frac)")
MATRIX = ("\\begin{pmatrix}", "\\end{pmatrix}")  # what every kind of matrix is cleaned to

Equality = Callable[[str, str], bool]
Reason = tuple[str, str]  # the rung, and what holds there


def find(text: str, policy: Policy) -> Found | None:
    """Where the published rules see the answer; None if a response has none, not even a number."""
    text = text.replace(STRAY, "")
    found = _in_minerva_phrase(text) or _in_box(text) or _behind_phrase(text) or _last_number(text)
    return found and Found(_trimmed(found.answer), found.where)


def _in_minerva_phrase(text: str) -> Found | None:
    _, begin, rest = text.partition("final answer is $")
    end = "$. I hope"
    return Found(rest.partition(end)[0].strip(), "phrase") if begin and end in text else None


def _in_box(text: str) -> Found | None:
    _, box, rest = text.rpartition("boxed")
    if not box:
        return None
    if not rest.startswith("{"):
        return Found(rest.partition("$")[0].strip(), "box")
    depth = 0
    for brace in re.finditer(r"[{}]", rest):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return Found(rest[1 : brace.start()], "box")
    return Found(rest[1:], "box")


def _behind_phrase(text: str) -> Found | None:
    for phrase in ("he answer is", "final answer is"):
        if phrase in text:
            return Found(text.rpartition(phrase)[2].strip(), "phrase")
    if "答案是" in text:
        return Found(text.split("答案是", 2)[1].strip().partition("\n\n")[0].strip(), "phrase")
    return None


def _last_number(text: str) -> Found | None:
    last = None
    for last in NUMBER.finditer(text.replace(",", "")):  # noqa: B007
        pass
    return last and Found(last[0], "last number")


def _trimmed(answer: str) -> str:
    answer = re.sub(r"\n\s*", "", answer)
    return answer.removeprefix(":").removesuffix(".").removesuffix("/")


def decide_cheaply(gold: tuple[str, ...], answer: str, policy: Policy) -> Decision | None:
    """Decide by text and numbers; None where LaTeX has to be understood."""
    return _decide(gold, answer, lambda *_: False)


@cache
def _warm_up() -> None:
    decide(("x+\\frac{1}{2}",), "\\frac{1}{2}+x", Policy())


def prepare(gold: tuple[str, ...], answer: str, policy: Policy) -> None:
    """Import the libraries and have them read something, once in a process."""
    _warm_up()


def decide(gold: tuple[str, ...], answer: str, policy: Policy) -> Decision:
    """Decide by text, numbers and, last, LaTeX. Raises MemoryError and RecursionError."""
    decision = _decide(gold, answer, _mean_the_same)
    return decision or Decision("wrong", "symbolic", "not equal")


def _decide(gold: tuple[str, ...], answer: str, mean_the_same: Equality) -> Decision | None:
    if len(answer) > LONGEST:
        return Decision("wrong", "text", f"longer than {LONGEST} characters")
    # Twice, as published: when a text is found, and again before it is compared.
    first, answer = clean(clean(gold[0].strip("$"))), clean(clean(answer))
    equal = _why_equal(answer, first, mean_the_same)
    if equal is not None:
        return Decision("correct", *equal)
    if not answer:
        return Decision("wrong", "text", "empty")
    if _number(answer) is not None and _number(first) is not None:
        return Decision("wrong", "number", "not equal")
    return None


def _why_equal(answer: str, gold: str, mean_the_same: Equality) -> Reason | None:
    """What makes a cleaned answer equal to a cleaned gold answer, rung by rung; None if nothing does."""
    if answer.strip().lower() == gold.strip().lower():
        return "text", "same text"
    if gold and CHOICES.issuperset(gold) and _choices(answer, gold) == gold:
        return "text", "same choice"
    numbers = _number(answer), _number(gold)
    if numbers[0] is not None and numbers[1] is not None:
        return _why_equal_numbers(numbers[0], numbers[1])
    if not answer:
        return None
    if _same_but_for_brackets(answer, gold):
        return "text", "same but for brackets"
    if _same_elements(answer, gold, mean_the_same):
        return "elements", "equal one by one"
    return _why_equal_by_meaning(answer, gold, mean_the_same)


def _choices(answer: str, gold: str) -> str:
    """The last letter that stands alone in ``answer``; all its letters where the gold has several."""
    if len(gold) > 1:
        return "".join(letter for letter in answer if letter in CHOICES)
    alone = re.findall(r"\b[A-E]\b", answer.upper())
    return alone[-1] if alone else ""


def _number(text: str) -> float | None:
    """The number that ``text`` is, whatever commas are in it."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _why_equal_numbers(answer: float, gold: float) -> Reason | None:
    for scaled, reason in ((gold, ""), (gold / 100, ", over 100"), (gold * 100, ", times 100")):
        if isclose(scaled, answer, rel_tol=RELATIVE_TOLERANCE):
            return "number", f"within {RELATIVE_TOLERANCE:g}{reason}"
    return None


def _same_but_for_brackets(answer: str, gold: str) -> bool:
    in_square = answer.startswith("[") and answer.endswith("]") and not gold.startswith("(")
    in_round = answer.startswith("(") and answer.endswith(")") and not gold.startswith("[")
    if in_square or in_round:
        answer, gold = answer.strip("[]()"), gold.strip("[]()")
    without = str.maketrans("", "", "{}()")
    return answer.translate(without).lower() == gold.translate(without).lower()


def _same_elements(answer: str, gold: str, mean_the_same: Equality) -> bool:
    """Whether two lists, or two matrices, are equal one by one, whatever brackets are round them."""
    rows, gold_rows = _rows(answer), _rows(gold)
    if [len(row) for row in rows] != [len(row) for row in gold_rows] or not rows:
        return False
    if answer.startswith(MATRIX[0]) != gold.startswith(MATRIX[0]):
        return False
    pairs = zip(chain(*rows), chain(*gold_rows), strict=True)
    return all(_why_equal(one, other, mean_the_same) for one, other in pairs)


def _rows(text: str) -> list[list[str]]:
    """The rows of a matrix, a list being one row; none for anything else."""
    begin, end = MATRIX
    if text.startswith(begin) and text.endswith(end):
        lines = text[len(begin) : -len(end)].split("\\\\")
        return [line.split("&") for line in lines if line.strip()]
    return [text[1:-1].split(",")] if re.match(r"[(\[].+[)\]]", text) else []


def _why_equal_by_meaning(answer: str, gold: str, mean_the_same: Equality) -> Reason | None:
    sides, gold_sides = answer.split("="), gold.split("=")
    equal = None
    if len(sides) == len(gold_sides) == 2:
        difference, gold_difference = (f"{left} - ({right})" for left, right in (sides, gold_sides))
        if any(mean_the_same(one, gold_difference) for one in (difference, f"-({difference})")):
            return "symbolic", "same equation"
    elif len(gold_sides) == 1 and _is_assignment(sides):
        equal = _why_equal(sides[1], gold, mean_the_same)
    elif len(sides) == 1 and _is_assignment(gold_sides):
        equal = _why_equal(answer, gold_sides[1], mean_the_same)
    if equal is None and mean_the_same(answer, gold):
        return "symbolic", "same meaning"
    return equal


def _is_assignment(sides: list[str]) -> bool:
    return len(sides) == 2 and len(sides[0].strip()) <= 2


def _mean_the_same(answer: str, gold: str) -> bool:
    one, other = _parsed(answer), _parsed(gold)
    # sympy reads a text by eval, so no test may see one.
    if one is None or other is None:
        return False
    tests = (_are_same, _differ_by_nothing, _are_same_equations, _are_close, _are_close_matrices)
    return any(_tried(test, one, other) for test in tests)


def _parsed(text: str) -> Any:
    """What the head of a list in LaTeX says, tails being ignored; None if it cannot be read."""
    head = TIMES.sub(r"\\cdot ", _head(text))
    for spelling in (head.replace("\\\\", "\\"), head):
        parsed = _tried(_read, spelling)
        if parsed is not None:
            return parsed
    return None


def _read(latex: str) -> Any:
    from latex2sympy2_extended import latex2sympy
    from latex2sympy2_extended.latex2sympy2 import ConversionConfig
    from sympy import Basic, MatrixBase, Symbol, pi

    parsed = latex2sympy(latex, conversion_config=ConversionConfig(lowercase_symbols=False))
    if not isinstance(parsed, Basic | MatrixBase):
        return None
    return parsed.xreplace({pi: Symbol("pi")})  # no number, as published


def _head(text: str) -> str:
    """``text`` up to its first comma that does not part thousands, unless that is inside brackets."""
    head = re.split(r",(?!(?<=\d,)\d{3}(?!\d))", text, maxsplit=1)[0]
    opened = sum(head.count(bracket) for bracket in "([{")
    return head if opened == sum(head.count(bracket) for bracket in ")]}") else text


def _tried(work: Callable[..., Any], *arguments: Any) -> Any:
    """What ``work`` gives; None if it fails, as the published rules go on to the next test then."""
    try:
        return work(*arguments)
    except (MemoryError, RecursionError):
        raise
    except Exception:
        return None


def _are_same(one: Any, other: Any) -> bool:
    return bool(str(one) == str(other) or one == other)


def _differ_by_nothing(one: Any, other: Any) -> bool:
    from sympy import simplify

    return bool(one.equals(other) or simplify(one - other) == 0)


def _are_same_equations(one: Any, other: Any) -> bool:
    return bool(abs(one.lhs - one.rhs).equals(abs(other.lhs - other.rhs)))


def _are_close(one: Any, other: Any) -> bool:
    return isclose(float(other.evalf()), float(one.evalf()), rel_tol=RELATIVE_TOLERANCE)


def _are_close_matrices(one: Any, other: Any) -> bool:
    if one.shape != other.shape:
        return False
    return bool(one.applyfunc(_to_thousandths).equals(other.applyfunc(_to_thousandths)))


def _to_thousandths(number: Any) -> Any:
    return round(number, 3)
