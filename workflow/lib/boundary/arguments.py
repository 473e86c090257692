"""Types of command-line arguments: what is out of range is a usage error, before any work."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from typing import Any


def at_least(minimum: int) -> Callable[[str], int]:
    """An integer that is not below ``minimum``."""

    def parse(text: str) -> int:
        value = _parse(int, text)
        if value < minimum:
            raise argparse.ArgumentTypeError(f"found {text}; expected {minimum} or more")
        return value

    return parse


def not_negative(text: str) -> float:
    """A finite number that is not below 0."""
    value = _parse(float, text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"found {text}; expected a number of 0 or more")
    return value


def share(text: str) -> float:
    """A number above 0 and up to 1."""
    value = _parse(float, text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"found {text}; expected a number above 0 and up to 1")
    return value


def level(text: str) -> float:
    """The coverage of an interval: a number above 0 and up to 0.9999."""
    value = _parse(float, text)
    if not 0 < value <= 0.9999:
        raise argparse.ArgumentTypeError(f"found {text}; expected a number above 0, up to 0.9999")
    return value


def json_argument(text: str) -> Any:
    """A JSON document. What is none is not repeated in the message."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None


def _parse(kind: Callable[[str], Any], text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; expected {'an integer' if kind is int else 'a number'}"
        ) from None
