"""Pre-training of the miniature's base models: next-token prediction on a mixed-habits corpus."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from boundary.miniature.corpus import write_documents
from boundary.miniature.function_corpus import write_program_documents
from boundary.miniature.tokenizer import build_tokenizer
from boundary.miniature.worlds import world_of
from boundary.progress import track
from boundary.sampling.prompts import Template
from boundary.training.architecture import build_model
from boundary.training.optimiser import build_learner, take_step

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

POOLED_BATCHES = 16


def length_sorted_batches(
    documents: Iterator[list[int]], batch_size: int, padding: int
) -> Iterator[torch.Tensor]:
    """Endless right-padded batches [batch_size, tokens] of documents of similar length.

    Sorting within a pool of batches spares most of the padding; the pool's batches are shuffled, so
    that length does not follow the step number.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    while True:
        pool = list(itertools.islice(documents, batch_size * POOLED_BATCHES))
        pool.sort(key=len)
        for at in torch.randperm(POOLED_BATCHES).tolist():
            rows = [torch.tensor(d) for d in pool[at * batch_size : (at + 1) * batch_size]]
            yield pad_sequence(rows, batch_first=True, padding_value=padding)


def tokenized_documents(
    recipe: Mapping[str, Any], template: Template, tokenizer: PreTrainedTokenizerFast
) -> Iterator[list[int]]:
    """The corpus as token ids: the prompt as a sampler will render it, the solution, ``<eos>``."""
    for question, solution in _documents(recipe["seed"], recipe["corpus"]):
        text = template.render(question) + solution + tokenizer.eos_token
        yield tokenizer(text)["input_ids"]


def _documents(seed: int, corpus: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The corpus of the world that it names."""
    if world_of(corpus) == "functions":
        return write_program_documents(seed, corpus["habits"])
    return write_documents(seed, tuple(corpus["operands"]), corpus["habits"])


def pretrain(
    recipe: Mapping[str, Any], template: Template
) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast, list[dict[str, float]]]:
    """Train a base model by ``recipe`` (``pretrain`` in the schema of config/models.yaml).

    Returns the model, its tokenizer and one row of metrics a step: step, loss (nats a token),
    learning rate, tokens.
    """
    from torch.nn.functional import cross_entropy

    tokenizer = build_tokenizer(world_of(recipe["corpus"]))
    model = build_model(tokenizer, **recipe["architecture"], seed=recipe["seed"]).train()
    documents = tokenized_documents(recipe, template, tokenizer)
    batches = length_sorted_batches(documents, recipe["batch_size"], tokenizer.pad_token_id)
    learner = build_learner(model, recipe, recipe["steps"])
    metrics: list[dict[str, float]] = []
    for step, batch in zip(
        track(range(1, recipe["steps"] + 1), "pre-training", "step"), batches, strict=False
    ):
        logits = model(input_ids=batch[:, :-1], use_cache=False).logits
        loss = cross_entropy(
            logits.flatten(0, 1), batch[:, 1:].flatten(), ignore_index=tokenizer.pad_token_id
        )
        learning_rate = float(learner.schedule.get_last_lr()[0])
        take_step(loss, learner)
        tokens = int((batch[:, 1:] != tokenizer.pad_token_id).sum())
        metrics.append(
            {"step": step, "loss": loss.item(), "learning_rate": learning_rate, "tokens": tokens}
        )
    return model.eval(), tokenizer, metrics
