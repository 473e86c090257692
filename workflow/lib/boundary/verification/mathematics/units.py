"""Units as answers write them, by the name that all spellings of one share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from boundary.verification.mathematics.tokens import Token
from boundary.verification.mathematics.vocabulary import FUNCTIONS, GREEK_NAMES, SPELLED, words

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

# Short ones that stand behind a number without any command, with their capitals as they are.
BARE_SYMBOLS = words(
    "cm mm km nm kg mg lb lbs ft yd mi oz min hr hrs sec mph kph mL ml Hz kW kJ kPa mol"
)
LONE_SYMBOLS = words("m s g h K J N W V A L C F")  # in a text command; e, i, d, x are no units
SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
# What says something else of a value than its unit.
NO_UNIT = words(
    """
    and or to if for plus minus times over not no is are half third quarter dozen squared cubed factorial
    choose at least most more less than about only approximately between each remainder mod modulo base
    am pm infinity pi tenths hundredths thousandths halves thirds fourths fifths or more either with by
    where when hundred thousand million billion trillion out through below above under score scores dozens
    pair pairs tens hundreds thousands millions billions trillions negative positive zero zeros loss deficit
    short impossible false undefined none not
    """
)
PARTS = re.compile(  # two fifths, a quarter; months and cards are none
    "(?:[a-z]*(?:four|fif|six|seven|eigh|nin|ten|leven|twelf|teen|tie|dred|sand|llion)ths?"
    "|thirds?|halves|quarters?|th|nth)"
)
FILLING = re.compile(r"\b(?:square|cubic|sq|cu|per|units?|of|the|a|an)\b")
EXPONENT = re.compile(r"\^?\{?-?[0-9]+\}?|[\^{}()\[\]~.,\\$]")
UNIT_TEXT = re.compile(r"\(?[A-Za-zµμΩ°][A-Za-zµμΩ° .'/-]*(?:(?<=[A-Za-z])-?[0-9]|\^-?[0-9])?\)?")
WITH_VOWEL = re.compile(r"[A-Z]?[a-z]*[eiou][a-z]*")
LONGEST_UNIT = 24  # tokens
EXPONENTS = (["^", "n"], ["^", "{", "n", "}"], ["^", "{", "-", "n", "}"], ["^", "-", "n"])


def canonical_unit(text: str) -> tuple[str, bool]:
    """A unit's name without its exponents, and whether it is one that this table knows."""
    plain = EXPONENT.sub(" ", text.lower().replace("cdot", " ").replace("times", " "))
    per = re.sub(r"\bper\b", "/", plain)
    name = re.sub(r"\s*/\s*", "/", FILLING.sub(" ", per)).strip()
    name = re.sub(r"^(mi|miles?)/(h|hr|hours?)$", "mph", name)
    if name in NAMES:
        return NAMES[name], True
    parts = [NAMES.get(part.strip(), "") for part in name.split("/")]
    if all(parts):
        return "/".join(parts), True
    return " ".join(name.split()), False


def scale_of(word: str) -> int:
    """The power of ten that a word such as million or Millions stands for; 0 if it is none."""
    return SCALES.get(word.lower().removesuffix("s"), 0)


def without_scale_word(unit: str) -> tuple[str, int]:
    """A unit such as ``million dollars`` without its first word, and the power of ten that this is."""
    word, _, rest = unit.strip().partition(" ")
    scale = scale_of(word)
    return (rest.strip(), scale) if scale else (unit, 0)


def is_unit_text(text: str, own: str) -> bool:
    """Whether the content of a text command behind a value is its unit, and says nothing else of it."""
    name = text.replace("~", " ").strip()
    if own and canonical_unit(name) == canonical_unit(own):
        return True
    name = name.replace("\\cdot", " ")
    letters = re.findall(r"[a-z]+", name.lower())
    if not letters or not UNIT_TEXT.fullmatch(name) or {*letters, "".join(letters)} & NO_UNIT:
        return False
    if any(PARTS.fullmatch(word) or word in GREEK_NAMES for word in letters):
        return False
    variables = len(name) <= 3 and not text[0].isspace() and text[0] != "~"  # as in \mathrm{GM}
    if variables and len(name) > 1 and not canonical_unit(name)[1]:
        return False
    if len(name) == 1:
        return name in LONE_SYMBOLS
    return name not in FUNCTIONS | SPELLED


def unit_start(tokens: Sequence[Token], own: str, bare: bool) -> int | None:
    r"""Where a unit begins at the end of ``tokens``: ``\text{cm}^2``, ``^\circ``; if ``bare`` km/h, too."""
    found = None
    for start in range(max(1, len(tokens) - LONGEST_UNIT), len(tokens)):
        if _is_unit(tokens[start:], own, bare):
            found = start
            break
    if found is not None and tokens[found].value == "^" and _holds_function(tokens[:found]):
        return None  # the degrees are the argument's: sin 30^\circ
    return found


def _holds_function(tokens: Sequence[Token]) -> bool:
    return any(token.value.strip() in FUNCTIONS for token in tokens if token.kind != "letter")


def _is_unit(tail: Sequence[Token], own: str, bare: bool) -> bool:
    """Whether all of ``tail`` is units with their exponents, parted by / or a dot or nothing."""
    at, divided = 0, False
    while at < len(tail):
        length = _degree(tail[at:]) if at == 0 else 0
        length = length or _word(tail[at:], own, bare, divided)
        if not length:
            return False
        at += length
        at += _exponent(tail[at:])
        divided = at < len(tail) and tail[at].kind != "text" and tail[at].value == "/"
        if divided or (at < len(tail) and tail[at].value == "cdot"):
            at += 1
            if at == len(tail):
                return False
    return True


def _degree(tail: Sequence[Token]) -> int:
    r"""How many tokens a sign of degrees takes: ``^\circ``, ``^{\circ}``, and C or F behind it."""
    values = [token.value for token in tail[:5]]
    for shape in (["^", "circ"], ["^", "{", "circ", "}"]):
        if values[: len(shape)] == shape:
            scale = len(tail) == len(shape) + 1 and tail[-1].value.strip() in ("C", "F")
            return len(shape) + scale
    return 0


def _word(tail: Sequence[Token], own: str, bare: bool, divided: bool) -> int:
    """How many tokens a unit's name takes, 0 if there is none; ``divided`` if it follows a slash."""
    first = tail[0]
    if first.kind == "text":
        return int(is_unit_text(first.value, own))
    if first.kind != "letter":
        return 0
    length = 1
    while length < len(tail) and tail[length].kind == "letter" and not tail[length].spaced:
        length += 1
    name = "".join(token.value for token in tail[:length])
    if own and canonical_unit(name) == canonical_unit(own):
        return length
    if not bare or name.lower() in NO_UNIT | GREEK_NAMES or PARTS.fullmatch(name.lower()):
        return 0
    is_word = len(name) > 3 and (
        name.lower() in NAMES or (first.spaced and WITH_VOWEL.fullmatch(name) is not None)
    )
    divides = len(tail) > length and tail[length].value == "/"
    in_quotient = name in ("m", "s", "h", "g", "L") and (divided or divides)  # as in m/s
    return length if is_word or name in BARE_SYMBOLS or in_quotient else 0


def _exponent(tail: Sequence[Token]) -> int:
    shape = ["n" if token.kind == "number" else token.value for token in tail[:5]]
    return next((len(e) for e in EXPONENTS if shape[: len(e)] == e), 0)
