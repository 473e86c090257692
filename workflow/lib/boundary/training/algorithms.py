"""The RLVR algorithms by name: how each draws its groups and estimates advantages.

The loss is the same for all, the clipped surrogate of ``losses``: VeRL, by which the paper's models were
trained, descends it whatever estimates the advantages. Algorithms without a clip of their own
(RLOO, ReMax) are so clipped as well, which is felt only by a step's updates after the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from boundary.training.advantages import (
    Outcomes,
    above_greedy,
    group_relative,
    leave_one_out,
    whitened_returns,
)
from boundary.training.drawing import draw_batch, draw_mixed_groups, draw_with_greedy
from boundary.training.problems import Batch
from boundary.training.rollouts import Rollouts, Sampler


class Algorithm(NamedTuple):
    """Two functions; without the second, advantages are generalised ones, by a value network."""

    draw: Callable[[Sampler, Iterator[Batch]], Rollouts]
    advantages: Callable[[Outcomes], torch.Tensor] | None


ALGORITHMS = {
    "ppo": Algorithm(draw_batch, None),
    "grpo": Algorithm(draw_batch, group_relative),
    "reinforce_plus_plus": Algorithm(draw_batch, whitened_returns),
    "rloo": Algorithm(draw_batch, leave_one_out),
    "remax": Algorithm(draw_with_greedy, above_greedy),
    "dapo": Algorithm(draw_mixed_groups, group_relative),
}
