"""What an endpoint answers: hostile until it is shown to be a sample."""

from __future__ import annotations

from typing import Any

from boundary.errors import BoundaryError
from boundary.sampling.engine import Completion

# Some servers count the end token of a response, and some do not.
TOKENS_OVER_THE_CAP = 1


def read_answer(answer: Any, problem_id: str, sample_index: int, max_tokens: int) -> Completion:
    """The sample in an answer of the completions or the chat API, as the client parsed it.

    The client checks no types, and gives the bare text of what is no JSON. A response without text is a
    failure of the server (`error`), unless its tokens ran out before any was written. Raises
    BoundaryError for anything that could not be stored, counted and judged as a sample.
    """
    try:
        choice = answer.choices[0]
        text = choice.message.content if hasattr(choice, "message") else choice.text
        reason, usage = choice.finish_reason, answer.usage
    except (AttributeError, TypeError, IndexError) as error:
        raise BoundaryError(
            "what came is no answer of OpenAI's API; see that the url is where the API begins, which often "
            "ends in /v1"
        ) from error
    if not isinstance(text, str | None):
        raise BoundaryError(f"the response is no text but a {type(text).__name__}")
    reason = reason if reason in ("stop", "length") else "error"
    return Completion(
        problem_id=problem_id,
        sample_index=sample_index,
        text=_storable(text or ""),
        token_ids=None,
        n_tokens=_response_tokens(usage, max_tokens),
        finish_reason="error" if text is None and reason == "stop" else reason,
        logprob_sum=None,
        n_prompt_tokens=_count(usage, "prompt_tokens"),
    )


def filtered(problem_id: str, sample_index: int) -> Completion:
    """The sample that a server's content filter withheld."""
    return Completion(problem_id, sample_index, "", None, 0, "error", None, None)


def _response_tokens(usage: Any, max_tokens: int) -> int:
    tokens = _count(usage, "completion_tokens")
    if tokens is None:
        raise BoundaryError(
            "the server does not tell how many tokens it drew (`usage.completion_tokens`), so that "
            "truncation and cost would be unknown"
        )
    if tokens > max_tokens + TOKENS_OVER_THE_CAP:
        raise BoundaryError(
            f"the server drew {tokens} tokens where {max_tokens} were allowed: it does not heed the cap, "
            "and its samples cannot be compared with others'"
        )
    return tokens


def _count(usage: Any, name: str) -> int | None:
    count = getattr(usage, name, None)
    return count if type(count) is int and count >= 0 else None


def _storable(text: str) -> str:
    """The text in Unicode: JSON can write half a surrogate pair, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
