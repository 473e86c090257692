"""PPO's value network: what reward a response can expect, before each of its tokens."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

from boundary.training.pieces import score_in_pieces

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class ValueNetwork(nn.Module):
    """The policy's layers as they were at the start, in weights of its own, with a linear head.

    A network beside the policy, as VeRL has it. The head begins at zero, and so do all values.
    """

    def __init__(self, policy: PreTrainedModel) -> None:
        super().__init__()
        self.layers = copy.deepcopy(policy.base_model)
        self.head = nn.Linear(policy.config.get_text_config().hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, token_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Values [rows, tokens - 1] of right-padded rows [rows, tokens]; at t, that before token t + 1.

        They are asked for where ``mask`` [rows, tokens - 1] is not 0.
        """
        (values,) = score_in_pieces(self._value, token_ids, mask)
        return values

    def _value(self, token_ids: torch.Tensor) -> list[torch.Tensor]:
        hidden = self.layers(input_ids=token_ids[:, :-1], use_cache=False).last_hidden_state
        return [self.head(hidden).squeeze(-1)]
