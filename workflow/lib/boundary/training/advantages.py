"""Advantage estimators: rewards of groups of rollouts in, one advantage a rollout out."""

from __future__ import annotations

import torch

EPSILON = 1e-6


def group_relative(rewards: torch.Tensor) -> torch.Tensor:
    """GRPO: (reward - group mean) / group standard deviation, for rewards [groups, rollouts].

    The standard deviation is the unbiased one, and a group whose rewards are all equal has advantage
    zero, as in VeRL's ``compute_grpo_outcome_advantage`` (DeepSeekMath, arXiv 2402.03300, eq. 3).
    """
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + EPSILON)
