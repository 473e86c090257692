"""AdamW with a linear warm-up and a cosine decay, and the one step that every trainer takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR

WARM_UP_SHARE = 0.05
FINAL_SHARE = 0.1  # of the peak learning rate, at the last step
GRADIENT_NORM = 1.0


class Learner(NamedTuple):
    """A network, what moves its weights, how far, and which key of its recipe says so."""

    network: nn.Module
    optimiser: AdamW
    schedule: LambdaLR
    rate_key: str


def build_learner(
    network: nn.Module, recipe: Mapping[str, Any], steps: int, rate_key: str = "learning_rate"
) -> Learner:
    """A learner that takes ``steps`` steps, up to the recipe's learning rate and down again."""
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR

    warm_up = max(1, round(steps * WARM_UP_SHARE))

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        done = (step - warm_up) / max(1, steps - warm_up)
        return FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * done))

    rate = recipe[rate_key]
    optimiser = AdamW(network.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    return Learner(network, optimiser, LambdaLR(optimiser, factor), rate_key)


def take_step(loss: torch.Tensor, learner: Learner) -> None:
    """Back-propagate, clip the gradient's norm, update.

    Raises BoundaryError before any weight changes if loss or gradient is not finite.
    """
    import torch

    learner.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(learner.network.parameters(), GRADIENT_NORM)
    if not (torch.isfinite(loss) and torch.isfinite(norm)):
        raise BoundaryError(
            f"training diverged at update {learner.schedule.last_epoch + 1}: loss {loss.item()}, gradient "
            f"norm {norm.item()}; lower the recipe's {learner.rate_key}"
        )
    learner.optimiser.step()
    learner.schedule.step()
