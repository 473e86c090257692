"""Next-token prediction: how base models are pre-trained, and how models are fine-tuned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch.nn.functional import cross_entropy

from boundary.progress import track
from boundary.training.documents import IGNORED, TokenBatch
from boundary.training.optimiser import build_learner, take_step

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def learn_next_tokens(
    model: PreTrainedModel, batches: Iterator[TokenBatch], recipe: Mapping[str, Any], name: str
) -> list[dict[str, float]]:
    """Train ``model`` in place on ``batches``, by the ``steps`` and the ``learning_rate`` of ``recipe``.

    The progress bar is called ``name``.

    Returns one row of metrics a step: step, loss (nats a token), learning rate, tokens (those that were
    learned). Raises BoundaryError, naming the update, if loss or gradient is not finite.
    """
    learner = build_learner(model, recipe, recipe["steps"])
    metrics: list[dict[str, float]] = []
    for step, (token_ids, targets, images) in zip(
        track(range(1, recipe["steps"] + 1), name, "step"), batches, strict=False
    ):
        if images:
            model.shown_images.images = dict(images)
        logits = model(input_ids=token_ids, use_cache=False).logits
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        learning_rate = float(learner.schedule.get_last_lr()[0])
        take_step(loss, learner)
        tokens = int((targets != IGNORED).sum())
        metrics.append(
            {"step": step, "loss": loss.item(), "learning_rate": learning_rate, "tokens": tokens}
        )
    return metrics
