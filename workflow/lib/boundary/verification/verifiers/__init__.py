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

# The first is the study's own; the others are second opinions.
VERIFIERS = ("boundary", "math_verify", "published")
# What they can judge so far: domains of problem records.
DOMAINS = ("math",)


def split_judged(judged: str) -> tuple[str, str]:
    """Who judged, and the filter that leaves problems out, if any: ``VERIFIER`` or ``VERIFIER/FILTER``."""
    verifier, _, name_of_filter = judged.partition("/")
    return verifier, name_of_filter
