"""The engine on an endpoint that speaks OpenAI's API: hosted models, or a server of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any

import openai

from boundary.data.endpoint import Endpoint
from boundary.data.provenance import package_versions
from boundary.errors import BoundaryError
from boundary.sampling.engine import Completion, Engine, Request, SamplingParameters
from boundary.sampling.seeds import request_seed

# Between them the client waits: from half a second, doubling, to 8, or as the server says.
RETRIES = 10
SECONDS_TO_WAIT = 1.0  # for an answer, before the caller may do what is due
SECONDS_TO_CONNECT = 10.0


@dataclass(frozen=True)
class _Draw:
    """One sample to ask for."""

    request: Request
    sample_index: int


class OpenAIEngine(Engine):
    """A model behind an endpoint; one request a sample, several at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.key = _key(endpoint)
        self.client = openai.OpenAI(
            base_url=endpoint.url,
            # Never the client's own default: a key for one host must not be sent to another.
            api_key=self.key or "none",
            max_retries=RETRIES,
            timeout=openai.Timeout(endpoint.timeout, connect=SECONDS_TO_CONNECT),
        )
        self.served: set[str] = set()

    def describe(self) -> dict[str, Any]:
        """Engine, version of the client, endpoint, and what the server calls the model it served."""
        return {
            "engine": "openai",
            "versions": package_versions(["openai"]),
            "url": self.endpoint.url,
            "asked_for": self.endpoint.model,
            "served": sorted(self.served),
            "api": self.endpoint.api,
            "seeds_sent": self.endpoint.send_seed,
        }

    def sample(
        self, requests: Sequence[Request], parameters: SamplingParameters, seed: int
    ) -> Iterator[list[Completion]]:
        """Ask for every sample, ``concurrency`` at a time.

        After a failure nothing more is asked for, what is under way still comes, and the failure is
        raised as a BoundaryError that does not hold the key.
        """
        draws = (_Draw(request, index) for request in requests for index in request.sample_indices)
        failure: Exception | None = None
        with ThreadPoolExecutor(self.endpoint.concurrency) as pool:
            waiting: dict[Future[Completion], _Draw] = {}
            while True:
                free = 0 if failure else self.endpoint.concurrency - len(waiting)
                for draw in islice(draws, free):
                    waiting[pool.submit(self._ask, draw, parameters, seed)] = draw
                if not waiting:
                    break
                done, _ = wait(waiting, SECONDS_TO_WAIT, FIRST_COMPLETED)
                finished = []
                for future in done:
                    draw = waiting.pop(future)
                    try:
                        finished.append(future.result())
                    except openai.OpenAIError as error:
                        failure = failure or self._explain(error, draw)
                    except BoundaryError as error:
                        failure = failure or error
                yield finished
        if failure:
            raise failure

    def _ask(self, draw: _Draw, parameters: SamplingParameters, seed: int) -> Completion:
        options = self._options(parameters)
        if self.endpoint.send_seed:
            options["seed"] = request_seed(seed, draw.request.problem_id, draw.sample_index)
        answer: Any
        if self.endpoint.api == "chat":
            message = {"role": "user", "content": draw.request.prompt}
            answer = self.client.chat.completions.create(
                messages=[message],  # type: ignore[list-item]
                max_completion_tokens=parameters.max_tokens,
                **options,
            )
            text = answer.choices[0].message.content
        else:
            answer = self.client.completions.create(
                prompt=draw.request.prompt,
                max_tokens=parameters.max_tokens,
                stop=parameters.end,
                **options,
            )
            text = answer.choices[0].text
        if answer.usage is None:
            raise BoundaryError(
                f"{self.endpoint.url}: the server does not tell how many tokens it drew (`usage`), so "
                "that truncation and cost would be unknown"
            )
        self.served.add(answer.model)
        reason = answer.choices[0].finish_reason
        return Completion(
            problem_id=draw.request.problem_id,
            sample_index=draw.sample_index,
            text=text or "",
            token_ids=None,
            n_tokens=answer.usage.completion_tokens,
            finish_reason=reason if reason in ("stop", "length") else "error",
            logprob_sum=None,
            n_prompt_tokens=answer.usage.prompt_tokens,
        )

    def _options(self, parameters: SamplingParameters) -> dict[str, Any]:
        """What is sent with every request.

        Values that are the API's own defaults are left out: some models refuse to be told them.
        """
        options: dict[str, Any] = {"model": self.endpoint.model}
        if parameters.temperature != 1:
            options["temperature"] = parameters.temperature
        if parameters.top_p != 1:
            options["top_p"] = parameters.top_p
        return options

    def _explain(self, error: openai.OpenAIError, draw: _Draw) -> BoundaryError:
        """A message for a person; of what a server says of a key, nothing."""
        where = (
            f"{self.endpoint.url} (problem {draw.request.problem_id}, sample {draw.sample_index})"
        )
        kept = "what was drawn is kept; run the same command again to go on"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            named = self.endpoint.key_variable or "none: name one as key_variable"
            return BoundaryError(
                f"{where}: the server refuses the key (environment variable {named}); {kept}"
            )
        if isinstance(error, openai.APIConnectionError):
            cause = f"no answer ({type(error).__name__}) after {RETRIES} retries"
            return BoundaryError(f"{where}: {cause}; see that the server is up. {kept}")
        said = str(error)
        if self.key:
            said = said.replace(self.key, "[key]")
        return BoundaryError(f"{where}: {type(error).__name__}: {said}; {kept}")


def _key(endpoint: Endpoint) -> str | None:
    """The key that the endpoint's entry names. Raises BoundaryError if it is not set."""
    if endpoint.key_variable is None:
        return None
    key = os.environ.get(endpoint.key_variable)
    if not key:
        raise BoundaryError(
            f"{endpoint.url}: its key is not set; export {endpoint.key_variable}=... first"
        )
    return key
