"""A checkpoint's tokenizer, context and end tokens: prompts to token ids, and responses to text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from boundary.data.provenance import text_digest
from boundary.errors import BoundaryError
from boundary.sampling.context import context_length
from boundary.sampling.engine import Completion, Request, SamplingParameters

# The special tokens of a dialogue: <|im_start|>, and DeepSeek's with full-width bars.
MARKER = re.compile("<[|\uff5c][^|\uff5c<>]+[|\uff5c]>")


@dataclass(frozen=True)
class EncodedPrompt:
    """A request as token ids; ``max_tokens`` is what the context leaves for a response."""

    request: Request
    token_ids: list[int]
    max_tokens: int


class Encoding:
    """What engines must know of the checkpoint in a folder, without its weights.

    ``context`` is the longest sequence in tokens: the model's own, or ``max_model_len`` if that is
    shorter. Raises BoundaryError if configuration or tokenizer cannot be loaded.
    """

    def __init__(self, checkpoint: Path, max_model_len: int | None = None) -> None:
        self.checkpoint = checkpoint
        try:
            self.config = AutoConfig.from_pretrained(checkpoint)
            self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(checkpoint)
        except (OSError, ValueError, KeyError) as error:
            raise BoundaryError(f"{checkpoint}: cannot be loaded: {error}") from error
        own = context_length(self.config)
        self.context = min(own, max_model_len or own)

    def encode(
        self, requests: Sequence[Request], parameters: SamplingParameters
    ) -> list[EncodedPrompt]:
        """The requests' prompts as token ids.

        Raises BoundaryError naming the problem whose prompt leaves no room for a response.
        """
        return [self._encode(request, parameters.max_tokens) for request in requests]

    def prompt_ids(self, prompt: str) -> list[int]:
        """A prompt as token ids, behind the token that begins a text, if this tokenizer has one."""
        bos = self.tokenizer.bos_token
        written = bos is not None and prompt.startswith(bos)
        return self.tokenizer(prompt, add_special_tokens=not written)["input_ids"]

    @cached_property
    def vocabulary_digest(self) -> str:
        """SHA-256 of the tokens and their ids: with the same one, ids say the same texts."""
        return text_digest(json.dumps(self.tokenizer.get_vocab(), sort_keys=True))

    def _encode(self, request: Request, max_tokens: int) -> EncodedPrompt:
        token_ids = self.prompt_ids(request.prompt)
        room = self.context - len(token_ids)
        if room < 1:
            raise BoundaryError(
                f"problem {request.problem_id}: its prompt has {len(token_ids)} tokens and the model "
                f"a context of {self.context}; leave the problem out of the benchmark or take a model "
                "with a longer context (or a larger max_model_len)"
            )
        return EncodedPrompt(request, token_ids, min(max_tokens, room))

    def check_template(self, text: str) -> None:
        """See that the special tokens that a template writes are tokens of this tokenizer."""
        for marker in sorted(set(MARKER.findall(text))):
            self._token_of(marker, "the prompt template writes")

    def _token_of(self, marker: str, who: str) -> int:
        token_ids = self.tokenizer(marker, add_special_tokens=False)["input_ids"]
        if len(token_ids) != 1:
            raise BoundaryError(
                f"{self.checkpoint}: {who} {marker!r}, which is no token of this tokenizer (it makes "
                f"{len(token_ids)} of it); the template is made for another family of models"
            )
        return token_ids[0]

    def end_token_ids(self, end: str | None) -> list[int]:
        """The tokens that end a response: tokenizer's, checkpoint's and template's; no stop words."""
        try:
            configured = GenerationConfig.from_pretrained(self.checkpoint).eos_token_id
        except OSError:  # it has no generation_config.json
            configured = self.config.eos_token_id
        listed = configured if isinstance(configured, list) else [configured]
        found = {*listed, self.tokenizer.eos_token_id} - {None}
        if end is not None:
            found.add(self._token_of(end, "the prompt template ends with"))
        if not found:
            raise BoundaryError(
                f"{self.checkpoint}: neither tokenizer nor generation_config.json names an end-of-text "
                "token, so that no response would ever end; set eos_token in tokenizer_config.json"
            )
        return sorted(found)

    def end_token(self, end: str | None) -> int:
        """The token that ends a response: the template's ``end``, or the model's own."""
        if end is not None:
            return self._token_of(end, "the prompt template ends with")
        own = self.tokenizer.eos_token_id
        return self.end_token_ids(None)[0] if own is None else own

    def completion(
        self,
        prompt: EncodedPrompt,
        sample_index: int,
        token_ids: list[int],
        finish_reason: str,
        logprob_sum: float,
    ) -> Completion:
        """The sample that an engine has drawn as ``token_ids``, the end token included.

        Raises BoundaryError if the model's probabilities are no numbers.
        """
        if logprob_sum is None or not math.isfinite(logprob_sum):
            raise BoundaryError(
                f"problem {prompt.request.problem_id}, sample {sample_index}: its log-probability is "
                f"{logprob_sum}: the model overflows in this number format or its weights are damaged; "
                "take `dtype` bfloat16 or float32"
            )
        return Completion(
            problem_id=prompt.request.problem_id,
            sample_index=sample_index,
            text=self.text(token_ids, ended=finish_reason == "stop"),
            token_ids=token_ids,
            n_tokens=len(token_ids),
            finish_reason=finish_reason,
            logprob_sum=logprob_sum,
            n_prompt_tokens=len(prompt.token_ids),
        )

    def text(self, token_ids: Sequence[int], ended: bool) -> str:
        """A response's text: without special tokens, and without the one that ``ended`` it."""
        kept = token_ids[:-1] if ended else token_ids
        return self.tokenizer.decode(kept, skip_special_tokens=True)
