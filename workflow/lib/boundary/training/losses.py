"""Losses of policy and value network: pure functions of per-token tensors [rows, tokens].

Each is defined as VeRL 0.9.1 (``verl.trainer.ppo.core_algos``) defines it by default, a mean over the
tokens of the batch included: of GRPO's as well, whose own paper takes the mean of each response first.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

LARGEST_LOG_RATIO = 20.0
LARGEST_LOSS_RATIO = 3.0  # of tokens with a negative advantage (dual clip, arXiv 1912.09729, eq. 5)
LARGEST_KL = 10.0


class Clip(NamedTuple):
    """How far the probability ratio may fall below 1, and rise above it."""

    low: float
    high: float


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of ``values`` over the tokens of ``mask`` (same shape, 0 or 1)."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def clipped_surrogate(
    new: torch.Tensor,
    old: torch.Tensor,
    advantages: torch.Tensor,
    mask: torch.Tensor,
    clip: Clip,
) -> torch.Tensor:
    """PPO's clipped surrogate objective, negated, as a mean over response tokens.

    ``new`` and ``old`` are log-probabilities under the policy being trained and the one that sampled;
    ``advantages`` is [rows, 1] or [rows, tokens]; ``mask`` marks response tokens. With an upper clip
    above the lower it is DAPO's (arXiv 2503.14476, eq. 8). As ``compute_policy_loss_vanilla`` (arXiv
    1707.06347, eq. 7).
    """
    ratio = (new - old).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp()
    clipped = ratio.clamp(1 - clip.low, 1 + clip.high)
    losses = torch.maximum(-ratio * advantages, -clipped * advantages)
    bounded = torch.minimum(losses, -LARGEST_LOSS_RATIO * advantages)
    return masked_mean(torch.where(advantages < 0, bounded, losses), mask)


def clipped_value_error(
    new: torch.Tensor, old: torch.Tensor, returns: torch.Tensor, mask: torch.Tensor, clip: float
) -> torch.Tensor:
    """Half the squared error of values, the larger of as they are and within ``clip`` of the old ones.

    As ``compute_value_loss``; PPO's own paper has the squared error alone.
    """
    clipped = new.clamp(old - clip, old + clip)
    return 0.5 * masked_mean(torch.maximum((new - returns) ** 2, (clipped - returns) ** 2), mask)


def kl_from_reference(
    new: torch.Tensor, reference: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """KL divergence from the reference to the policy in nats a token, estimated from the sampled tokens.

    The estimator that is never negative, r - 1 - log r with r = reference / policy, as ``kl_penalty`` with
    ``low_var_kl`` (DeepSeekMath, arXiv 2402.03300, eq. 4).
    """
    log_ratio = (reference - new).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
    return masked_mean((log_ratio.exp() - log_ratio - 1).clamp(max=LARGEST_KL), mask)
