"""Verifiers: first and second opinions on the same samples.

A verifier of a domain is a module with

    find(text, policy) -> Found | None                  where a response states its answer
    decide_cheaply(gold, answer, policy) -> Decision | None
                                                        bounded work, in the caller's process

and, for what takes longer, either two functions that a worker of verification.pool calls,

    prepare(gold, answer, policy)                       imports what deciding needs, before time counts
    decide(gold, answer, policy) -> Decision            whatever it takes, in a worker that can be killed

or a class ``Worker`` of its own, where an answer must not run in a process of ours. ``gold`` is a tuple of
texts, as verification.judge.pose makes it. ``answer`` is what ``find`` returned. ``decide_cheaply`` returns
None where it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable

from boundary.errors import BoundaryError

# The first is the study's own; the others are second opinions.
VERIFIERS = ("boundary", "math_verify", "published")
OF_ANSWERS = {name: f"boundary.verification.verifiers.{name}" for name in VERIFIERS}
# Who can judge what: the verifiers' modules by the domain of problem records. To a picture the answers are
# those of mathematics: numbers, formulas, short texts.
MODULES = {
    "math": OF_ANSWERS,
    "visual": OF_ANSWERS,
    "code": {"boundary": "boundary.verification.programs.verifier"},
}
DOMAINS = tuple(MODULES)
TEXTUAL = ("math", "code")  # all that is posed is a text


def verifier_module(verifier: str, domain: str) -> str:
    """Full name of the module that is ``verifier`` for a domain. Raises BoundaryError if there is none."""
    if verifier not in MODULES[domain]:
        raise BoundaryError(
            f"the verifier {verifier!r} judges no problems of domain {domain}; those that do are "
            f"{', '.join(MODULES[domain])}"
        )
    return MODULES[domain][verifier]


def split_judged(judged: str) -> tuple[str, str]:
    """Who judged, and the filter that leaves problems out, if any: ``VERIFIER`` or ``VERIFIER/FILTER``."""
    verifier, _, name_of_filter = judged.partition("/")
    return verifier, name_of_filter


def check_domains(found: Iterable[str], place: str) -> str:
    """The one domain of the problems of a file, which can be judged.

    Raises BoundaryError, beginning with ``place``, where there is another or several.
    """
    domains = sorted(set(found))
    for domain in domains:
        if domain not in DOMAINS:
            raise BoundaryError(
                f"{place}: holds problems of domain {domain}, which nothing judges; expected one of "
                f"{', '.join(DOMAINS)}"
            )
    if len(domains) != 1:
        raise BoundaryError(
            f"{place}: holds problems of the domains {', '.join(domains) or 'none'}; expected one domain"
        )
    return domains[0]


def check_textual(found: Iterable[str], place: str, use: str) -> str:
    """The one domain of the problems of a file, for a ``use`` that poses a text and no pictures.

    Raises BoundaryError, beginning with ``place``, as check_domains, and where problems have pictures.
    """
    domain = check_domains(found, place)
    if domain not in TEXTUAL:
        raise BoundaryError(
            f"{place}: holds problems of domain {domain}, whose pictures {use} does not look at; take "
            f"problems of {' or '.join(TEXTUAL)}"
        )
    return domain
