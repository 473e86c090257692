"""Log-probabilities and entropies of responses under a model, for training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class Likelihood(NamedTuple):
    """Per response token, shape [rows, tokens]; nats. Position t speaks of ``token_ids[:, t + 1]``."""

    log_probability: torch.Tensor
    entropy: torch.Tensor


def likelihood(model: PreTrainedModel, token_ids: torch.Tensor) -> Likelihood:
    """Score every token but the first of right-padded rows ``token_ids`` [rows, tokens].

    Right padding needs no attention mask: causal attention never looks at it, and the caller's mask
    keeps its scores out of every mean.
    """
    logits = model(input_ids=token_ids[:, :-1], use_cache=False).logits.float()
    log_probabilities = logits.log_softmax(-1)
    chosen = log_probabilities.gather(-1, token_ids[:, 1:, None]).squeeze(-1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return Likelihood(chosen, entropy)
