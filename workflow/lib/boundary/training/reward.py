"""The verifiable reward: 1 for a response that the study's own verifier finds correct."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from boundary.verification.judge import Judge, Posed, Response
from boundary.verification.verifiers import VERIFIERS

Reward = Callable[[Sequence[tuple[Posed, str]]], list[float]]


@contextmanager
def verified_reward(domain: str = "math", workers: int = 1) -> Iterator[Reward]:
    """A reward for responses to problems of a domain, while the ``with`` block lasts.

    It takes pairs of what a response is judged by and the response, and gives 1.0 for each correct one,
    else 0.0. An answer that ran into the verifier's limits earns nothing.
    """
    with Judge(VERIFIERS[0], workers=workers, domain=domain) as judge:

        def reward(rollouts: Sequence[tuple[Posed, str]]) -> list[float]:
            judged = judge.judge([Response(posed, text, "stop") for posed, text in rollouts])
            return [float(judgement.verdict == "correct") for judgement in judged]

        yield reward
