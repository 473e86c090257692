"""The RLVR algorithms by name: how each estimates advantages and which loss it descends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch


class Algorithm(NamedTuple):
    """Two pure functions; see ``advantages`` and ``losses`` for their arguments."""

    advantages: Callable[[torch.Tensor], torch.Tensor]
    loss: Callable[..., torch.Tensor]


def load_algorithm(name: str) -> Algorithm:
    """The algorithm ``name``; the names are those of the schema of config/models.yaml."""
    from boundary.training.advantages import group_relative
    from boundary.training.losses import clipped_surrogate

    return {"grpo": Algorithm(group_relative, clipped_surrogate)}[name]
