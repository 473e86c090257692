"""The paper's ten claims, as assertions that an interval decides.

Each is asserted of every pair of cells that it speaks of, whatever the study. Effects are those of
``boundary.estimation.comparison.compare``: differences are the model's less the other's, its base's in
most. Every number that decides stands here, with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from boundary.claims.findings import Assertion, Rule, above, above_or_open, below, within
from boundary.claims.selections import (
    Selection,
    against_base,
    against_base_in_as_many,
    between_trainings,
    matched_against_base,
    matched_against_itself,
    more_rollouts,
    over_training,
    with_other_algorithms,
)
from boundary.claims.training import has_another_algorithm, has_more_kl
from boundary.estimation.comparison import OFTEN
from boundary.estimation.efficiency_gap import BASE_K

# "Many samples" are at least as many as the shortest of the paper's curves has (fig. 3). Fewer say nothing
# of where the curves end.
MANY = 64
# "Nearly a subset": of ten problems that the RLVR model solves, its base solves nine.
NEARLY = 0.9
# "Little" of pass@1: the six algorithms that the paper finds to differ little lie up to 4.3 points apart
# on Omni-MATH-Test (table 2).
LITTLE = 0.05
# Points that the gap exceeds on Omni-MATH, the paper says. Another benchmark's gap may well be smaller,
# which then contradicts the claim beyond Omni-MATH and not the paper.
GAP = 40.0

RLVR_AND_BASE = "an RLVR model and its base on one benchmark, sampled alike"
LATER = "of a later training from an earlier"
WITH_KL = "of a larger KL penalty from a smaller"
FROM_BASE = "of a model from its base"
TWO_TRAININGS = (
    "two RLVR models of one base on one benchmark, sampled alike, whose trainings differ in"
)
MATCHED = "an RLVR model at a sampling named matched, and it and its base sampled alike"


@dataclass(frozen=True)
class Part:
    """An assertion, the pairs by which it is judged, and the cells that these need."""

    assertion: Assertion
    select: Selection
    needs: str


@dataclass(frozen=True)
class Claim:
    """A claim by its number among the paper's ten; it holds if all its parts do."""

    number: int
    statement: str
    parts: tuple[Part, ...]


def _at_1(rule: Rule, whose: str) -> Assertion:
    return Assertion("difference_at_1", f"difference of pass@1, {whose}", rule)


def _at_largest_k(rule: Rule, whose: str) -> Assertion:
    measured = f"difference of pass@k at the largest k, {whose}"
    return Assertion("difference_at_largest_k", measured, rule, "share", "largest_k", MANY, MANY)


def _at_accuracy(accuracy: int, which: str) -> Assertion:
    measured = f"difference of the share of problems {which}"
    name = f"at_accuracy_{accuracy}"
    return Assertion(name, measured, above(0), "share", "largest_k", MANY, MANY)


MORE_AT_ONCE = Claim(
    1,
    "In one attempt (pass@1), a model that was trained by reinforcement learning with verifiable rewards "
    "(RLVR) solves more than the base model that it came from.",
    (Part(_at_1(above(0), FROM_BASE), against_base("rlvr"), RLVR_AND_BASE),),
)
LESS_IN_MANY = Claim(
    2,
    "In many attempts (pass@k at the largest k that was drawn), the base model solves more than the RLVR "
    "model that came from it.",
    (Part(_at_largest_k(below(0), FROM_BASE), against_base("rlvr"), RLVR_AND_BASE),),
)
NEARLY_A_SUBSET = Claim(
    3,
    f"The problems that an RLVR model solves at all are nearly a subset of those that its base solves: "
    f"more than {NEARLY:.0%} of them are among these.",
    (
        Part(
            Assertion(
                "subset_ratio_often",
                f"share of the problems solved by the model in {OFTEN:.0%} of its samples or more that the "
                "base solves, too",
                above(NEARLY),
                k_from="largest_k",
                supports_from=MANY,
                contradicts_from=MANY,
            ),
            against_base_in_as_many,
            RLVR_AND_BASE,
        ),
        Part(
            Assertion(
                "subset_ratio",
                "share of the problems solved by the model that the base solves, too",
                # A problem that both solve rarely is missing in one's samples by chance: the ratio is low
                # of models that are the same, and contradicts nothing.
                above_or_open(NEARLY),
                k_from="largest_k",
                supports_from=MANY,
            ),
            against_base_in_as_many,
            RLVR_AND_BASE,
        ),
    ),
)
TO_BOTH_ENDS = Claim(
    4,
    "RLVR moves problems to both ends: more of them are solved in every attempt than by the base model, "
    "and more of them in none.",
    (
        Part(_at_accuracy(1, "always solved"), against_base_in_as_many, RLVR_AND_BASE),
        Part(_at_accuracy(0, "never solved"), against_base_in_as_many, RLVR_AND_BASE),
    ),
)
LIKELY_TO_THE_BASE = Claim(
    5,
    "An RLVR model's responses are nothing new to its base: their median perplexity under the base lies in "
    "the lower half of the perplexities of the base's own responses.",
    (
        Part(
            Assertion(
                "perplexity_quantile",
                "where the median perplexity of the model's responses lies among those of the base's own",
                below(0.5),
                unit="quantile",
            ),
            against_base("rlvr"),
            f"{RLVR_AND_BASE}, and the perplexities of the responses of both under the base",
        ),
    ),
)
ALGORITHMS_ALIKE = Claim(
    6,
    "RLVR algorithms differ little in how far they stay behind their base (the sampling-efficiency gap: "
    f"the base's pass@{BASE_K} less the RLVR model's pass@1), and all stay more than {GAP:g} points "
    f"behind. Little is {100 * LITTLE:g} points; the paper says {GAP:g} of Omni-MATH, and here it is asked "
    "of every benchmark.",
    (
        Part(
            # With one base, two gaps differ as their models' pass@1 do.
            _at_1(within(LITTLE), "of one algorithm from another"),
            between_trainings(has_another_algorithm),
            f"{TWO_TRAININGS} their algorithm alone",
        ),
        Part(
            Assertion(
                "delta_se",
                "sampling-efficiency gap",
                above(GAP),
                unit="points",
                k_from="delta_se_k",
                contradicts_from=BASE_K,
            ),
            with_other_algorithms,
            "these two models' base, sampled alike",
        ),
    ),
)
OVER_TRAINING = Claim(
    7,
    "The longer an RLVR model is trained, the more it solves in one attempt (pass@1), and the less in many "
    "(pass@k at the largest k).",
    tuple(
        Part(
            assertion,
            over_training,
            f"{TWO_TRAININGS} their steps alone",
        )
        for assertion in (_at_1(above(0), LATER), _at_largest_k(below(0), LATER))
    ),
)
DISTILLED_ABOVE = Claim(
    8,
    "A model that was distilled from a stronger one solves more than its base in any number of attempts.",
    (
        Part(
            Assertion(
                "least_difference",
                "least difference of pass@k over all k",
                above(0),
                k_from="largest_k",
                supports_from=MANY,
            ),
            against_base("distilled"),
            "a distilled model and its base on one benchmark, sampled alike",
        ),
    ),
)
MATCHED_ENTROPY = Claim(
    9,
    "At the temperature that gives an RLVR model's output the entropy of its base's, the gap between them "
    "in many attempts (pass@k at the largest k) narrows and does not close.",
    (
        Part(
            _at_largest_k(above(0), "of a model from itself unmatched"),
            matched_against_itself,
            MATCHED,
        ),
        Part(
            _at_largest_k(below(0), "of a matched model from its base"),
            matched_against_base,
            MATCHED,
        ),
    ),
)
KL_AND_ROLLOUTS = Claim(
    10,
    "A penalty on the KL divergence from the base keeps an RLVR model's pass@1 (to "
    f"{100 * LITTLE:g} points) and lowers what it solves in many attempts (pass@k at the largest k); more "
    "rollouts a problem raise that. How little they raise it is not asked.",
    (
        *(
            Part(
                assertion,
                between_trainings(has_more_kl),
                f"{TWO_TRAININGS} their KL penalty alone",
            )
            for assertion in (_at_1(within(LITTLE), WITH_KL), _at_largest_k(below(0), WITH_KL))
        ),
        Part(
            _at_largest_k(above(0), "of more rollouts from fewer"),
            more_rollouts,
            f"{TWO_TRAININGS} their rollouts alone, or in their steps as well",
        ),
    ),
)

CLAIMS = (
    MORE_AT_ONCE,
    LESS_IN_MANY,
    NEARLY_A_SUBSET,
    TO_BOTH_ENDS,
    LIKELY_TO_THE_BASE,
    ALGORITHMS_ALIKE,
    OVER_TRAINING,
    DISTILLED_ABOVE,
    MATCHED_ENTROPY,
    KL_AND_ROLLOUTS,
)
