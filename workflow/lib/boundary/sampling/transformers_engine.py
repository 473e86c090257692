"""The engine on transformers: for the CPU, and for anything that the library can load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from boundary.images.batches import ImageBatches
from boundary.sampling.context import cache_bytes_a_token
from boundary.sampling.decoding import Decoded, decode
from boundary.sampling.encoding import EncodedPrompt, Encoding
from boundary.sampling.engine import (
    Completion,
    Engine,
    EngineSettings,
    Request,
    SamplingParameters,
)
from boundary.sampling.seeds import uniform_stream
from boundary.sampling.transformers_loading import describe_transformers, load_transformers

MAX_ROWS = 512
IMAGE_BYTES = 1 << 30  # of the processed pictures of a batch, if it has several
CACHE_BYTES = 2 << 30  # of keys and values, for all rows of a batch at their longest


class TransformersEngine(Engine):
    """A causal language model in Hugging Face format, on a GPU if there is one and it may have it."""

    def __init__(
        self,
        checkpoint: Path,
        settings: EngineSettings = EngineSettings(),  # noqa: B008  # it is frozen
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.encoding = encoding = Encoding(
            checkpoint, settings.max_model_len, settings.pixel_limits
        )
        self.model = load_transformers(encoding, settings)
        # Not by way of self: in a circle, pictures would stay in memory when the engine is gone.
        self._images = ImageBatches(self.model, lambda: encoding.image_processor)
        self.max_rows = max_rows
        self.end_ids: list[int] = []

    def prepare(
        self, template: str, requests: Sequence[Request], parameters: SamplingParameters
    ) -> None:
        """See that the template is made for the model, and that every prompt fits."""
        self.encoding.check_template(template)
        self.encoding.encode(requests, parameters)

    def describe(self) -> dict[str, Any]:
        """Engine, versions, device, number format, context and the tokens that end a response."""
        return {
            **describe_transformers(self.model, self.encoding),
            "end_token_ids": self.end_ids,
            **self.encoding.digests,
        }

    def sample(
        self, requests: Sequence[Request], parameters: SamplingParameters, seed: int
    ) -> Iterator[list[Completion]]:
        """Sample batch by batch, prompts of similar length together, the longest first.

        The first prompt of a batch then decides how many rows fit, and memory runs out at once or never.
        """
        self.end_ids = self.encoding.end_token_ids(parameters.end)
        prompts = self.encoding.encode(requests, parameters)
        prompts.sort(key=lambda prompt: len(prompt.token_ids), reverse=True)
        for batch in self._batches(prompts):
            yield from self._sample_batch(batch, parameters, seed)

    def _batches(self, prompts: Sequence[EncodedPrompt]) -> Iterator[list[EncodedPrompt]]:
        """Fill batches with as many rows as the cache budget allows; split what is larger."""
        batch: list[EncodedPrompt] = []
        free = image_bytes = 0
        for prompt in prompts:
            indices, own_bytes = prompt.request.sample_indices, self.encoding.image_bytes(prompt)
            if image_bytes + own_bytes > IMAGE_BYTES:
                free = 0
            while indices:
                if free == 0:
                    if batch:
                        yield batch
                    batch, free, image_bytes = [], self._rows_that_fit(prompt), 0
                part, indices = indices[:free], indices[free:]
                batch.append(replace(prompt, request=replace(prompt.request, sample_indices=part)))
                free -= len(part)
                image_bytes += own_bytes
        if batch:
            yield batch

    def _rows_that_fit(self, prompt: EncodedPrompt) -> int:
        length = len(prompt.token_ids) + prompt.max_tokens
        row_bytes = length * cache_bytes_a_token(self.model.config, self.model.dtype.itemsize)
        return max(1, min(self.max_rows, CACHE_BYTES // row_bytes))

    def _sample_batch(
        self, batch: Sequence[EncodedPrompt], parameters: SamplingParameters, seed: int
    ) -> Iterator[list[Completion]]:
        owners = [(prompt, index) for prompt in batch for index in prompt.request.sample_indices]
        uniforms = [
            torch.from_numpy(
                np.stack(
                    [
                        uniform_stream(seed, prompt.request.problem_id, index, prompt.max_tokens)
                        for index in prompt.request.sample_indices
                    ]
                )
            )
            for prompt in batch
        ]
        decoded = decode(
            self.model,
            self._images.read([(prompt.token_ids, prompt.pictured) for prompt in batch]),
            uniforms,
            temperature=parameters.temperature,
            top_p=parameters.top_p,
            end_ids=self.end_ids,
        )
        for finished in decoded:
            yield [self._completion(*owners[row.row], row) for row in finished]

    def _completion(self, prompt: EncodedPrompt, sample_index: int, row: Decoded) -> Completion:
        return self.encoding.completion(
            prompt,
            sample_index,
            row.token_ids,
            "stop" if row.finished else "length",
            float(sum(row.log_probabilities)),
        )
