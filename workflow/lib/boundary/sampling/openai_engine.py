"""The engine on an endpoint that speaks OpenAI's API: hosted models, or a server of one's own."""

from __future__ import annotations

import os
import sys
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
from boundary.sampling.interrupts import FirstInterrupt
from boundary.sampling.openai_answer import filtered, read_answer
from boundary.sampling.seeds import request_seed

# Between them the client waits: from half a second, doubling, to 8, or as the server says. A server that
# has answered before is waited for, some five minutes; before that, a wrong address is more likely.
RETRIES = 40
RETRIES_BEFORE_THE_FIRST_ANSWER = 6
SECONDS_TO_WAIT = 1.0  # for an answer, before the caller may do what is due
SECONDS_TO_CONNECT = 10.0
# What a person must change: the server would refuse the same request again.
REFUSALS = (openai.BadRequestError, openai.NotFoundError, openai.UnprocessableEntityError)


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
        # Never the client's own defaults: a key, or a name, for one host must not be sent to another.
        unsent = ["OpenAI-Organization", "OpenAI-Project", *([] if self.key else ["Authorization"])]
        self.headers = {name: openai.Omit() for name in unsent}
        self.client = openai.OpenAI(
            base_url=endpoint.url,
            api_key=self.key or "none",
            max_retries=RETRIES_BEFORE_THE_FIRST_ANSWER,
            timeout=openai.Timeout(endpoint.timeout, connect=SECONDS_TO_CONNECT),
        )
        self.patient_client = self.client.with_options(max_retries=RETRIES)
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

    def prepare(
        self, template: str, requests: Sequence[Request], parameters: SamplingParameters
    ) -> None:
        """See that no prompt has a picture, which no endpoint is sent."""
        if pictured := next((request.problem_id for request in requests if request.images), None):
            raise BoundaryError(
                f"problem {pictured}: has a picture, and endpoints are sent texts alone; sample a model "
                "that is loaded here"
            )

    def sample(
        self, requests: Sequence[Request], parameters: SamplingParameters, seed: int
    ) -> Iterator[list[Completion]]:
        """Ask for every sample, ``concurrency`` at a time, the longest prompts first.

        A prompt that the server has no room for is then refused at the beginning. After a failure, or
        an interrupt, nothing more is asked for and what is under way still comes; then it is raised,
        a failure as a BoundaryError that does not hold the key. A second interrupt waits for nothing.
        """
        longest_first = sorted(requests, key=lambda request: len(request.prompt), reverse=True)
        draws = (
            _Draw(request, index) for request in longest_first for index in request.sample_indices
        )
        failure: BoundaryError | None = None
        waiting: dict[Future[Completion], _Draw] = {}
        pool = ThreadPoolExecutor(self.endpoint.concurrency)
        told = False
        with FirstInterrupt() as interrupt:
            try:
                while True:
                    stops = failure is not None or interrupt.came
                    if interrupt.came and not told:
                        self._tell_of_waiting(len(waiting))
                        told = True
                    free = 0 if stops else self.endpoint.concurrency - len(waiting)
                    for draw in islice(draws, free):
                        waiting[pool.submit(self._ask, draw, parameters, seed)] = draw
                    if not waiting:
                        break
                    done, _ = wait(waiting, SECONDS_TO_WAIT, FIRST_COMPLETED)
                    finished = []
                    for future in done:
                        draw = waiting.pop(future)
                        if (error := future.exception()) is None:
                            finished.append(future.result())
                        else:
                            failure = failure or self._explain(error, draw)
                    yield finished
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        if interrupt.came:
            raise KeyboardInterrupt
        if failure:
            raise failure

    def _tell_of_waiting(self, answers: int) -> None:
        print(
            f"{self.endpoint.url}: waiting for {answers} answers; interrupt again to drop them",
            file=sys.stderr,
        )

    def _ask(self, draw: _Draw, parameters: SamplingParameters, seed: int) -> Completion:
        options = self._options(parameters)
        if self.endpoint.send_seed:
            options["seed"] = request_seed(seed, draw.request.problem_id, draw.sample_index)
        client = self.patient_client if self.served else self.client
        answer: Any
        try:
            if self.endpoint.api == "chat":
                message = {"role": "user", "content": draw.request.prompt}
                answer = client.chat.completions.create(
                    messages=[message],  # type: ignore[list-item]
                    max_completion_tokens=parameters.max_tokens,
                    **options,
                )
            else:
                answer = client.completions.create(
                    prompt=draw.request.prompt,
                    max_tokens=parameters.max_tokens,
                    stop=parameters.end,
                    **options,
                )
        except openai.BadRequestError as error:
            if error.code == "content_filter":
                return filtered(draw.request.problem_id, draw.sample_index)
            raise
        sample = read_answer(
            answer, draw.request.problem_id, draw.sample_index, parameters.max_tokens
        )
        self.served.add(str(answer.model or "unnamed"))
        return sample

    def _options(self, parameters: SamplingParameters) -> dict[str, Any]:
        """What is sent with every request.

        Values that are the API's own defaults are left out: some models refuse to be told them.
        """
        options: dict[str, Any] = {"model": self.endpoint.model, "extra_headers": self.headers}
        if parameters.temperature != 1:
            options["temperature"] = parameters.temperature
        if parameters.top_p != 1:
            options["top_p"] = parameters.top_p
        return options

    def _explain(self, error: BaseException, draw: _Draw) -> BoundaryError:
        """A message for a person; of what a server says of a key, nothing."""
        way_out = "run the same command again to go on"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            named = self.endpoint.key_variable or "none: name one as key_variable"
            cause = f"the server refuses the key (environment variable {named})"
        elif isinstance(error, openai.APIConnectionError):
            cause = (
                f"no answer ({type(error).__name__}) after many tries; see that the server is up"
            )
        elif isinstance(error, REFUSALS):
            cause = f"the server refuses the request, and would again: {error}"
            way_out = "correct the endpoint's entry, the template or max_tokens"
        elif isinstance(error, openai.APIStatusError):
            pause = error.response.headers.get("Retry-After")
            cause = f"{type(error).__name__}: {error}"
            cause += f" (it asks to wait {pause} seconds)" if pause else ""
        else:
            cause = str(error) if isinstance(error, BoundaryError) else repr(error)
        if self.key:
            cause = cause.replace(self.key, "[key]")
        where = f"problem {draw.request.problem_id}, sample {draw.sample_index}"
        return BoundaryError(
            f"{self.endpoint.url} ({where}): {cause}; what was drawn is kept; {way_out}"
        )


def _key(endpoint: Endpoint) -> str | None:
    """The key that the endpoint's entry names. Raises BoundaryError if it is not set, or no key."""
    if endpoint.key_variable is None:
        return None
    key = os.environ.get(endpoint.key_variable, "").strip()
    if not key:
        raise BoundaryError(
            f"{endpoint.url}: its key is not set; export {endpoint.key_variable}=... first"
        )
    if not key.isascii() or not key.isprintable():
        raise BoundaryError(
            f"{endpoint.url}: {endpoint.key_variable} holds characters that no key has; set it anew"
        )
    return key
