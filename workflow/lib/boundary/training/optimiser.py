"""AdamW with a linear warm-up and a cosine decay, and the one step that every trainer takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    import torch
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR
    from transformers import PreTrainedModel

WARM_UP_SHARE = 0.05
FINAL_SHARE = 0.1  # of the peak learning rate, at the last step
GRADIENT_NORM = 1.0


def build_optimiser(
    model: PreTrainedModel, learning_rate: float, steps: int
) -> tuple[AdamW, LambdaLR]:
    """The optimiser and its schedule over ``steps`` steps."""
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR

    warm_up = max(1, round(steps * WARM_UP_SHARE))

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        done = (step - warm_up) / max(1, steps - warm_up)
        return FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * done))

    optimiser = AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.01)
    return optimiser, LambdaLR(optimiser, factor)


def take_step(
    loss: torch.Tensor, model: PreTrainedModel, optimiser: AdamW, schedule: LambdaLR
) -> None:
    """Back-propagate, clip the gradient's norm, update.

    Raises BoundaryError before any weight changes if loss or gradient is not finite.
    """
    import torch

    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
    if not (torch.isfinite(loss) and torch.isfinite(norm)):
        raise BoundaryError(
            f"training diverged at update {schedule.last_epoch + 1}: loss {loss.item()}, gradient "
            f"norm {norm.item()}; lower the recipe's learning_rate"
        )
    optimiser.step()
    schedule.step()
