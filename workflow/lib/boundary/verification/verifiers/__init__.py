"""Verifiers: first and second opinions on the same samples.

A name is a module here with four functions:

    find(text, policy) -> Found | None                  where a response states its answer
    decide_cheaply(gold, answer, policy) -> Decision | None
                                                        bounded work, in the caller's process
    prepare(gold, answer, policy)                       imports what deciding needs, before time counts
    decide(gold, answer, policy) -> Decision            whatever it takes, in a worker that can be killed

``gold`` is a tuple of texts: one answer, or several that are all needed. ``answer`` is what ``find``
returned. ``decide_cheaply`` returns None where it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable

from boundary.errors import BoundaryError

# The first is the study's own; the others are second opinions.
VERIFIERS = ("boundary", "math_verify", "published")
# What they can judge so far: domains of problem records.
DOMAINS = ("math",)


def split_judged(judged: str) -> tuple[str, str]:
    """Who judged, and the filter that leaves problems out, if any: ``VERIFIER`` or ``VERIFIER/FILTER``."""
    verifier, _, name_of_filter = judged.partition("/")
    return verifier, name_of_filter


def check_domains(found: Iterable[str], place: str) -> None:
    """See that problems of the domains that were ``found`` can be posed and judged.

    Raises BoundaryError, beginning with ``place``: a program or a picture would be judged as a formula.
    """
    for domain in found:
        if domain not in DOMAINS:
            raise BoundaryError(
                f"{place}: holds problems of domain {domain}, which are not sampled and verified yet; only "
                f"those of {', '.join(DOMAINS)} are"
            )
