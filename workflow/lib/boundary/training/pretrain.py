"""Pre-training of the miniature's base models: next-token prediction on a mixed-habits corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from boundary.miniature.tokenizer import build_tokenizer
from boundary.miniature.worlds import world_of
from boundary.sampling.prompts import Template
from boundary.training.architecture import (
    build_image_processor,
    build_model,
    build_vision_language_model,
)
from boundary.training.documents import Document, corpus_documents, length_sorted_batches
from boundary.training.next_token import learn_next_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from boundary.images.processing import ImageProcessor
    from boundary.images.shown import ShownImages


class Pretrained(NamedTuple):
    """A base model, and what reads texts and pictures for it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    image_processor: ImageProcessor | None
    metrics: list[dict[str, float]]


def tokenized_corpus(
    recipe: Mapping[str, Any], template: Template, tokenizer: PreTrainedTokenizerFast
) -> Iterator[Document]:
    """The corpus as token ids: the prompt as a sampler will render it, the solution, ``<eos>``."""
    for written in corpus_documents(recipe["seed"], recipe["corpus"]):
        text = template.render(written.question) + written.solution + tokenizer.eos_token
        yield Document(tokenizer(text)["input_ids"])


def pictured_corpus(
    recipe: Mapping[str, Any],
    template: Template,
    tokenizer: PreTrainedTokenizerFast,
    processor: ImageProcessor,
    shown: ShownImages,
) -> Iterator[Document]:
    """The same of a world of pictures, which are numbered through; of prompts nothing is learned."""
    for number, written in enumerate(corpus_documents(recipe["seed"], recipe["corpus"])):
        (encoded,) = written.images
        shown.images = {number: processor.process(encoded)}
        prompt = tokenizer(template.render(written.question))["input_ids"]
        solution = tokenizer(written.solution, add_special_tokens=False)["input_ids"]
        prompt = shown.write(prompt, [number])
        yield Document([*prompt, *solution, tokenizer.eos_token_id], len(prompt), shown.images)


def pretrain(recipe: Mapping[str, Any], template: Template) -> Pretrained:
    """Train a base model by ``recipe`` (``pretrain`` in the schema of config/models.yaml).

    Its metrics are those of ``learn_next_tokens``.
    """
    world = world_of(recipe["corpus"])
    tokenizer = build_tokenizer(world)
    processor: ImageProcessor | None = None
    if world == "pictures":
        from boundary.images.shown import show_images

        model = build_vision_language_model(
            tokenizer, **recipe["architecture"], seed=recipe["seed"]
        )
        processor = build_image_processor()
        documents = pictured_corpus(recipe, template, tokenizer, processor, show_images(model))
    else:
        model = build_model(tokenizer, **recipe["architecture"], seed=recipe["seed"])
        documents = tokenized_corpus(recipe, template, tokenizer)
    batches = length_sorted_batches(documents, recipe["batch_size"], tokenizer.pad_token_id)
    metrics = learn_next_tokens(model.train(), batches, recipe, "pre-training")
    return Pretrained(model.eval(), tokenizer, processor, metrics)
