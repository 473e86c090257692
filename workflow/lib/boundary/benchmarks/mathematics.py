r"""The format `math`: any file with a question and a gold answer, under keys that its entry names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boundary.benchmarks.fields import HALF_PAIR, value_of
from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError
from boundary.verification.boxes import last_box

DOMAIN = "math"
OTHER_KEYS = "Say under `fields` which to read"


@dataclass(frozen=True)
class Fields:
    """Keys of a row that hold a problem; `fields` in config/benchmarks.yaml.

    Without a ``problem_id`` key, problems are numbered. A gold is a number or a text, or a list of them
    that are all asked for; ``gold_in`` says where it stands in that text. ``tolerance``, ``unit`` and
    ``several`` are keys of a problem's own settings of the verification.
    """

    question: str = "question"
    gold: str = "answer"
    gold_in: str = "whole"
    problem_id: str | None = None
    tolerance: str | None = None
    unit: str | None = None
    several: str | None = None

    @property
    def settings(self) -> dict[str, str]:
        """Keys of a problem's own settings, by setting."""
        named = {"tolerance": self.tolerance, "unit": self.unit, "several": self.several}
        return {setting: key for setting, key in named.items() if key is not None}


def read_problem(row: Mapping[str, Any], place: str, fields: Fields) -> Problem:
    """The problem of a row; its ``problem_id`` is empty where no key of it is named.

    What the row has of ``tolerance``, ``unit`` and ``several`` goes to ``verification`` in meta.

    Raises BoundaryError, beginning with ``place``, where a key is missing or empty.
    """
    settings = _own_settings(row, fields.settings, place)
    return Problem(
        problem_id=_text(row, fields.problem_id, place) if fields.problem_id else "",
        question=_text(row, fields.question, place),
        gold=_gold(row, fields, place),
        meta={"verification": settings} if settings else {},
    )


def _text(row: Mapping[str, Any], key: str, place: str) -> str:
    """A number or a text of a row, as text."""
    value = value_of(row, key, place, OTHER_KEYS)
    if not _is_text(value):
        raise BoundaryError(f"{place}: {key!r} is {value!r:.200}; expected a number or a text")
    return value


def _gold(row: Mapping[str, Any], fields: Fields, place: str) -> str | list[str]:
    """The answer of a row, or the answers that it asks for; a list of one is that one."""
    key = fields.gold
    value = value_of(row, key, place, OTHER_KEYS)
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(map(_is_text, texts)):
        raise BoundaryError(
            f"{place}: {key!r} is {value!r:.200}; expected a number or a text, or a list of them"
        )
    find, what = GOLD_PLACES[fields.gold_in]
    answers = [find(text) for text in texts]
    found = [answer for answer in answers if answer]
    if len(found) < len(answers):
        raise BoundaryError(
            f"{place}: {key!r} has no answer {what}, where `gold_in: {fields.gold_in}` looks for it; "
            f"it ends in {texts[answers.index(next(a for a in answers if not a))][-60:]!r}"
        )
    return found if len(found) > 1 else found[0]


def _after_hashes(text: str) -> str:
    return text.rpartition("####")[2].strip() if "####" in text else ""


# Where a gold stands in its text: how it is found, None or empty where it is not, and what that is called.
GOLD_PLACES: dict[str, tuple[Callable[[str], str | None], str]] = {
    "whole": (lambda text: text, "in it"),
    "after_hashes": (_after_hashes, "behind ####"),
    "last_box": (last_box, "in a last \\boxed{}"),
}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not HALF_PAIR.search(value)


def _own_settings(row: Mapping[str, Any], keys: Mapping[str, str], place: str) -> dict[str, Any]:
    """How a problem's own answer is to be verified, where its row says so."""
    settings = {}
    for setting, key in keys.items():
        value = row.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        expected, read = OWN_SETTINGS[setting]
        try:
            found = read(value)
        except ValueError:
            raise BoundaryError(
                f"{place}: {key!r} is {value!r:.200}; expected {expected}, or nothing"
            ) from None
        if found is not None:
            settings[setting] = found
    return settings


def _tolerance(value: Any) -> float:
    """Of several, one for each answer, the smallest: a verification has one."""
    if not isinstance(value, str):
        raise ValueError
    numbers = [float(text) for text in value.split(",")]
    if not all(0 <= number < math.inf for number in numbers):
        raise ValueError
    return min(numbers)


def _unit(value: Any) -> str:
    if not _is_text(value):
        raise ValueError
    return value.strip()


def _several(value: Any) -> str | None:
    """Benchmarks say true of what has several answers; what they say false of may yet have commas."""
    if isinstance(value, bool):
        return "list" if value else None
    if value not in ("list", "single", "auto"):
        raise ValueError
    return None if value == "auto" else value


# What a problem may settle itself: what its row may hold, and how that is read; None leaves it open.
OWN_SETTINGS: dict[str, tuple[str, Callable[[Any], float | str | None]]] = {
    "tolerance": ("a number of 0 or more, or several with commas", _tolerance),
    "unit": ("a text", _unit),
    "several": ("true, false, list, single or auto", _several),
}
