"""Sample records as token ids behind the very prompt that they answer, ready to be scored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from boundary.data.scored import FAILED, NO_TOKEN_FOR, NO_TOKENS, RETOKENISED, STORED, TOO_LONG
from boundary.errors import BoundaryError
from boundary.sampling.encoding import Encoding
from boundary.sampling.engine import Request
from boundary.sampling.prompts import Template
from boundary.sampling.tokens import unknown_ids
from boundary.scoring.scorer import Response

LINE_BREAK = "\n"
COLUMNS = ["problem_id", "sample_index", "text", "token_ids", "finish_reason"]


@dataclass(frozen=True)
class Prepared:
    """What is known of a response before it is scored.

    ``tokens`` says whose the token ids are: those stored with the sample, or the scorer's own of its text.
    ``response`` is None where there is nothing to score, or no way to, and ``detail`` says why.
    """

    problem_id: str
    sample_index: int
    n_tokens: int
    tokens: str
    finish_reason: str
    detail: str
    response: Response | None


class Preparation:
    """Turns samples of one cell into what a scorer with ``encoding`` takes.

    ``requests`` are the problems as the template renders them. ``same_vocabulary`` says that stored token
    ids mean the same to the scorer; else texts are tokenised anew, a response that ended by itself with the
    token that ends one (the template's, or the tokenizer's own). Special tokens that a
    text spells out stay text.
    """

    def __init__(
        self,
        encoding: Encoding,
        template: Template,
        requests: Iterable[Request],
        same_vocabulary: bool,
    ) -> None:
        self.encoding = encoding
        self.template = template
        self.same_vocabulary = same_vocabulary
        self.prompts = {request.problem_id: encoding.read_prompt(request) for request in requests}
        self._unknown = unknown_ids(encoding.tokenizer)

    def prepare(self, samples: pd.DataFrame) -> Iterable[Prepared]:
        """Prepare sample records (``COLUMNS``)."""
        for row in samples[COLUMNS].to_dict("records"):
            yield self._prepare({str(key): value for key, value in row.items()})

    def _prepare(self, sample: dict[str, Any]) -> Prepared:
        prompt_ids, pictured = self.prompts[sample["problem_id"]]
        stored = self.same_vocabulary and sample["token_ids"] is not None
        failed, ended = (sample["finish_reason"] == reason for reason in ("error", "stop"))
        token_ids: list[int] = []
        if not failed:
            token_ids = list(sample["token_ids"]) if stored else self._tokenise(sample)
        detail = ""
        if failed:
            detail = FAILED
        elif len(token_ids) == int(ended):  # the token that ends it, and nothing before
            token_ids, detail = [], NO_TOKENS
        elif not stored and self._unknown & {*token_ids, *prompt_ids}:
            detail = NO_TOKEN_FOR
        elif len(prompt_ids) + len(token_ids) > self.encoding.context:
            detail = f"{TOO_LONG} of {self.encoding.context} tokens"
        key = sample["problem_id"], int(sample["sample_index"])
        return Prepared(
            *key,
            n_tokens=len(token_ids),
            tokens=STORED if stored else RETOKENISED,
            finish_reason=sample["finish_reason"],
            detail=detail,
            response=None
            if detail
            else Response(*key, prompt_ids, [int(t) for t in token_ids], pictured),
        )

    def _tokenise(self, sample: dict[str, Any]) -> list[int]:
        text, begins = sample["text"], self.template.begins
        if not text.startswith(begins):
            raise BoundaryError(
                f"problem {sample['problem_id']}, sample {sample['sample_index']}: its text does not begin "
                f"with {begins!r}, as every response to its template does; name the template that it was "
                "sampled with"
            )
        token_ids = self._continue(text.removeprefix(begins))
        ended = sample["finish_reason"] == "stop"
        return [*token_ids, self.encoding.end_token(self.template.end)] if ended else token_ids

    def _continue(self, text: str) -> list[int]:
        """A text as tokens that go on from others.

        Some tokenizers begin whatever they are given with a word of its own, as if a space came before: so
        the text is put behind a line break, which is cut off again where its tokens are its own.
        """

        def tokens(written: str) -> list[int]:
            encoded = self.encoding.tokenizer(
                written, add_special_tokens=False, split_special_tokens=True
            )
            return encoded["input_ids"]

        before, behind = tokens(LINE_BREAK), tokens(LINE_BREAK + text)
        cut = len(before)
        return behind[cut:] if behind[:cut] == before else tokens(text)
