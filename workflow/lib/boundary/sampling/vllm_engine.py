"""The engine on vLLM: the fast one, for models on one GPU or several."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.errors import BoundaryError, of_problem
from boundary.images.decoding import decode_image
from boundary.sampling.encoding import EncodedPrompt, Encoding
from boundary.sampling.engine import (
    Completion,
    Engine,
    EngineSettings,
    Request,
    SamplingParameters,
)
from boundary.sampling.seeds import engine_seed
from boundary.sampling.vllm_loading import describe_vllm, load_vllm, prepare_vllm

if TYPE_CHECKING:
    from vllm import LLMEngine
    from vllm import SamplingParams as VllmParameters

IMAGE_BYTES = 1 << 30  # of processed pictures, after which no further request is handed over
# The fields of vLLM's SamplingParams that decide what is drawn: they go into the record as vLLM has them.
EFFECTIVE = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "stop",
    "stop_token_ids",
    "min_tokens",
    "bad_words",
)


class VllmEngine(Engine):
    """A causal language model in Hugging Face format, loaded once it is known what is to be drawn."""

    def __init__(self, checkpoint: Path, settings: EngineSettings) -> None:
        prepare_vllm(checkpoint, settings.gpus)
        self.checkpoint = checkpoint
        self.settings = settings
        self.encoding = Encoding(checkpoint, settings.max_model_len, settings.pixel_limits)
        self.longest = self.encoding.context  # of all sequences, in tokens
        self.most_images = 0  # of a prompt
        self.description: dict[str, Any] = {}

    def prepare(
        self, template: str, requests: Sequence[Request], parameters: SamplingParameters
    ) -> None:
        """See that the template is made for the model, and load it for the longest prompt."""
        self.encoding.check_template(template)
        prompts = self.encoding.encode(requests, parameters)
        self.longest = max(len(prompt.token_ids) + prompt.max_tokens for prompt in prompts)
        self.most_images = max(len(request.images) for request in requests)

    def describe(self) -> dict[str, Any]:
        """Engine, versions, device, number format, context, and sampling parameters as vLLM has them."""
        return self.description

    def sample(
        self, requests: Sequence[Request], parameters: SamplingParameters, seed: int
    ) -> Iterator[list[Completion]]:
        """Sample with continuous batching; completions come as each one finishes.

        No more requests are handed over than keep the engine busy, so that memory does not grow with n.
        """
        end_ids = self.encoding.end_token_ids(parameters.end)
        waiting = deque(self.encoding.encode(_drawable(requests, parameters), parameters))
        seed = engine_seed(seed, requests)
        engine = self._load(seed)
        example = drawing_parameters(waiting[0], parameters, end_ids)
        self.description = self._describe(engine, example)
        busy = 2 * engine.vllm_config.scheduler_config.max_num_seqs
        running = _Running(self.encoding)
        while waiting or running.samples:
            while waiting and running.samples < busy and running.image_bytes < IMAGE_BYTES:
                prompt = waiting.popleft()
                drawing = drawing_parameters(prompt, parameters, end_ids)
                name = running.add(prompt)
                engine.add_request(name, _posed(prompt), drawing)
            yield running.take(engine.step())

    def _load(self, seed: int) -> LLMEngine:
        return load_vllm(
            self.encoding,
            self.settings,
            self.longest,
            enable_prefix_caching=self.settings.prefix_caching,
            seed=seed,
            **self._image_arguments(),
        )

    def _image_arguments(self) -> dict[str, Any]:
        """What vLLM is told of pictures, where there are any: how many, and how large they are made."""
        if not self.most_images:
            return {}
        return {
            "limit_mm_per_prompt": {"image": self.most_images},
            "mm_processor_kwargs": {"size": dict(self.encoding.image_processor.library.size)},
        }

    def _describe(self, engine: LLMEngine, drawing: VllmParameters) -> dict[str, Any]:
        config = engine.vllm_config
        return {
            **describe_vllm(engine, self.encoding, self.settings),
            "prefix_caching": config.cache_config.enable_prefix_caching,
            "engine_seed": config.model_config.seed,
            "effective": {name: getattr(drawing, name) for name in EFFECTIVE},
            "end_token_ids": sorted(drawing.stop_token_ids or []),
            **self.encoding.digests,
        }


def _posed(prompt: EncodedPrompt) -> dict[str, Any]:
    """The prompt as vLLM takes it, which processes the pictures of a request once for all its samples.

    Raises BoundaryError naming the problem whose picture cannot be decoded.
    """
    if prompt.pictured is None:
        return {"prompt_token_ids": prompt.token_ids}
    with of_problem(prompt.request.problem_id):
        images = [decode_image(encoded) for encoded in prompt.pictured.images]
    return {
        "prompt_token_ids": prompt.pictured.written_ids,
        "multi_modal_data": {"image": images},
        # By which it knows a picture that it has processed before.
        "multi_modal_uuids": {"image": list(prompt.pictured.digests)},
    }


def _drawable(requests: Sequence[Request], parameters: SamplingParameters) -> list[Request]:
    """The requests as vLLM takes them: at temperature 0 it draws no two samples of one request."""
    if parameters.temperature > 0:
        return list(requests)
    return [
        replace(request, sample_indices=(index,))
        for request in requests
        for index in request.sample_indices
    ]


def drawing_parameters(
    prompt: EncodedPrompt, parameters: SamplingParameters, end_ids: list[int]
) -> VllmParameters:
    """VLLM's sampling parameters for all samples of a prompt, which is then prefilled once.

    Deltas at the first token and at the end only: each sample is handed out when it finishes, and not
    when the last of its prompt's does. No seed of its own: vLLM would give its n-th sample the seed plus
    n (and refuses seeds on a CPU); the engine's is the shard's.
    """
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        n=len(prompt.request.sample_indices),
        temperature=parameters.temperature,
        top_p=parameters.top_p,
        max_tokens=prompt.max_tokens,
        stop_token_ids=end_ids,
        logprobs=0,  # of the token that was drawn, and no other
        flat_logprobs=True,
        detokenize=False,  # once, at the end, by the encoding
        output_kind=RequestOutputKind.DELTA,
        stream_interval=max(2, prompt.max_tokens),
    )


def _check_read(prompt: EncodedPrompt, token_ids: Sequence[int] | None) -> None:
    """See that vLLM has made as many tokens of the pictures as were made room for here."""
    if prompt.pictured and token_ids is not None and len(token_ids) != len(prompt.token_ids):
        raise BoundaryError(
            f"problem {prompt.request.problem_id}: vLLM reads {len(token_ids)} tokens of its prompt and "
            f"pictures, and {len(prompt.token_ids)} are what the image processor makes of them; sample it "
            "with the engine transformers"
        )


class _Running:
    """The samples that the engine is at, by the name of their request and their number in it."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.samples = 0
        self.image_bytes = 0  # that vLLM may hold of their pictures, processed
        self._prompts: dict[str, EncodedPrompt] = {}
        self._token_ids: dict[tuple[str, int], list[int]] = {}

    def add(self, prompt: EncodedPrompt) -> str:
        """Note a request that is handed over; its name."""
        name = f"{prompt.request.problem_id}/{prompt.request.sample_indices[0]}"
        self._prompts[name] = prompt
        self.samples += len(prompt.request.sample_indices)
        self.image_bytes += self.encoding.image_bytes(prompt)
        return name

    def take(self, outputs: Sequence[Any]) -> list[Completion]:
        """The samples that one step of the engine has finished."""
        finished = []
        for output in outputs:
            prompt = self._prompts[output.request_id]
            _check_read(prompt, output.prompt_token_ids)
            for part in output.outputs:
                key = (output.request_id, part.index)
                token_ids = self._token_ids.setdefault(key, [])
                token_ids.extend(part.token_ids)
                if part.finish_reason is not None:
                    self.samples -= 1
                    finished.append(self._completion(prompt, part, self._token_ids.pop(key)))
            if output.finished:
                self.image_bytes -= self.encoding.image_bytes(self._prompts.pop(output.request_id))
        return finished

    def _completion(self, prompt: EncodedPrompt, part: Any, token_ids: list[int]) -> Completion:
        return self.encoding.completion(
            prompt,
            prompt.request.sample_indices[part.index],
            token_ids,
            part.finish_reason if part.finish_reason in ("stop", "length") else "error",
            part.cumulative_logprob,
        )
