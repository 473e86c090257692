"""Judging responses: find the answer, look whether it was decided before, decide it if not."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, NamedTuple

from boundary.verification.extraction import Found
from boundary.verification.memo import Memo
from boundary.verification.policy import Policy, read_policy
from boundary.verification.pool import Limits, Question, WorkerPool
from boundary.verification.verdict import Decision, Judgement, Verdict

KEY_BYTES = 16
LONGEST_STORED = 2_000  # characters of an answer in a verdict; the sample holds it whole


@dataclass(frozen=True)
class Posed:
    """What a response to a problem is judged by. ``salt`` tells it from all other golds and policies."""

    gold: tuple[str, ...]
    policy: Policy
    salt: bytes


class Response(NamedTuple):
    """A response to a posed problem."""

    posed: Posed
    text: str
    finish_reason: str


def pose(gold: str, policy: Policy, meta: str | None = None) -> Posed:
    """A problem record's ``gold`` and ``meta`` (JSON), with the benchmark's policy.

    ``verification`` in the meta record holds the problem's own settings.
    """
    own = json.loads(meta or "{}").get("verification", {})
    policy = read_policy(own, policy)
    answers = json.loads(gold)
    answers = tuple(map(str, answers)) if isinstance(answers, list) else (str(answers),)
    settings = json.dumps([answers, asdict(policy)])
    return Posed(
        answers, policy, hashlib.blake2b(settings.encode(), digest_size=KEY_BYTES).digest()
    )


class Judge:
    """A verifier with its memo and its workers, while the ``with`` block lasts."""

    def __init__(
        self,
        verifier: str,
        memo: Memo | None = None,
        workers: int = 1,
        limits: Limits = Limits(),  # noqa: B008
    ) -> None:
        self.verifier: Any = importlib.import_module(f"boundary.verification.verifiers.{verifier}")
        self.memo = memo or Memo()
        self.pool = WorkerPool(verifier, workers, limits)

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pool.__exit__(kind, error, trace)

    def judge(self, responses: Sequence[Response]) -> list[Judgement]:
        """Judgements in the order of the responses."""
        found = [self._find(response) for response in responses]
        keys = [
            b"" if answer is None else _key(response.posed, answer.answer)
            for response, answer in zip(responses, found, strict=True)
        ]
        self._decide(responses, found, keys)
        return [self._judgement(*judged) for judged in zip(responses, found, keys, strict=True)]

    def _find(self, response: Response) -> Found | None:
        if response.finish_reason == "error":
            return None
        return self.verifier.find(response.text, response.posed.policy)

    def _decide(
        self, responses: Sequence[Response], found: Sequence[Found | None], keys: Sequence[bytes]
    ) -> None:
        """Put into the memo what is not there yet: each pair of gold and answer once."""
        dear: dict[bytes, Question] = {}
        for response, answer, key in zip(responses, found, keys, strict=True):
            if answer is None or key in dear or self.memo.get(key) is not None:
                continue
            question = Question(response.posed.gold, answer.answer, response.posed.policy)
            decision = self._decide_cheaply(question)
            if decision is None:
                dear[key] = question
            else:
                self.memo.put(key, decision)
        decisions = self.pool.decide(dear.values())
        for (key, question), decision in zip(dear.items(), decisions, strict=True):
            if decision.rung == "limit" and decision.outcome == "error":
                self.memo.put(key, decision)  # it may be the machine's fault, and not for ever
            else:
                self.memo.put_dear(key, decision, question.gold, question.answer)

    def _decide_cheaply(self, question: Question) -> Decision | None:
        try:
            return self.verifier.decide_cheaply(*question)
        except Exception:  # whatever a model wrote, it ends no stage: a worker will tell
            return None

    def _judgement(self, response: Response, found: Found | None, key: bytes) -> Judgement:
        if response.finish_reason == "error":
            return Judgement("error", None, None, None, "sampling failed")
        if found is None:
            cut_off = response.finish_reason == "length"
            missing: Verdict = "truncated" if cut_off else "no_answer"
            return Judgement(missing, None, None, None, "no answer was found")
        decision = self.memo.get(key)
        assert decision is not None
        answer = None if found.where == "response" else found.answer[:LONGEST_STORED]
        return Judgement(decision.outcome, answer, found.where, decision.rung, decision.reason)


def _key(posed: Posed, answer: str) -> bytes:
    text = answer.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(posed.salt + text, digest_size=KEY_BYTES).digest()
