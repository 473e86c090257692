"""The engine on transformers: for the CPU, and for anything that the library can load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from boundary.data.provenance import package_versions
from boundary.errors import BoundaryError
from boundary.sampling.context import cache_bytes_a_token, context_length
from boundary.sampling.decoding import decode
from boundary.sampling.engine import Completion, Engine, Request, SamplingParameters
from boundary.sampling.seeds import uniform_stream

MAX_ROWS = 512
CACHE_BYTES = 2 << 30  # of keys and values, for all rows of a batch at their longest


@dataclass(frozen=True)
class _Prompt:
    request: Request
    token_ids: list[int]
    max_tokens: int


class TransformersEngine(Engine):
    """A causal language model in Hugging Face format, on the GPU if there is one."""

    def __init__(self, checkpoint: Path, max_rows: int = MAX_ROWS) -> None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype="auto")
        self.model: PreTrainedModel = model.to(device).eval()
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(checkpoint)
        self.max_rows = max_rows
        self.end_ids = end_token_ids(self.model, self.tokenizer)

    def describe(self) -> dict[str, Any]:
        """Engine, versions, device, number format, context and the tokens that end a response."""
        return {
            "engine": "transformers",
            "versions": package_versions(["torch", "transformers", "tokenizers"]),
            "device": device_name(self.model.device),
            "dtype": str(self.model.dtype),
            "context": context_length(self.model.config),
            "end_token_ids": self.end_ids,
        }

    def sample(
        self, requests: Sequence[Request], parameters: SamplingParameters, seed: int
    ) -> Iterator[Completion]:
        """Sample batch by batch, prompts of similar length together, the longest first.

        The first prompt of a batch then decides how many rows fit, and memory runs out at once or never.
        """
        prompts = [self._encode(request, parameters.max_tokens) for request in requests]
        prompts.sort(key=lambda prompt: len(prompt.token_ids), reverse=True)
        for batch in self._batches(prompts):
            yield from self._sample_batch(batch, parameters, seed)

    def _encode(self, request: Request, max_tokens: int) -> _Prompt:
        token_ids = self.tokenizer(request.prompt)["input_ids"]
        room = context_length(self.model.config) - len(token_ids)
        if room < 1:
            raise BoundaryError(
                f"problem {request.problem_id}: its prompt has {len(token_ids)} tokens and the model "
                f"a context of {len(token_ids) + room}; leave the problem out of the benchmark or "
                "take a model with a longer context"
            )
        return _Prompt(request, token_ids, min(max_tokens, room))

    def _batches(self, prompts: Sequence[_Prompt]) -> Iterator[list[_Prompt]]:
        """Fill batches with as many rows as the cache budget allows; split what is larger."""
        batch: list[_Prompt] = []
        free = 0
        for prompt in prompts:
            indices = prompt.request.sample_indices
            while indices:
                if free == 0:
                    if batch:
                        yield batch
                    batch, free = [], self._rows_that_fit(prompt)
                part, indices = indices[:free], indices[free:]
                request = Request(prompt.request.problem_id, prompt.request.prompt, part)
                batch.append(_Prompt(request, prompt.token_ids, prompt.max_tokens))
                free -= len(part)
        if batch:
            yield batch

    def _rows_that_fit(self, prompt: _Prompt) -> int:
        length = len(prompt.token_ids) + prompt.max_tokens
        row_bytes = length * cache_bytes_a_token(self.model.config, self.model.dtype.itemsize)
        return max(1, min(self.max_rows, CACHE_BYTES // row_bytes))

    def _sample_batch(
        self, batch: Sequence[_Prompt], parameters: SamplingParameters, seed: int
    ) -> Iterator[Completion]:
        owners = [
            (p.request.problem_id, index) for p in batch for index in p.request.sample_indices
        ]
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
            [prompt.token_ids for prompt in batch],
            uniforms,
            temperature=parameters.temperature,
            top_p=parameters.top_p,
            end_ids=self.end_ids,
        )
        for row in decoded:
            problem_id, sample_index = owners[row.row]
            yield Completion(
                problem_id=problem_id,
                sample_index=sample_index,
                text=self.tokenizer.decode(row.token_ids, skip_special_tokens=True),
                token_ids=row.token_ids,
                n_tokens=len(row.token_ids),
                finish_reason="stop" if row.finished else "length",
                logprob_sum=float(sum(row.log_probabilities)),
            )


def device_name(device: torch.device) -> str:
    """The GPU's product name, or cpu."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def end_token_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end a response: the tokenizer's and the checkpoint's own, no stop words."""
    assert model.generation_config is not None
    configured = model.generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    found = {*listed, tokenizer.eos_token_id} - {None}
    if not found:
        raise BoundaryError(
            f"{model.name_or_path}: neither tokenizer nor generation_config.json names an end-of-text "
            "token, so that no response would ever end; set eos_token in tokenizer_config.json"
        )
    return sorted(found)
