"""Texts that mean what a gold answer means, and texts that certainly mean something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?:,|,\\!|\{,\})\s*\d{3})+")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
FRACTION = re.compile(
    r"([+-]?)(?:\\[dt]?frac\s*(?:\{(-?[1-9]\d*)\}|([1-9]))\s*(?:\{([1-9]\d*)\}|([1-9]))"
    r"|([1-9]\d*)\.?/([1-9]\d*))"
)
TEXT = re.compile(r"\\text\{(\(?)([^(){}]+)\)?\}")
BASE = re.compile(r"(\d+)_\{?(\d+)\}?")
PERCENT = re.compile(r"([\d.]+)\s*\\?%")
UNIT = re.compile(r"(.*\S)\s*(\\(?:text|mbox)\{ ?([a-z]+)\}(?:\^\{?\d\}?)?|\^\{?\\circ\}?)")
OTHER_UNITS = {"cm": "m", "inches": "feet", "cents": "dollars"}
PROSE = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}")
NO_EXPRESSION = re.compile(
    r"[,=<>%]|\\[{$]|^\d+_\{?\d+\}?$"
    r"|(?<!_\{)\\(?:[lg]e(?:q|qslant)?|in|cup|pm|text|mbox|circ|infty|begin)(?![a-z])"
)
NO_THIN_SPACES = re.compile(r"\\(?:text|mbox|begin)|\\[dt]?frac | [_^}]|\} \{")
DEGREES = r"\^\{?\\circ\}?|\\text\{ degrees\}"
SET = r"^\\\{((?:(?!\\\}).)*)\\\}$"

# What may be put for what, wherever it stands.
SYNONYMS = [
    (r"\\d?frac(?=[\s\d{])", r"\\dfrac"),
    (r"\\d?frac(?=[\s\d{])", r"\\tfrac"),
    (r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}"),
    (r"\\(?:left|right)(?![a-z.])", ""),
    (r"\\cdot(?![a-z])", r"\\times"),
    (r"\\sqrt(\d)", r"\\sqrt{\1}"),
    (r"\\pi(?![a-z])", "π"),
    (r"\\infty", "∞"),
    (r"\\geqslant", r"\\ge"),
    (r"\\mbox", r"\\text"),
    (r"pmatrix", "bmatrix"),
    (r"\^(\w)", r"^{\1}"),
    (r"\^\{(\w)\}(?!\w)", r"^\1"),
    (r",(?=[^\s\\]|\\[a-z])", ", "),
    (r"^(\d+) ?\\frac\{(\d+)\}\{(\d+)\}$", r"\1 \2/\3"),
    (r"^[A-Za-z](?:\([a-z]\))?\s*=\s*([^=,]+)$", r"\1"),
    (r"^x \\in ", ""),
    (SET, r"\1"),
    (SET, r"\\left\\{ \1 \\right\\}"),
    *((DEGREES, sign) for sign in ("°", r"^{\\circ}", r" \\text{ degrees}", "")),
]


def rewritings(gold: str) -> list[str]:
    """At least five distinct texts that mean the same as the gold."""
    bare = bare_text(gold)
    generic = [f"${bare}$", f" {bare} ", f"{bare}.", f"\\displaystyle {bare}", f"{{{bare}}}"]
    texts = [*generic, f"\\,{bare}\\,", f"$\\displaystyle {bare}$.", *same(bare)]
    return [text for text in dict.fromkeys(texts) if text != gold]


def perturbations(gold: str) -> list[str]:
    """Texts that certainly mean something else than the gold; none where none is certain."""
    texts = different(bare_text(gold)) if not PROSE.search(gold) else []
    return [text for text in dict.fromkeys(texts) if text != gold]


def bare_text(gold: str) -> str:
    """The gold without dollar signs, blanks around it and a period behind it."""
    text = re.sub(r"(?<!\\)\$\s*,\s*\$", ", ", gold)
    return re.sub(r"(?<!\\)\$(?:\\quad)?", "", text).strip().removesuffix(".")


def number(text: str) -> Decimal | None:
    text = re.sub(r"[^\d+-]", "", text) if GROUPED.fullmatch(text) else text
    return Decimal(text) if NUMBER.fullmatch(text) else None


def ratio(text: str) -> tuple[int, int] | None:
    """A fraction of integers, in lowest terms."""
    if not (match := FRACTION.fullmatch(text)):
        return None
    above, below = (int(part) for part in match.groups()[1:] if part is not None)
    return Fraction(-above if match[1] == "-" else above, below).as_integer_ratio()


def split(text: str) -> list[str]:
    """The parts between the commas that are in no brackets."""
    depth, parts = 0, [""]
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        parts = [*parts, ""] if char == "," and depth == 0 else [*parts[:-1], parts[-1] + char]
    return [part.strip() for part in parts]


def signs(text: str) -> list[str]:
    """The two expressions that one plus-minus sign stands for."""
    both = [text.replace("\\pm", sign) for sign in "+-"]
    return both if text.count("\\pm") == 1 and not NO_EXPRESSION.search(both[0]) else []


def same(bare: str) -> Iterator[str]:
    if (value := number(bare)) is not None:
        yield from same_number(value)
    elif match := TEXT.fullmatch(bare):
        word = match[2]
        yield from [word, f'"{word}"', f"\\textbf{{{word}}}", f"\\mathrm{{{word}}}"]
        yield from [f"({word})"] if match[1] else [word.upper(), word.lower()]
    elif bare.startswith("\\$"):
        yield from [bare[2:], f"{bare[2:]} \\text{{ dollars}}", f"\\$ {bare[2:]}"]
    else:
        texts = (re.sub(pattern, new, bare) for pattern, new in SYNONYMS)
        yield from (text for text in texts if text != bare)
        yield from same_form(bare) if not PROSE.search(bare) else []


def same_number(value: Decimal) -> Iterator[str]:
    if value.as_tuple().exponent == 0:
        yield from [f"x={value}", f"{value}.0", f"\\frac{{{2 * value}}}{{2}}"]
        yield from [f"\N{MINUS SIGN}{-value}"] if value < 0 else []
        separators = [",", "{,}", ",\\!", "\\,", " ", "~"] if abs(value) >= 1000 else []
        yield from (f"{value:,}".replace(",", separator) for separator in separators)
        return
    exponent = value.adjusted()
    mantissa = f"{value.scaleb(-exponent):f}"
    yield from [f"x={value:f}", f"{mantissa}e{exponent}", f"{mantissa}E{exponent}"]
    yield from [f"{mantissa} \\times 10^{{{exponent}}}", f"{mantissa} \\cdot 10^{{{exponent}}}"]
    yield f"{value.scaleb(-exponent - 3):f}e{exponent + 3}"
    if "." in f"{value:f}":
        above, below = value.as_integer_ratio()
        yield from [f"\\frac{{{above}}}{{{below}}}", f"{above}/{below}", f"{value:f}0"]
        yield re.sub(r"^(-?)0\.", r"\1.", f"{value:f}")


def same_form(bare: str) -> Iterator[str]:
    parts = split(bare)
    if not NO_EXPRESSION.search(bare):
        yield from [f"\\left({bare}\\right)", f"({bare})"]
    if fraction := ratio(bare):
        yield from ["/".join(map(str, fraction)), f"x={bare}"]
        yield "\\frac{{{}}}{{{}}}".format(*(2 * part for part in fraction))
    elif match := BASE.fullmatch(bare):
        yield from [f"({match[1]})_{{{match[2]}}}", f"{match[1]}_{{{match[2]}}}", match[1]]
    elif match := PERCENT.fullmatch(bare):
        yield from [f"{match[1]}\\%", f"{match[1]}%", match[1], f"{Decimal(match[1]) / 100:f}"]
    elif len(parts) == 1 and (match := UNIT.fullmatch(bare)):
        yield match[1]
    elif both := signs(bare):
        yield ", ".join(both)
    if "\\left" not in bare and re.search(r"[(\[]", bare) and "\\sqrt[" not in bare:
        yield re.sub(r"([)\]])", r"\\right\1", re.sub(r"([(\[])", r"\\left\1", bare))
    if len(parts) > 1 and ("=" not in parts[0] or "=" in parts[-1]):
        yield from [", ".join(parts[::-1]), "; ".join(parts), ", ".join(f"${p}$" for p in parts)]
        yield f"{', '.join(parts[:-1])} \\text{{ and }} {parts[-1]}"
    if "-" in bare and not re.search(r"\\(text|mbox|begin)", bare):
        yield bare.replace("-", "\N{MINUS SIGN}")
    if len(parts) == 1 and not NO_THIN_SPACES.search(bare):
        yield re.sub(r"(?<!\\) +", r"\\,", bare)


def different(bare: str) -> Iterator[str]:
    parts = split(bare)
    if (value := number(bare)) is not None:
        yield from different_number(value)
    elif fraction := ratio(bare):
        yield from different_ratio(*fraction)
    elif bare.startswith("\\$"):
        dollars = list(different(bare[2:]))[:2]
        yield from [*(f"\\${text}" for text in dollars), f"{bare[2:]} \\text{{ cents}}"]
    elif len(parts) > 1:
        yield from [", ".join(parts[:-1]), f"{bare}, 7919", f"{bare}, {parts[0]}"]
        yield from (", ".join([*parts[:-1], last]) for last in list(different(parts[-1]))[:2])
    elif match := TEXT.fullmatch(bare):
        word, letter = match[2], "B" if match[2] == "A" else "A"
        choices = [letter, f"\\text{{({letter})}}", f"{word}, {letter}"]
        yield from choices if match[1] else [f"\\text{{not {word}}}", f"{word}ish", "0"]
        yield from [word[::-1]] if word != word[::-1] else []
    elif match := BASE.fullmatch(bare):
        digits, base = match[1], int(match[2])
        yield from [f"{digits}_{{{base + 1}}}", f"1{digits}_{{{base}}}", f"{digits}{base}"]
        yield from [str(int(digits, base))] if int(digits) >= base != 10 else []
    elif match := PERCENT.fullmatch(bare):
        share = Decimal(match[1])
        yield from [f"{share + 1}\\%", f"{share + 1}", f"{share * 100}", f"-{share}\\%"]
    elif match := UNIT.fullmatch(bare):
        yield from (text + match[2] for text in list(different(match[1]))[:2])
        yield from [bare.replace(match[3], unit)] if (unit := OTHER_UNITS.get(match[3])) else []
    elif bare.startswith("\\begin{pmatrix}"):
        yield bare.replace("\\end", "\\\\ 7919 \\end")
        yield re.sub(r"(?<=n\{pmatrix\}) *[^&\\ ]+", " 7919", bare)
    else:
        yield from different_form(bare)


def different_number(value: Decimal) -> Iterator[str]:
    last = Decimal((0, (1,), int(value.as_tuple().exponent)))
    yield from [f"{value + last:f}", f"{value - last:f}", f"{value:f}, {value + last:f}"]
    if value:
        yield from (f"{other:f}" for other in (-value, value * 100, value / 100, value * 10))
        yield from [f"\\pm {abs(value):f}", f"{value:f}x"]
        # Under a policy that takes the gold for rounded, the change must not be rounded away.
        if last == 1 or abs(value) / 10000 > last:
            yield f"{value + value / 10000:f}"


def different_ratio(above: int, below: int) -> Iterator[str]:
    yield from [f"\\frac{{{above + 1}}}{{{below}}}", f"\\frac{{{above}}}{{{below + 1}}}"]
    yield from [f"\\frac{{{above * 10001}}}{{{below * 10000}}}", f"{above}, {below}"]
    yield f"\\frac{{{-above}}}{{{below}}}"
    yield from [f"\\frac{{{below}}}{{{above}}}"] if abs(above) != below else []


def different_form(bare: str) -> Iterator[str]:
    text = re.sub(r"\\(?:left|right)(?![a-z])", "", bare).removeprefix("x \\in ").strip()
    if "\\cup" in text and "," in text:
        yield from [text.split("\\cup")[0].strip(), text.replace("\\cup", "\\cap")]
    elif match := re.match(SET, text):
        yield from (f"\\{{{inner}\\}}" for inner in list(different(match[1]))[:2])
    elif re.fullmatch(r"[(\[].*,.*[)\]]", text) and len(split(text)) == 1:
        yield from different_tuple(text[0], split(text[1:-1]), text[-1])
    elif both := signs(bare):
        yield from [*both, f"{bare}, 7919"]
    elif bare.count("=") == 1 and "\\angle" not in bare:
        yield from [f"{bare}+1", *renamed(bare)]
    elif not NO_EXPRESSION.search(bare):
        yield from [f"{bare}+1", f"-\\left({bare}\\right)", f"2\\left({bare}\\right)"]
        yield from [f"{bare}, 7919", *renamed(bare)]


def different_tuple(start: str, parts: list[str], end: str) -> Iterator[str]:
    inner, rest = ", ".join(parts), ", ".join(["", *parts[1:]])
    yield from [inner, f"{start}{inner}, 7919{end}"]
    if "infty" not in parts[-1]:
        yield f"{start}{inner}{']' if end == ')' else ')'}"
    if "infty" not in parts[0]:
        yield f"{'(' if start == '[' else '['}{inner}{end}"
        yield from (f"{start}{new}{rest}{end}" for new in list(different(parts[0]))[:2])
    values = [number(part) for part in parts[:2]]
    if None not in values and values[0] != values[1]:
        yield f"{start}{', '.join([parts[1], parts[0], *parts[2:]])}{end}"


def renamed(bare: str) -> list[str]:
    """The gold with one of its variables called by another name."""
    if re.match(r"[A-Z]\(", bare):  # N(n) = ...: the first small letter is bound
        return []
    free = next((letter for letter in "zwvuqbhg" if letter not in bare), "J")
    names = re.findall(r"(?<![A-Za-z\\])[abfghm-np-z](?![A-Za-z])", bare)[:1]
    return [re.sub(rf"(?<![A-Za-z\\]){name}(?![A-Za-z])", free, bare) for name in names]
