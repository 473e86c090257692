"""Policy losses: pure functions of per-token log-probabilities and advantages."""

from __future__ import annotations

import torch


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of ``values`` over the tokens of ``mask`` (same shape, 0 or 1)."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def clipped_surrogate(
    new: torch.Tensor,
    old: torch.Tensor,
    advantages: torch.Tensor,
    mask: torch.Tensor,
    clip: float,
) -> torch.Tensor:
    """PPO's clipped surrogate objective, negated, as a mean over response tokens.

    ``new`` and ``old`` are log-probabilities [rows, tokens] under the policy being trained and the
    one that sampled; ``advantages`` is [rows, 1] or [rows, tokens]; ``mask`` marks response tokens.
    (arXiv 1707.06347, eq. 7; the mean over all tokens of the batch is VeRL's ``token-mean``.)
    """
    ratio = (new - old).exp()
    clipped = ratio.clamp(1 - clip, 1 + clip)
    return masked_mean(-torch.minimum(ratio * advantages, clipped * advantages), mask)
