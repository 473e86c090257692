"""Pre-training of the miniature's base models: next-token prediction on a mixed-habits corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from boundary.miniature.tokenizer import build_tokenizer
from boundary.miniature.worlds import world_of
from boundary.sampling.prompts import Template
from boundary.training.architecture import build_model
from boundary.training.documents import Document, corpus_texts, length_sorted_batches
from boundary.training.next_token import learn_next_tokens

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast


def tokenized_corpus(
    recipe: Mapping[str, Any], template: Template, tokenizer: PreTrainedTokenizerFast
) -> Iterator[Document]:
    """The corpus as token ids: the prompt as a sampler will render it, the solution, ``<eos>``."""
    for question, solution in corpus_texts(recipe["seed"], recipe["corpus"]):
        text = template.render(question) + solution + tokenizer.eos_token
        yield Document(tokenizer(text)["input_ids"])


def pretrain(
    recipe: Mapping[str, Any], template: Template
) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast, list[dict[str, float]]]:
    """Train a base model by ``recipe`` (``pretrain`` in the schema of config/models.yaml).

    Returns the model, its tokenizer and the metrics of ``learn_next_tokens``.
    """
    tokenizer = build_tokenizer(world_of(recipe["corpus"]))
    model = build_model(tokenizer, **recipe["architecture"], seed=recipe["seed"]).train()
    documents = tokenized_corpus(recipe, template, tokenizer)
    batches = length_sorted_batches(documents, recipe["batch_size"], tokenizer.pad_token_id)
    metrics = learn_next_tokens(model, batches, recipe, "pre-training")
    return model.eval(), tokenizer, metrics
