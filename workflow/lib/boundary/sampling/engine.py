"""What an engine is: prompts in, completions out as they finish."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SamplingParameters:
    """How tokens are drawn; ``max_tokens`` caps a response."""

    temperature: float
    top_p: float
    max_tokens: int


@dataclass(frozen=True)
class Request:
    """Draw the samples ``sample_indices`` of one problem."""

    problem_id: str
    prompt: str
    sample_indices: tuple[int, ...]


@dataclass(frozen=True)
class Completion:
    """One sample: the columns of a sample record."""

    problem_id: str
    sample_index: int
    text: str
    token_ids: list[int]
    n_tokens: int
    finish_reason: str
    logprob_sum: float


class Engine(ABC):
    """A loaded model that can be sampled from."""

    @abstractmethod
    def sample(
        self, requests: Sequence[Request], parameters: SamplingParameters, seed: int
    ) -> Iterator[Completion]:
        """Yield every sample of every request once, in the order in which they finish.

        ``seed`` is a shard's. Raises BoundaryError before the first sample if a prompt does not fit.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """For the provenance record: engine, versions, device, what ends a response."""
