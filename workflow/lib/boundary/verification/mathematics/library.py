"""Sums, integrals, limits: what the reader of this project does not know, on math-verify and sympy."""

from __future__ import annotations

from functools import cache

from boundary.verification.verdict import Decision


def boxed_equal(gold: str, answer: str) -> Decision | None:
    """Whether math-verify finds two box contents equal; None where it cannot read the gold.

    From LaTeX alone: its fallback for plain expressions picks up a stray digit of anything unparsable. It
    may take any time and memory: run it where it can be killed, which is why its own alarm is off.
    """
    import logging

    from math_verify import LatexExtractionConfig, parse, verify

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    latex = [LatexExtractionConfig()]
    parsed = [
        parse(f"\\boxed{{{text}}}", latex, fallback_mode="no_fallback", parsing_timeout=None)
        for text in (gold, answer)
    ]
    if not parsed[0]:
        return None
    if not parsed[1]:
        return Decision("wrong", "math-verify", "math-verify cannot read it")
    same = verify(*parsed, timeout_seconds=None)
    return Decision("correct" if same else "wrong", "math-verify", "math-verify and sympy")


@cache
def warm_up() -> None:
    """Import the libraries and have them read something, once in a process."""
    boxed_equal("\\sum_{k=1}^{n} k", "\\frac{n(n+1)}{2}")
