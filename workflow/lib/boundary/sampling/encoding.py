"""A checkpoint's tokenizer, context and end tokens: prompts to token ids, and responses to text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from boundary.data.provenance import text_digest
from boundary.errors import BoundaryError, of_problem
from boundary.images.placing import Pictured, place_images
from boundary.images.processing import (
    ImageFacts,
    ImageProcessor,
    PixelLimits,
    load_image_processor,
)
from boundary.sampling.context import context_length, reads_images
from boundary.sampling.engine import Completion, Request, SamplingParameters
from boundary.sampling.tokens import end_ids, prompt_ids, response_text

# The special tokens of a dialogue: <|im_start|>, and DeepSeek's with full-width bars.
MARKER = re.compile("<[|\uff5c][^|\uff5c<>]+[|\uff5c]>")
# What day it is for the chat templates of Llama, which would write today's; this is their own default. A
# prompt must be the same whenever it is rendered.
DATE_STRING = "26 Jul 2024"


@dataclass(frozen=True)
class EncodedPrompt:
    """A request as token ids; ``max_tokens`` is what the context leaves for a response.

    ``token_ids`` are what a model reads, a placeholder for each token of a picture; ``pictured`` tells
    which pictures these are, if there are any.
    """

    request: Request
    token_ids: list[int]
    max_tokens: int
    pictured: Pictured | None = None


class Encoding:
    """What engines must know of the checkpoint in a folder, without its weights.

    ``context`` is the longest sequence in tokens: the model's own, or ``max_model_len`` if that is
    shorter. Raises BoundaryError if configuration or tokenizer cannot be loaded.
    """

    def __init__(
        self,
        checkpoint: Path,
        max_model_len: int | None = None,
        pixel_limits: PixelLimits = PixelLimits(),  # noqa: B008  # it is frozen
    ) -> None:
        self.checkpoint = checkpoint
        self.pixel_limits = pixel_limits
        try:
            self.config = AutoConfig.from_pretrained(checkpoint)
            self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(checkpoint)
        except (OSError, ValueError, KeyError) as error:
            raise BoundaryError(f"{checkpoint}: cannot be loaded: {error}") from error
        own = context_length(self.config)
        self.context = min(own, max_model_len or own)
        self._measured: dict[str, tuple[ImageFacts, ...]] = {}

    @property
    def reads_images(self) -> bool:
        """Whether the model reads pictures, too."""
        return reads_images(self.config)

    @cached_property
    def image_processor(self) -> ImageProcessor:
        """The model's image processor. Raises BoundaryError if it reads no pictures."""
        if not self.reads_images:
            raise BoundaryError(
                f"{self.checkpoint}: the model reads no pictures, and cannot be asked about any; take a "
                "vision-language model"
            )
        return load_image_processor(self.checkpoint, self.pixel_limits)

    def encode(
        self, requests: Sequence[Request], parameters: SamplingParameters
    ) -> list[EncodedPrompt]:
        """The requests' prompts as token ids.

        Raises BoundaryError naming the problem whose prompt leaves no room for a response.
        """
        return [self._encode(request, parameters.max_tokens) for request in requests]

    def prompt_ids(self, prompt: str, chat: bool = False) -> list[int]:
        """A prompt as token ids, behind the token that begins a text, if this tokenizer has one.

        With ``chat`` the prompt is a message, and its chat template writes that token, or leaves it out.
        """
        if chat:
            laid_out = self.chat_prompt(prompt)
            return self.tokenizer(laid_out, add_special_tokens=False)["input_ids"]
        return prompt_ids(self.tokenizer, prompt)

    def chat_prompt(self, message: str) -> str:
        """The prompt that the model's own chat template makes of a user's only message.

        It ends where the answer begins; some, such as DeepSeek-R1's, end with an open <think>. Raises
        BoundaryError if the tokenizer has no chat template, or one whose prompts change from day to day or
        that cannot be rendered.
        """
        way_out = "take a prompt template that writes the dialogue itself, as simplerl does"
        if self.chat_template is None:
            raise BoundaryError(
                f"{self.checkpoint}: its tokenizer has no chat template, which the prompt template asks "
                f"for (chat: true); {way_out}"
            )
        if "strftime_now" in self.chat_template and "date_string" not in self.chat_template:
            raise BoundaryError(
                f"{self.checkpoint}: its chat template writes the day's date, and a prompt must be the "
                f"same on every day; {way_out}"
            )
        try:
            return self.tokenizer.apply_chat_template(
                [{"role": "user", "content": message}],
                tokenize=False,
                add_generation_prompt=True,
                date_string=DATE_STRING,
            )
        except (TemplateError, TypeError) as error:
            raise BoundaryError(
                f"{self.checkpoint}: its chat template cannot lay out a user's message: {error}; {way_out}"
            ) from error

    @cached_property
    def chat_template(self) -> str | None:
        """The tokenizer's chat template, a Jinja text; of several the one called default."""
        own = self.tokenizer.chat_template
        return own.get("default") if isinstance(own, dict) else own

    @property
    def digests(self) -> dict[str, str]:
        """For the provenance: SHA-256 of the vocabulary, and of the chat template if there is one."""
        digests = {"vocabulary_sha256": self.vocabulary_digest}
        if self.chat_template is not None:
            digests["chat_template_sha256"] = text_digest(self.chat_template)
        return digests

    @cached_property
    def vocabulary_digest(self) -> str:
        """SHA-256 of the tokens and their ids: with the same one, ids say the same texts."""
        return text_digest(json.dumps(self.tokenizer.get_vocab(), sort_keys=True))

    def measure(self, request: Request) -> tuple[ImageFacts, ...]:
        """What the request's pictures take; each problem's are looked at once.

        Raises BoundaryError naming the problem whose picture cannot be read.
        """
        if request.images and request.problem_id not in self._measured:
            processor = self.image_processor
            with of_problem(request.problem_id):
                measured = tuple(processor.measure(encoded) for encoded in request.images)
            self._measured[request.problem_id] = measured
        return self._measured[request.problem_id] if request.images else ()

    @property
    def images_record(self) -> dict[str, Any]:
        """For the provenance: how large pictures are made, and each problem's; empty without any."""
        if not self._measured:
            return {}
        images = {name: [asdict(each) for each in facts] for name, facts in self._measured.items()}
        return {**self.image_processor.limits, "images": images}

    def read_prompt(self, request: Request) -> tuple[list[int], Pictured | None]:
        """What a model reads of a request's prompt, and the pictures in it.

        Raises BoundaryError naming the problem whose pictures cannot be read, or are not as many as its
        prompt has places for.
        """
        written = self.prompt_ids(request.prompt, request.chat)
        facts = self.measure(request)
        if not self.reads_images:
            return written, None
        placeholder = self.config.image_token_id
        runs = [[placeholder] * image.tokens for image in facts]
        with of_problem(request.problem_id):
            placed = place_images(written, placeholder, runs)
        if not facts:
            return written, None
        digests = tuple(image.sha256 for image in facts)
        return placed, Pictured(request.problem_id, written, request.images, digests)

    def image_bytes(self, prompt: EncodedPrompt) -> int:
        """Memory of the prompt's pictures once they are processed."""
        tokens = sum(image.tokens for image in self.measure(prompt.request))
        return tokens * self.image_processor.bytes_a_token if tokens else 0

    def _encode(self, request: Request, max_tokens: int) -> EncodedPrompt:
        token_ids, pictured = self.read_prompt(request)
        room = self.context - len(token_ids)
        if room < 1:
            seen = sum(image.tokens for image in self.measure(request))
            raise BoundaryError(
                f"problem {request.problem_id}: its prompt has {len(token_ids)} tokens"
                f"{f', {seen} of them of pictures,' if seen else ''} and the model a context of "
                f"{self.context}; leave the problem out of the benchmark (`without`), take a model with a "
                "longer context (or a larger max_model_len)"
                f"{', or give the model a smaller max_pixels' if seen else ''}"
            )
        return EncodedPrompt(request, token_ids, min(max_tokens, room), pictured)

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
            configured = GenerationConfig.from_model_config(self.config).eos_token_id
        found = end_ids(configured, self.tokenizer)
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
            text=response_text(self.tokenizer, token_ids, ended=finish_reason == "stop"),
            token_ids=token_ids,
            n_tokens=len(token_ids),
            finish_reason=finish_reason,
            logprob_sum=logprob_sum,
            n_prompt_tokens=len(prompt.token_ids),
        )
