"""The reward function that VeRL loads: 1 for a response that the study's own verifier finds correct.

VeRL calls it in threads of several processes of its own, each with a judge and its workers.
"""

from __future__ import annotations

import atexit
import json
from contextlib import ExitStack
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from boundary.training.reward import Reward, verified_reward
from boundary.verification.judge import Posed, pose
from boundary.verification.policy import Policy, read_policy

PROBLEMS_HELD = 4_096
_one_at_a_time = Lock()  # a judge has one memo and one queue of questions
_open = ExitStack()  # the judges of this process, until it ends
atexit.register(_open.close)


def ground_truth(
    domain: str, policy: Policy, gold: str, meta: str | None, tests: str | None
) -> str:
    """What responses to a problem are judged by, as the text that VeRL hands to ``compute_score``.

    ``gold``, ``meta`` and ``tests`` are a problem record's.
    """
    return json.dumps(
        {"domain": domain, "policy": vars(policy), "gold": gold, "meta": meta, "tests": tests}
    )


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None
) -> float:
    """The reward of a response (``solution_str``): 1.0 if it is correct, else 0.0. VeRL's signature."""
    domain, posed = _posed(ground_truth)
    with _one_at_a_time:
        (reward,) = _reward(domain)([(posed, solution_str)])
    return reward


@lru_cache(maxsize=PROBLEMS_HELD)
def _posed(text: str) -> tuple[str, Posed]:
    problem = json.loads(text)
    policy = read_policy(problem["policy"])
    posed = pose(problem["gold"], policy, problem["meta"], problem["tests"])
    return problem["domain"], posed


@cache
def _reward(domain: str) -> Reward:
    return _open.enter_context(verified_reward(domain))
