"""The verifiable reward: 1 for a response that the study's own verifier finds correct."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from boundary.verification.judge import Judge, Response, pose
from boundary.verification.policy import Policy
from boundary.verification.verifiers import VERIFIERS


def verified_reward(policy: Policy) -> Callable[[str, str], float]:
    """A reward under a benchmark's policy.

    It takes a gold (the record's JSON) and a response, and gives 1.0 for a correct one, else 0.0. An answer
    that ran into the verifier's limits earns nothing.
    """
    judge = Judge(VERIFIERS[0])
    posed = lru_cache(maxsize=100_000)(lambda gold: pose(gold, policy))

    def reward(gold: str, text: str) -> float:
        (judgement,) = judge.judge([Response(posed(gold), text, "stop")])
        return float(judgement.verdict == "correct")

    return reward
