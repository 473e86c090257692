"""What a scorer is: responses as token ids in, their log-likelihood and entropy out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from boundary.errors import BoundaryError
from boundary.images.placing import Pictured
from boundary.sampling.loading import LoadingSettings


@dataclass(frozen=True)
class ScorerSettings(LoadingSettings):
    """How a checkpoint is loaded to score, and how much memory that takes beside its weights.

    ``megabytes`` are of 2**20 bytes.
    """

    megabytes: int = 1024


@dataclass(frozen=True)
class Response:
    """A response as token ids behind the very prompt; neither is ever empty.

    ``prompt_ids`` are what a model reads, a placeholder for each token of a picture; ``pictured`` tells
    which pictures these are, if there are any.
    """

    problem_id: str
    sample_index: int
    prompt_ids: list[int]
    token_ids: list[int]
    pictured: Pictured | None = None


@dataclass(frozen=True)
class Score:
    """Nats: minus the log-probability of a whole response, and the mean entropy of its tokens.

    ``nll_sum`` is at temperature 1; ``entropy_mean`` is None where a scorer sees no whole distribution.
    """

    problem_id: str
    sample_index: int
    nll_sum: float
    entropy_mean: float | None


class Scorer(ABC):
    """A model that given responses can be scored with."""

    @abstractmethod
    def score(self, responses: Sequence[Response], temperature: float) -> Iterator[list[Score]]:
        """Yield the score of every response once, batch by batch and in any order.

        ``temperature`` is only that of the entropy, over the whole vocabulary; at 0 it is 0. No prompt
        and response together may be longer than the context. Raises BoundaryError.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """For the provenance record, once scoring has begun: scorer, versions, device, number format."""


def checked_score(response: Response, nll_sum: float, entropy_mean: float | None) -> Score:
    """The score of a response; raises BoundaryError if the model's probabilities are no numbers."""
    if not math.isfinite(nll_sum) or not math.isfinite(entropy_mean or 0.0):
        raise BoundaryError(
            f"problem {response.problem_id}, sample {response.sample_index}: its log-probability is "
            f"{-nll_sum}, its entropy {entropy_mean}: the model overflows in this number format or its "
            "weights are damaged; take `dtype` bfloat16 or float32"
        )
    return Score(response.problem_id, response.sample_index, nll_sum, entropy_mean)


def check_tokens(responses: Sequence[Response], vocabulary: int) -> None:
    """See that the model has every token; raises BoundaryError naming the first response it cannot read."""
    for response in responses:
        highest = max(max(response.prompt_ids), max(response.token_ids))
        if highest >= vocabulary:
            raise BoundaryError(
                f"problem {response.problem_id}, sample {response.sample_index}: token {highest} is none "
                f"of the model's {vocabulary}; the response was tokenized for another family of models"
            )
