"""The scorer on transformers: perplexity and entropy, of anything whose logits are a matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from boundary.errors import BoundaryError
from boundary.images.batches import ImageBatches
from boundary.sampling.encoding import Encoding
from boundary.sampling.transformers_loading import describe_transformers, load_transformers
from boundary.scoring.scorer import (
    Response,
    Score,
    Scorer,
    ScorerSettings,
    check_tokens,
    checked_score,
)
from boundary.scoring.token_scores import token_scores

MAX_TOKENS = {"cpu": 1024, "cuda": 16_384}  # of a batch: more of them are no faster
CHECKED_TOKENS = 16


class TransformersScorer(Scorer):
    """A causal language model in Hugging Face format, on a GPU if there is one and it may have it.

    The weights are loaded when scoring begins.
    """

    def __init__(self, encoding: Encoding, settings: ScorerSettings) -> None:
        if settings.gpus > 1:
            raise BoundaryError(
                f"{encoding.checkpoint}: only vllm spreads a model over {settings.gpus} GPUs, and the "
                "scorer here is transformers"
            )
        self.encoding = encoding
        self.settings = settings
        # Trunk and head take turns, each with half: the rest is for what the allocator keeps of either.
        self.half_bytes = (settings.megabytes << 20) // 2
        self.vocabulary = 0
        self._model: PreTrainedModel | None = None
        self._images: ImageBatches | None = None

    def describe(self) -> dict[str, Any]:
        """Scorer, versions, device, number format and context."""
        assert self._model is not None, "scoring has not begun"
        return describe_transformers(self._model, self.encoding)

    def score(self, responses: Sequence[Response], temperature: float) -> Iterator[list[Score]]:
        """Score responses of similar length together, the longest first.

        Memory then runs out at once or never.
        """
        if not responses:
            return
        model = self._loaded(responses[0])
        check_tokens(responses, self.vocabulary)
        for batch in batches(responses, self._tokens_that_fit(model)):
            yield self._score_batch(model, batch, temperature)

    def _loaded(self, example: Response) -> PreTrainedModel:
        if self._model is None:
            encoding = self.encoding
            self._model = load_transformers(encoding, self.settings)
            self._images = ImageBatches(self._model, lambda: encoding.image_processor)
            self.vocabulary = self._check_head(self._model, example)
        return self._model

    @torch.inference_mode()
    def _check_head(self, model: PreTrainedModel, example: Response) -> int:
        """The size of the vocabulary, once it is seen that an example's logits are the head's."""
        check_tokens([example], model.get_input_embeddings().weight.shape[0])
        token_ids = [*example.prompt_ids, *example.token_ids][:CHECKED_TOKENS]
        tokens = torch.tensor([token_ids], device=model.device)
        logits = model(input_ids=tokens, use_cache=False).logits
        head = model.get_output_embeddings()
        if head is not None and model.base_model is not model:
            own = head(model.base_model(input_ids=tokens, use_cache=False).last_hidden_state)
            rounding = torch.finfo(logits.dtype).eps * float(logits.abs().max().nan_to_num())
            if torch.allclose(own, logits, rtol=0, atol=rounding, equal_nan=True):
                return int(logits.shape[-1])
        raise BoundaryError(
            f"{self.encoding.checkpoint}: its logits are not those of its last matrix alone (they are "
            "capped or scaled, as those of Gemma, Cohere and Granite are), which the scorer transformers "
            "relies on; score it with vllm"
        )

    def _tokens_that_fit(self, model: PreTrainedModel) -> int:
        """Tokens of a batch, padding included, whose activations stay within their share of the memory.

        At its widest, in the feed-forward of a layer, a token holds the gate, the other projection and
        their product (3 times the inner width) beside the residual stream, its normalised copy and what
        the normalisation takes in float32; in attention queries, keys, values, their rotated copies and
        the output: ten times the hidden width covers either. Causal attention without a mask is computed
        blockwise, and what a layer has used is freed.
        """
        text = model.config.get_text_config()
        hidden = text.hidden_size
        inner = getattr(text, "intermediate_size", None) or 4 * hidden
        fitting = self.half_bytes // (model.dtype.itemsize * (10 * hidden + 3 * inner))
        return min(MAX_TOKENS[model.device.type], fitting)

    @torch.inference_mode()
    def _score_batch(
        self, model: PreTrainedModel, batch: Sequence[Response], temperature: float
    ) -> list[Score]:
        """Right padding needs no attention mask: causal attention never looks at it."""
        rows = torch.zeros(len(batch), max(map(_length, batch)), dtype=torch.long)
        assert self._images is not None  # since the model is loaded
        read = self._images.read([(each.prompt_ids, each.pictured) for each in batch])
        owners, positions, targets = [], [], []
        for row, response in enumerate(batch):
            token_ids = torch.tensor([*read[row], *response.token_ids])
            rows[row, : len(token_ids) - 1] = token_ids[:-1]
            positions.append(torch.arange(len(response.prompt_ids) - 1, len(token_ids) - 1))
            owners.append(torch.full_like(positions[-1], row))
            targets.append(token_ids[len(response.prompt_ids) :])
        owner, position, target = (
            torch.cat(parts).to(model.device) for parts in (owners, positions, targets)
        )
        output = model.base_model(input_ids=rows.to(model.device), use_cache=False)
        scores = token_scores(
            output.last_hidden_state[owner, position],
            model.get_output_embeddings(),
            self.vocabulary,
            target,
            temperature,
            self.half_bytes,
        )
        nll, entropy = (
            torch.zeros(len(batch), dtype=torch.float64).index_add_(
                0, owner.cpu(), part.cpu().double()
            )
            for part in scores
        )
        return [
            checked_score(response, nll[row].item(), entropy[row].item() / len(response.token_ids))
            for row, response in enumerate(batch)
        ]


def _group(response: Response) -> str:
    return response.problem_id if response.pictured else ""


def _length(response: Response) -> int:
    """Tokens that the model reads: all but the last, which it is asked for."""
    return len(response.prompt_ids) + len(response.token_ids) - 1


def batches(responses: Sequence[Response], max_tokens: int) -> Iterator[list[Response]]:
    """Responses by length, the longest first: ``max_tokens`` a batch with padding, or a single row.

    Those to a picture stay together, so that it is processed once, the problem with the longest first.
    """
    longest: dict[str, int] = {}
    for response in responses:
        group = _group(response)
        longest[group] = max(longest.get(group, 0), _length(response))
    ranked = sorted(responses, key=lambda one: (-longest[_group(one)], _group(one), -_length(one)))
    batch: list[Response] = []
    width = 0
    for response in ranked:
        wider = max(width, _length(response))
        if batch and (len(batch) + 1) * wider > max_tokens:
            yield batch
            batch, wider = [], _length(response)
        batch.append(response)
        width = wider
    if batch:
        yield batch
