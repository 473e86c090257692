"""Which pairs an assertion is judged by, and what keeps one of them from deciding it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from boundary.claims.evidence import Pair
from boundary.claims.findings import (
    Assertion,
    Finding,
    Outcome,
    add_note,
    below,
    leave_open,
)
from boundary.claims.samplings import is_matched
from boundary.claims.training import (
    Training,
    has_another_algorithm,
    has_more_rollouts,
    is_later,
)

Selection = Callable[[Assertion, Sequence[Pair]], Iterator[Finding]]
Related = Callable[[Training, Training], bool]


def against_base(role: str) -> Selection:
    """Every model of ``role`` against its base, sampled alike."""

    def select(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
        for pair in _against_base(pairs, role):
            yield from assertion.find(pair)

    return select


def against_base_in_as_many(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """RLVR models against their bases; open where more samples of one were judged, which solve more."""
    for pair in _against_base(pairs, "rlvr"):
        judged = [
            pair.measures.get(f"{who}_judged", (None, None, None)) for who in ("base", "model")
        ]
        for finding in assertion.find(pair):
            even = judged[0] == judged[1] and judged[0][1] == judged[0][2]
            yield finding if even else leave_open(finding, "more samples of one alone solve more")


def between_trainings(is_related: Related) -> Selection:
    """Every two RLVR models of which the first's training relates to the second's."""

    def select(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
        for pair in _between_trainings(pairs, is_related):
            yield from assertion.find(pair)

    return select


def more_rollouts(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """More rollouts against fewer. That their steps differ, too, is noted."""
    for pair in _between_trainings(pairs, has_more_rollouts):
        steps = [side.training.steps for side in (pair.model, pair.other)]
        first, second = (f"{told:g}" if told else "unknown" for told in steps)
        for finding in assertion.find(pair):
            alike = first == second
            yield finding if alike else add_note(finding, f"steps differ: {first} and {second}")


def over_training(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """One finding for each run: its last training against its first.

    Neighbours may be too close to tell apart, and are not asked to support anything; but if some later
    training contradicts against an earlier one, that is the run's finding.
    """
    runs: dict[Any, list[Pair]] = {}
    for pair in _between_trainings(pairs, is_later):
        run = replace(pair.model.training, steps=None)
        runs.setdefault((pair.judged, pair.model.sampling, run), []).append(pair)
    for of_run in runs.values():
        furthest_first = sorted(of_run, key=_steps_between, reverse=True)
        findings = [finding for pair in furthest_first for finding in assertion.find(pair)]
        against = [finding for finding in findings if finding.answer is Outcome.CONTRADICTED]
        yield from (against or findings)[:1]


def _steps_between(pair: Pair) -> float:
    return (pair.model.training.steps or 0) - (pair.other.training.steps or 0)


def with_other_algorithms(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Against their base: models of which there is a counterpart trained by another algorithm."""
    compared = {
        (pair.judged, side.drawn)
        for pair in _between_trainings(pairs, has_another_algorithm)
        for side in (pair.model, pair.other)
    }
    for pair in _against_base(pairs, "rlvr"):
        if (pair.judged, pair.model.drawn) in compared:
            yield from assertion.find(pair)


class _Matching(NamedTuple):
    """A model at a matched sampling against itself and its base, and what the gap was before."""

    itself: Pair
    base: Pair
    before: Pair


def matched_against_itself(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """A model at the base's entropy against itself at the base's sampling, if there is a gap."""
    for matching in _matchings(pairs):
        yield from _if_there_is_a_gap(assertion.find(matching.itself), matching)


def matched_against_base(assertion: Assertion, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """A model at the base's entropy against the base, if there is a gap when sampled alike."""
    for matching in _matchings(pairs):
        yield from _if_there_is_a_gap(assertion.find(matching.base), matching)


def _matchings(pairs: Sequence[Pair]) -> Iterator[_Matching]:
    by_cells = {(pair.judged, pair.model.drawn, pair.other.drawn): pair for pair in pairs}
    for itself in pairs:
        if itself.model.model != itself.other.model or not is_matched(itself.model.sampling):
            continue
        for before in _against_base(pairs, "rlvr"):
            base = by_cells.get((itself.judged, itself.model.drawn, before.other.drawn))
            follows = (before.judged, before.model.drawn) == (itself.judged, itself.other.drawn)
            if follows and base is not None:
                yield _Matching(itself, base, before)


def _if_there_is_a_gap(findings: Iterator[Finding], matching: _Matching) -> Iterator[Finding]:
    _, low, high = matching.before.measures.get("difference_at_largest_k", (float("nan"),) * 3)
    # A temperature that was set by hand is believed.
    reached, *_ = matching.itself.measures.get("reached", (1.0,))
    for finding in findings:
        if not reached:
            finding = leave_open(finding, "no temperature reached the base's entropy")
        elif not below(0).supports(low, high):
            finding = leave_open(finding, "sampled alike, no gap is established")
        yield finding


def _against_base(pairs: Sequence[Pair], role: str) -> Iterator[Pair]:
    for pair in pairs:
        if pair.model.role == role and pair.other.role == "base" and pair.is_sampled_alike:
            yield pair


def _between_trainings(pairs: Sequence[Pair], is_related: Related) -> Iterator[Pair]:
    for pair in pairs:
        trained = pair.model.role == pair.other.role == "rlvr" and pair.is_sampled_alike
        if trained and is_related(pair.model.training, pair.other.training):
            yield pair
