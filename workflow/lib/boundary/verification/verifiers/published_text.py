r"""How the paper's published rules clean the text of an answer before they compare it.

Every rule is the published one, whatever it does to an answer that it was not meant for: ``a + 1`` becomes
``1``, as units are dropped; ``max=3`` becomes ``ma3``; ``\rightarrow`` becomes ``arrow``.
`verifiers.published` says where the rules come from. Work is linear in the text.
"""

from __future__ import annotations

import re

# As in the published list, whose dots stand for any character: "a ." is there for "a.m.", and takes the
# "a +" of "a + b".
_LETTERS = [rf"{letter} ." for letter in "qabcdefgh"]
_UNITS = """
second|sec|minute|minw|min|hour|hr|day|month|year|yr|noon|am|pm|a . m|p . m
m|cm|mm|km|dm|mtr|metre|meter|ft|feet|inches|inch|yard|mile|rd|mt
sq|sq m|sq . m|sq inch|pi sq m|m sqaure|square|acre|hectare|cm 2|π r 2
cube|cubic|cc|cu cm|cu . m|∏ cm ³|liter|litre|lt|l|gal|gallon
g|gm|kg|lb|mph|kmph|kmh|mp|degree|deg|° f|c|o|ohm
percent|per|ratio|rs|rs .|rupee|profit of rs|profit|loss|gain|mark|coin|increase|decrease|more|less|excess
east|m east|west|way|rise|by|are|no change|number|rounds|unit|prime|pure|Surface|st|th|bc|ab
man|men|woman|women|soldier|monkey|apple|pie|toy|tile
t|a|h|d|s
"""
_LONGEST_FIRST = sorted(_UNITS.strip().replace("\n", "|").split("|"), key=len, reverse=True)
_STEPS = [
    re.compile(rf"(?<!\w)(?:{unit})s?(?!\w)") for unit in (*_LETTERS, "|".join(_LONGEST_FIRST))
]

_SPELLINGS = (
    *(("\\!", ""), ("bmatrix", "pmatrix"), ("\\end{array}", "\\end{pmatrix}")),
    *(
        ("tfrac", "frac"),
        ("dfrac", "frac"),
        ("\\neq", "\\ne"),
        ("\\leq", "\\le"),
        ("\\geq", "\\ge"),
    ),
    *(("\\left", ""), ("\\right", ""), ("\\{", "{"), ("\\}", "}")),
)
_SIGNS = (
    *(("^{\\circ}", ""), ("^\\circ", "")),
    *(("\\$", ""), ("$", ""), ("\\(", ""), ("\\)", "")),
)
_NAMES = (
    *((f"{name}{relation}", "") for relation in ("=", "\\in", "\\to") for name in "xyz"),
    *(("\\emptyset", "{}"), ("(-\\infty,\\infty)", "\\mathbb{R}")),
    *(("\\%", ""), ("%", ""), (" .", " 0."), ("{.", "{0."), ("infinity", "\\infty")),
)

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_CARDINALS = {
    **{word: value for value, word in enumerate(_SMALL.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), start=2)},
}
_POWERS = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}


def clean(text: str) -> str:
    """``text`` as the published rules compare it: without units, signs, spaces and spellings."""
    text = text.strip().replace("\n", "").rstrip(".")
    text = _without_units(_unbraced("\\\\begin\\{array\\}", "\\\\begin{pmatrix}", text))
    text = _replaced(text, _SIGNS)
    text = _unbraced("\\\\text", r"\1", _number_in_digits(text))
    text = _replaced(text, _NAMES)
    if "\\infty" not in text:
        text = text.replace("inf", "\\infty")
    text = _unbraced("\\\\mbox", "", text.replace("and", "").replace("\\mathbf", ""))
    if "i" not in text:
        text = text.replace("j", "i")  # the imaginary unit
    text = re.sub(r"(?<=\d)\.0*(?!\d)", "", text)
    if text.startswith("."):
        text = f"0{text}"
    return _with_braces(_without_short_left_side(text))


def _replaced(text: str, replacements: tuple[tuple[str, str], ...]) -> str:
    for old, new in replacements:
        text = text.replace(old, new)
    return text


def _unbraced(command: str, replacement: str, text: str) -> str:
    r"""``text`` with ``replacement`` for each ``command{...}``, its content being ``\1``."""
    # What is behind the last brace cannot match, and trying would take quadratic time.
    end = text.rfind("}") + 1
    return re.sub(rf"{command}\{{([^}}]*)\}}", replacement, text[:end]) + text[end:]


def _without_units(text: str) -> str:
    text = _replaced(text, _SPELLINGS)
    if text.endswith("}"):
        # From the first \text to the end, whatever stands between.
        text = text.partition("\\text{")[0].strip() or text
    for unit in _STEPS:
        text = unit.sub("", text) or text
    return text


def _number_in_digits(text: str) -> str:
    """The number that ``text`` writes out in words, among whatever others; else ``text``."""
    if text.isdigit():
        return text.lstrip("0") or "0"
    words = [
        word for word in text.lower().replace("-", " ").split() if word in _CARDINALS | _POWERS
    ]
    if not words:
        return text
    total = group = 0
    for word in words:
        if word in _CARDINALS:
            group += _CARDINALS[word]
        elif word == "hundred":
            group = max(group, 1) * 100
        else:
            total, group = total + max(group, 1) * _POWERS[word], 0
    return str(total + group)


def _without_short_left_side(text: str) -> str:
    """The right side of the only equation in ``text`` if its left has two characters at most."""
    sides = text.split("=")
    return sides[1] if len(sides) == 2 and len(sides[0]) <= 2 else text


def _with_braces(text: str) -> str:
    r"""``text`` without spaces, with the braces that ``\sqrt3``, ``\frac12`` and ``1/2`` leave out."""
    text = re.sub(r"\\sqrt(\w+)", r"\\sqrt{\1}", text).replace(" ", "")
    parts = text.split("\\frac")
    if all(part.startswith("{") or len(part) >= 2 for part in parts[1:]):
        text = "\\frac".join([parts[0], *map(_with_fraction_braces, parts[1:])])
    numerator, slash, denominator = text.partition("/")
    if slash and _is_simple(numerator) and _is_simple(denominator):
        text = f"\\frac{{{numerator}}}{{{denominator}}}"
    return text


def _with_fraction_braces(after: str) -> str:
    if after.startswith("{"):
        return after
    denominator = after[1:] if after[1] == "{" else f"{{{after[1]}}}{after[2:]}"
    return f"{{{after[0]}}}{denominator}"


def _is_simple(text: str) -> bool:
    return "/" not in text and ("sqrt" in text or bool(re.fullmatch(r"0|-?[1-9][0-9]*", text)))
