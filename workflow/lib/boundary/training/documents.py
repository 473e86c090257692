"""Documents that a model learns to continue, and the batches that they come in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from boundary.miniature.corpus import write_documents
from boundary.miniature.drawing import Written
from boundary.miniature.function_corpus import write_program_documents
from boundary.miniature.picture_corpus import write_picture_documents
from boundary.miniature.worlds import world_of
from boundary.sampling.tokens import prompt_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from boundary.images.processing import ProcessedImage

POOLED_BATCHES = 16
IGNORED = -100  # a target of which nothing is learned


class Document(NamedTuple):
    """A text as token ids, of which those before ``learned_from`` are read and not learned.

    ``images`` are its pictures, by the numbers under which the token ids show them.
    """

    token_ids: list[int]
    learned_from: int = 0
    images: Mapping[int, ProcessedImage] = {}  # which nobody writes into


class TokenBatch(NamedTuple):
    """``token_ids`` [documents, tokens], right-padded, and ``targets`` of the same shape.

    A target is the token that comes next, or IGNORED. ``images`` are those of all documents.
    """

    token_ids: torch.Tensor
    targets: torch.Tensor
    images: Mapping[int, ProcessedImage]


def corpus_documents(seed: int, corpus: Mapping[str, Any]) -> Iterator[Written]:
    """Endless documents of the world that the ``corpus`` of a recipe names."""
    world, habits = world_of(corpus), corpus["habits"]
    if world == "pictures":
        return write_picture_documents(seed, tuple(corpus["operands"]), habits)
    if world == "functions":
        pairs = write_program_documents(seed, habits)
    else:
        pairs = write_documents(seed, tuple(corpus["operands"]), habits)
    return itertools.starmap(Written, pairs)


def solution_document(tokenizer: PreTrainedTokenizerBase, prompt: str, solution: str) -> Document:
    """A solution behind the prompt as a sampler renders it, of which the solution is learned."""
    before = prompt_ids(tokenizer, prompt)
    # A solution may spell a special token, which is none of its own.
    learned = tokenizer(solution, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return Document([*before, *learned, tokenizer.eos_token_id], len(before))


def shuffled_passes(documents: Sequence[Document]) -> Iterator[Document]:
    """Endless passes through documents, each in another order."""
    while True:
        yield from (documents[at] for at in torch.randperm(len(documents)).tolist())


def length_sorted_batches(
    documents: Iterator[Document], batch_size: int, padding: int, pooled: int = POOLED_BATCHES
) -> Iterator[TokenBatch]:
    """Endless batches of ``batch_size`` documents of similar length.

    Sorting within a pool of ``pooled`` batches spares most of the padding; the pool's batches are
    shuffled, so that length does not follow the step number.
    """
    while True:
        pool = list(itertools.islice(documents, batch_size * pooled))
        pool.sort(key=lambda document: len(document.token_ids))
        for at in torch.randperm(pooled).tolist():
            yield _batch(pool[at * batch_size : (at + 1) * batch_size], padding)


def _batch(documents: Sequence[Document], padding: int) -> TokenBatch:
    rows, targets = [], []
    for token_ids, learned_from, _ in documents:
        rows.append(torch.tensor(token_ids[:-1]))
        following = torch.tensor(token_ids[1:])
        following[: max(0, learned_from - 1)] = IGNORED
        targets.append(following)
    return TokenBatch(
        pad_sequence(rows, batch_first=True, padding_value=padding),
        pad_sequence(targets, batch_first=True, padding_value=IGNORED),
        {number: image for document in documents for number, image in document.images.items()},
    )
