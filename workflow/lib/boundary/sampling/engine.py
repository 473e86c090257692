"""What an engine is: prompts in, completions out as they finish."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from boundary.sampling.loading import LoadingSettings


@dataclass(frozen=True)
class SamplingParameters:
    """How tokens are drawn, and what ends a response besides the model's own end tokens.

    ``max_tokens`` caps a response; ``end`` is the token that closes a turn of the prompt template.
    """

    temperature: float
    top_p: float
    max_tokens: int
    end: str | None = None


@dataclass(frozen=True)
class EngineSettings(LoadingSettings):
    """How a checkpoint is loaded to be sampled; the keys of the same names in config/models.yaml."""

    prefix_caching: bool = True


@dataclass(frozen=True)
class Request:
    """Draw the samples ``sample_indices`` of one problem.

    With ``chat`` the prompt is a user's message, to be laid out by the model's own chat template.
    ``images`` are the problem's pictures, encoded.
    """

    problem_id: str
    prompt: str
    sample_indices: tuple[int, ...]
    chat: bool = False
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Completion:
    """One sample: the columns of a sample record, and the length of its prompt.

    ``token_ids``, ``logprob_sum`` and ``n_prompt_tokens`` are None where an endpoint does not tell.
    """

    problem_id: str
    sample_index: int
    text: str
    token_ids: list[int] | None
    n_tokens: int
    finish_reason: str
    logprob_sum: float | None
    n_prompt_tokens: int | None


class Engine(ABC):
    """A model that can be sampled from."""

    def prepare(  # noqa: B027  # an engine may have nothing to look at
        self, template: str, requests: Sequence[Request], parameters: SamplingParameters
    ) -> None:
        """See that the model can read what a prompt template writes, and that every prompt fits.

        ``requests`` are those of the whole shard: whatever follows from them, such as the longest
        sequence, is then the same for an attempt that goes on after a crash. Raises BoundaryError.
        """

    @abstractmethod
    def sample(
        self, requests: Sequence[Request], parameters: SamplingParameters, seed: int
    ) -> Iterator[list[Completion]]:
        """Yield every sample of every request once: step by step, those that the step finished.

        Most steps finish none; their empty lists let the caller do what is due by the clock. ``seed`` is
        a shard's.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """For the provenance record, once sampling has begun: engine, versions, what ends a response."""
