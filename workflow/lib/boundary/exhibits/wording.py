"""How results are put into words and numbers for people."""

from __future__ import annotations

import math

from boundary.verification.verifiers import split_judged

NO_BREAK = "\N{NO-BREAK SPACE}"  # a wide table breaks its lines between value and interval
MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int) -> str:
    """``value`` to so many digits after the point; "undefined" if it is not a number."""
    if math.isnan(value):
        return "undefined"
    written = f"{value:.{digits}f}"
    return written.replace("-", MINUS if float(written) else "")


def interval(value: float, low: float, high: float, digits: int = 3) -> str:
    """A value with its interval, as in 0.500 [0.400, 0.600]."""
    if math.isnan(value):
        return number(value, digits)
    return f"{number(value, digits)} [{number(low, digits)},{NO_BREAK}{number(high, digits)}]"


def verifier_name(verifier: str) -> str:
    """The verifier, and which problems were left out, if any: behind its slash."""
    name, left_out = split_judged(verifier)
    return f"{name}, {without(left_out)}" if left_out else name


def without(left_out: str) -> str:
    """Which problems were left out: those that a filter of the study names."""
    return f"filter {left_out}"


def crossing(k: float, largest_k: int) -> str:
    """The crossing of two curves (boundary.estimation.crossing) that end at ``largest_k``."""
    if math.isinf(k):
        return f"none up to {largest_k}"
    return "base never behind" if k == 1 else f"{k:.0f}"


def crossing_with_interval(
    measured: tuple[float, float, float], largest_k: int, censored: float, from_start: float
) -> str:
    """The crossing, its interval, and what the resamples have: as in 16 [9, beyond 256].

    ``measured`` is the crossing and the ends of its interval. ``censored`` and ``from_start`` are the
    shares of resamples with no crossing up to ``largest_k``, and with the base never behind.
    """
    k, low, high = measured
    written = crossing(k, largest_k)
    if math.isfinite(low):
        end = f"beyond{NO_BREAK}{largest_k}" if math.isinf(high) else f"{high:.0f}"
        written += f" [{low:.0f},{NO_BREAK}{end}]"
    resamples = [
        f"{what} in {_percent(part)}"
        for what, part in (("none", censored), ("base never behind", from_start))
        if part
    ]
    return f"{written}; {', '.join(resamples)} of resamples" if resamples else written


def _percent(part: float) -> str:
    if 0 < part < 0.01:
        return f"less than 1{NO_BREAK}%"
    if 0.99 < part < 1:
        return f"more than 99{NO_BREAK}%"
    return f"{part:.0%}".replace("%", f"{NO_BREAK}%")


def p_value(p: float) -> str:
    """A p-value to three digits."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
