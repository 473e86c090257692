"""Log-probabilities and entropies of responses under a model, for training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from boundary.training.pieces import score_in_pieces

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class Likelihood(NamedTuple):
    """Per response token, shape [rows, tokens]; nats. Position t speaks of ``token_ids[:, t + 1]``."""

    log_probability: torch.Tensor
    entropy: torch.Tensor


def likelihood(
    model: PreTrainedModel,
    token_ids: torch.Tensor,
    mask: torch.Tensor,
    learned: torch.Tensor | None = None,
) -> Likelihood:
    """Score the response tokens, those of ``mask`` [rows, tokens - 1], of right-padded rows [rows, tokens].

    Rows that are not ``learned`` [rows] are scored without a gradient. What is told of other tokens than
    the mask's is to be left out of every mean.
    """
    return Likelihood(*score_in_pieces(lambda rows: _score(model, rows), token_ids, mask, learned))


def _score(model: PreTrainedModel, token_ids: torch.Tensor) -> Likelihood:
    """Right padding needs no attention mask: causal attention never looks at it."""
    logits = model(input_ids=token_ids[:, :-1], use_cache=False).logits.float()
    log_probabilities = logits.log_softmax(-1)
    # A picture's tokens, which nobody asks for, are numbers beyond the vocabulary.
    asked = token_ids[:, 1:].clamp(max=logits.shape[-1] - 1)
    chosen = log_probabilities.gather(-1, asked[..., None]).squeeze(-1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return Likelihood(chosen, entropy)
