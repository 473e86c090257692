"""The scorer on vLLM: perplexity only, for models on one GPU or several and of every architecture."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from boundary.errors import BoundaryError
from boundary.sampling.encoding import Encoding
from boundary.sampling.vllm_loading import describe_vllm, load_vllm, prepare_vllm
from boundary.scoring.scorer import (
    Response,
    Score,
    Scorer,
    ScorerSettings,
    check_tokens,
    checked_score,
)

if TYPE_CHECKING:
    from vllm import LLMEngine
    from vllm import SamplingParams as VllmParameters

# A logit as the head writes it, its cast, its log-softmax, and its rank's comparison.
BYTES_A_LOGIT = 4 + 4 + 4 + 1
MAX_TOKENS = 16_384  # of a step: more of them are no faster
MAX_SEQUENCES = 256


class VllmScorer(Scorer):
    """A causal language model in Hugging Face format, loaded once it is known what is to be scored."""

    def __init__(self, encoding: Encoding, settings: ScorerSettings) -> None:
        prepare_vllm(encoding.checkpoint, settings.gpus)
        self.encoding = encoding
        self.settings = settings
        self.description: dict[str, Any] = {}
        self._engine: LLMEngine | None = None

    def describe(self) -> dict[str, Any]:
        """Scorer, versions, device, number format, context and the tokens of a step."""
        return self.description

    def score(self, responses: Sequence[Response], temperature: float) -> Iterator[list[Score]]:
        """Score with continuous batching; scores come as each one finishes, without their entropy.

        No more responses are handed over than keep the engine busy.
        """
        if pictured := next((row.problem_id for row in responses if row.pictured), None):
            raise BoundaryError(
                f"problem {pictured}: vLLM is not shown pictures when it scores; take the scorer "
                "transformers (score_engine: transformers)"
            )
        waiting = deque(responses)
        if not waiting:
            return
        engine = self._loaded(max(len(row.prompt_ids) + len(row.token_ids) for row in responses))
        config = engine.vllm_config
        check_tokens(responses, config.model_config.get_vocab_size())
        running: dict[str, Response] = {}
        while waiting or running:
            while waiting and len(running) < 2 * config.scheduler_config.max_num_seqs:
                response = waiting.popleft()
                name = f"{response.problem_id}/{response.sample_index}"
                running[name] = response
                tokens = [*response.prompt_ids, *response.token_ids[:-1]]
                engine.add_request(name, {"prompt_token_ids": tokens}, asking(response))
            yield [
                score_of(running.pop(output.request_id), output)
                for output in engine.step()
                if output.finished
            ]

    def _loaded(self, longest: int) -> LLMEngine:
        """The engine, loaded anew where it was loaded for shorter sequences than the ``longest``."""
        if self._engine is None or self._engine.vllm_config.model_config.max_model_len < longest:
            self._engine = None  # gone before the next one comes
            gc.collect()
            self._engine = self._load(longest)
            self.description = self._describe(self._engine)
        return self._engine

    def _load(self, longest: int) -> LLMEngine:
        at_once = self._tokens_at_once()
        return load_vllm(
            self.encoding,
            self.settings,
            longest,
            enable_prefix_caching=False,  # what is cached has no logits
            enable_chunked_prefill=True,  # a response may be longer than a step
            max_num_batched_tokens=at_once,
            max_num_seqs=min(MAX_SEQUENCES, at_once),
        )

    def _tokens_at_once(self) -> int:
        """Tokens of a step: vLLM makes the logits of all of them at once, and plans no memory for those."""
        vocabulary = self.encoding.config.get_text_config().vocab_size
        fitting = (self.settings.megabytes << 20) // (BYTES_A_LOGIT * vocabulary)
        return max(1, min(MAX_TOKENS, fitting))

    def _describe(self, engine: LLMEngine) -> dict[str, Any]:
        at_once = engine.vllm_config.scheduler_config.max_num_batched_tokens
        described = describe_vllm(engine, self.encoding, self.settings)
        return {**described, "max_num_batched_tokens": at_once}


def asking(response: Response) -> VllmParameters:
    """How vLLM is asked for a response's log-probabilities, all but the last token being its prompt.

    The last one is what it must draw, whose log-probability is that before the others were excluded. It
    refuses a prompt that fills the context, so that a response that ends there has no other way.
    """
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=0.0,
        max_tokens=1,
        ignore_eos=True,
        allowed_token_ids=[response.token_ids[-1]],
        prompt_logprobs=0,  # of the prompt's own tokens, and no others
        logprobs=0,  # of the token that was drawn
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def score_of(response: Response, output: Any) -> Score:
    """The score in vLLM's output, once its tokens are seen to be the response's."""
    (drawn,) = output.outputs
    read = output.prompt_logprobs
    known = len(response.token_ids) - 1
    token_ids = [*(read.token_ids[-known:] if known else []), *drawn.logprobs.token_ids]
    if token_ids != response.token_ids:
        raise BoundaryError(
            f"problem {response.problem_id}, sample {response.sample_index}: vLLM has scored the tokens "
            f"{token_ids} in place of {response.token_ids}; take the scorer transformers"
        )
    values = [*(read.logprobs[-known:] if known else []), *drawn.logprobs.logprobs]
    return checked_score(response, -sum(values), None)
