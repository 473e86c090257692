"""Units as answers write them, by the name that all spellings of one share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from boundary.verification.mathematics.brackets import turn
from boundary.verification.mathematics.tokens import Token

SPELLINGS = """
m: meter meters metre metres
cm: centimeter centimeters centimetre centimetres
mm: millimeter millimeters millimetre millimetres
km: kilometer kilometers kilometre kilometres
nm: nanometer nanometers
in: inch inches
ft: foot feet
yd: yard yards
mi: mile miles
g: gram grams gramme grammes
kg: kilogram kilograms
mg: milligram milligrams
lb: lbs pound pounds
oz: ounce ounces
ton: tons tonne tonnes
s: sec secs second seconds
ms: millisecond milliseconds
min: mins minute minutes
h: hr hrs hour hours
day: days
week: weeks
month: months
year: years yr yrs
l: liter liters litre litres
ml: milliliter milliliters
gallon: gallons gal
n: newton newtons
j: joule joules
kj: kilojoule kilojoules
ev: electronvolt electronvolts
w: watt watts
kw: kilowatt kilowatts
v: volt volts
a: ampere amperes amp amps
ohm: ohms
hz: hertz
k: kelvin kelvins
pa: pascal pascals
kpa: kilopascal kilopascals
atm: atmosphere atmospheres
mol: mole moles
rad: radian radians
degree: degrees deg
celsius: c degreec
fahrenheit: f degreef
dollar: dollars usd
cent: cents
euro: euros eur
pound sterling: gbp
km/h: kph kmph kmh
mph: mi/h
m/s: mps
cm/s:
m/s2:
g/cm:
kg/m:
j/mol:
kj/mol:
j/k:
mev:
erg: ergs
"""

NAMES: dict[str, str] = {}
for _line in SPELLINGS.strip().splitlines():
    _name, _, _others = _line.partition(":")
    NAMES |= dict.fromkeys([_name, *_others.split()], _name)

# Those that a formula could not mean by the same letters in a row.
BARE = frozenset(spelling for spelling in NAMES if len(spelling) > 1) - {"ms", "in", "pa", "ev"}
FILLING = re.compile(r"\b(?:square|cubic|sq|cu|per|units?|of|the|a|an|about)\b")
EXPONENT = re.compile(r"\^?\{?-?\d+\}?|[\^{}()\[\]~.,\\$]")
WITH_VOWEL = re.compile(r"[a-z]*[aeiouy][a-z]*")


def canonical_unit(text: str) -> tuple[str, bool]:
    """A unit's name without its exponents, and whether it is one that this table knows."""
    words = EXPONENT.sub(" ", text.lower().replace("cdot", " ").replace("times", " "))
    per = re.sub(r"\bper\b", "/", words)
    name = re.sub(r"\s*/\s*", "/", FILLING.sub(" ", per)).strip()
    if name in NAMES:
        return NAMES[name], True
    parts = [NAMES.get(part.strip(), "") for part in name.split("/")]
    if all(parts):
        return "/".join(parts), True
    return " ".join(name.split()), False


def is_bare_unit(text: str, own: str) -> bool:
    """Whether letters that follow a value, outside any text command, are a unit and no variables."""
    compact = EXPONENT.sub("", text)
    if own and canonical_unit(text) == canonical_unit(own):
        return True
    return compact.lower() in BARE or ("/" in compact and canonical_unit(compact)[1])


def unit_start(tokens: Sequence[Token], own: str) -> int | None:
    r"""Where a unit begins at the end of ``tokens``: ``\text{cm}^2``, ``^\circ``, km/h, people."""
    start = len(tokens)
    while start > 0:
        token = tokens[start - 1]
        if token.kind not in ("text", "letter") and not (
            token.value in ("^", "{", "}", "/", "cdot", "circ", "-", "times", "(", ")")
            or (token.kind == "number" and start > 1 and tokens[start - 2].value in ("^", "{", "-"))
        ):
            break
        start -= 1
    while start < len(tokens) and not (
        _begins_unit(tokens[start:]) and sum(map(turn, tokens[start:])) == 0
    ):
        start += 1
    if start in (0, len(tokens)):
        return None
    tail = tokens[start:]
    if any(t.kind == "text" for t in tail) or tail[0].value == "^":
        return start
    text = "".join(token.value for token in tail)
    spaced_word = tail[0].spaced and len(text) > 3 and WITH_VOWEL.fullmatch(text.lower())
    return start if is_bare_unit(text, own) or spaced_word else None


def _begins_unit(tail: Sequence[Token]) -> bool:
    first = tail[0]
    if first.value == "^":
        rest = [t.value for t in tail[1:] if t.kind != "letter"]
        return rest in (["circ"], ["{", "circ", "}"])
    return first.kind == "text" or first.kind == "letter"
