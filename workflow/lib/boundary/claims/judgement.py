"""Judging the claims: what all pairs of a study together say to each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from boundary.claims.evidence import Pair, read_pairs
from boundary.claims.findings import Finding, Outcome
from boundary.claims.statements import CLAIMS, Claim


@dataclass(frozen=True)
class Answer:
    """The ``answer`` to a claim, ``why`` in words, and the findings that it rests on.

    ``rules`` says of each thing that is measured how its interval decides.
    """

    number: int
    statement: str
    answer: Outcome
    why: str
    rules: tuple[str, ...]
    findings: tuple[Finding, ...]


def judge(evidence: pd.DataFrame) -> list[Answer]:
    """The ten claims of the paper, in order, judged by a table of ``boundary.claims.evidence.read_pairs``.

    A claim is contradicted if any finding contradicts it, supported if every finding supports it and
    each of its parts has one, and undecided otherwise. Without any finding it is not tested.

    Intervals are pointwise: each holds its truth as often as its level says, and nothing is adjusted for
    the number of findings. For support this is the strict side: all findings must support at once, which
    a false claim gets through no more often than a single one of them would let it (an
    intersection-union test), and a true one may miss. For contradiction it is the lenient side: of many
    findings on a true claim some contradict by chance, one in forty of two-sided 95 % intervals at the
    worst (of least_difference, which takes the worst of all k, more), so that a lone contradiction among
    many findings calls for a look at it.
    """
    pairs = read_pairs(evidence)
    return [_answer(claim, pairs) for claim in CLAIMS]


def _answer(claim: Claim, pairs: Sequence[Pair]) -> Answer:
    by_part = [tuple(part.select(part.assertion, pairs)) for part in claim.parts]
    findings = sum(by_part, ())
    parts = zip(claim.parts, by_part, strict=True)
    missing = [part for part, found in parts if not found]
    lacking = [f"not tested without {part.needs}" for part in missing]
    why = "; ".join(filter(None, [_count(findings), *dict.fromkeys(lacking)]))
    rules = tuple(str(part.assertion) for part in claim.parts)
    answer = _combine({finding.answer for finding in findings}, bool(missing))
    return Answer(claim.number, claim.statement, answer, why, rules, findings)


def _combine(outcomes: set[Outcome], incomplete: bool) -> Outcome:
    if not outcomes:
        return Outcome.NOT_TESTED
    if Outcome.CONTRADICTED in outcomes:
        return Outcome.CONTRADICTED
    if Outcome.UNDECIDED in outcomes or incomplete:
        return Outcome.UNDECIDED
    return Outcome.SUPPORTED


def _count(findings: Sequence[Finding]) -> str:
    """How many findings there are of each kind, in words; empty without any."""
    counts = Counter(finding.answer for finding in findings)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
