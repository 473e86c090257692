"""Supervised fine-tuning of a model on solutions: of another author, or of a teacher (distillation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from boundary.errors import BoundaryError
from boundary.sampling.context import context_length
from boundary.sampling.tokens import unknown_ids
from boundary.training.checkpoint import padding_of
from boundary.training.documents import (
    POOLED_BATCHES,
    length_sorted_batches,
    shuffled_passes,
    solution_document,
)
from boundary.training.next_token import learn_next_tokens
from boundary.training.problems import check_no_images

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Solution(NamedTuple):
    """A prompt as it is rendered, and a response to it that is to be learned: texts, without end tokens."""

    prompt: str
    response: str


def finetune(
    recipe: Mapping[str, Any],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    solutions: Sequence[Solution],
) -> list[dict[str, float]]:
    """Train ``model`` in place by ``recipe`` (``finetune`` in the schema of config/models.yaml).

    Passes through ``solutions`` in ever other orders, until the recipe's steps are taken; the loss is of
    responses and the token that ends them alone. Returns the metrics of ``learn_next_tokens``. Raises
    BoundaryError if a solution does not fit into the model's context, is not in its tokenizer's words, or
    follows a prompt with a place for a picture.
    """
    documents = [solution_document(tokenizer, *solution) for solution in solutions]
    for document in documents:
        check_no_images(document.token_ids[: document.learned_from], model.config)
    longest, context = max(len(d.token_ids) for d in documents), context_length(model.config)
    if longest > context:
        raise BoundaryError(
            f"a prompt and its solution have {longest} tokens, which exceeds the model's context of "
            f"{context}; fine-tune on shorter ones, or lower the teacher's max_tokens"
        )
    if any(not unknown_ids(tokenizer).isdisjoint(d.token_ids) for d in documents):
        raise BoundaryError(
            "the model's tokenizer does not know all that the prompts and solutions are written with; "
            "fine-tune on those of its own world"
        )
    torch.manual_seed(recipe["seed"])
    size = recipe["batch_size"]
    pooled = max(1, min(POOLED_BATCHES, recipe["steps"], len(documents) // size))
    batches = length_sorted_batches(shuffled_passes(documents), size, padding_of(tokenizer), pooled)
    metrics = learn_next_tokens(model.train(), batches, recipe, "fine-tuning")
    model.eval()
    return metrics
