"""Judging responses: find the answer, look whether it was decided before, decide it if not."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from boundary.verification.extraction import Found
from boundary.verification.memo import Memo
from boundary.verification.policy import Policy, read_policy
from boundary.verification.pool import Limits, ProcessWorker, Question, WorkerPool
from boundary.verification.verdict import Decision, Judgement, Verdict
from boundary.verification.verifiers import verifier_module

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


def pose(gold: str, policy: Policy, meta: str | None = None, tests: str | None = None) -> Posed:
    """A problem record's ``gold``, ``meta`` and ``tests`` (JSON), with the benchmark's policy.

    ``verification`` in the meta record holds the problem's own settings. Of a problem with tests, the gold
    is the tests, the reference program (both JSON) and the name of the function that they call.
    """
    about = json.loads(meta or "{}")
    policy = read_policy(about.get("verification", {}), policy)
    if tests is not None:
        answers: tuple[str, ...] = (tests, gold, about.get("func_name", ""))
    else:
        answer = json.loads(gold)
        answers = tuple(map(str, answer)) if isinstance(answer, list) else (str(answer),)
    settings = json.dumps([answers, asdict(policy)])
    return Posed(
        answers, policy, hashlib.blake2b(settings.encode(), digest_size=KEY_BYTES).digest()
    )


class Judge:
    """A verifier of a domain with its memo and its workers, while the ``with`` block lasts."""

    def __init__(
        self,
        verifier: str,
        memo: Memo | None = None,
        workers: int = 1,
        limits: Limits = Limits(),  # noqa: B008
        domain: str = "math",
    ) -> None:
        self.verifier: Any = importlib.import_module(verifier_module(verifier, domain))
        self.memo = memo or Memo()
        make_worker = getattr(self.verifier, "Worker", ProcessWorker)
        self.pool = WorkerPool(verifier, workers, limits, make_worker)

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *raised: object) -> None:
        self.pool.__exit__(*raised)

    def judge(self, responses: Sequence[Response]) -> list[Judgement]:
        """Judgements in the order of the responses."""
        found = [self._find(response) for response in responses]
        decisions = iter(
            self.decide(
                [
                    (response.posed, answer.answer)
                    for response, answer in zip(responses, found, strict=True)
                    if answer is not None
                ]
            )
        )
        return [
            _no_answer(response) if answer is None else _judgement(answer, next(decisions))
            for response, answer in zip(responses, found, strict=True)
        ]

    def decide(self, asked: Sequence[tuple[Posed, str]]) -> list[Decision]:
        """Decisions on answers, in their order: each pair of problem and answer is decided once."""
        keys = [_key(posed, answer) for posed, answer in asked]
        dear: dict[bytes, Question] = {}
        for (posed, answer), key in zip(asked, keys, strict=True):
            if key in dear or self.memo.get(key) is not None:
                continue
            question = Question(posed.gold, answer, posed.policy)
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
        return [self.memo[key] for key in keys]

    def _find(self, response: Response) -> Found | None:
        if response.finish_reason == "error":
            return None
        return self.verifier.find(response.text, response.posed.policy)

    def _decide_cheaply(self, question: Question) -> Decision | None:
        try:
            return self.verifier.decide_cheaply(*question)
        except Exception:  # whatever a model wrote, it ends no stage: a worker will tell
            return None


def _no_answer(response: Response) -> Judgement:
    if response.finish_reason == "error":
        return Judgement("error", None, None, None, "sampling failed")
    missing: Verdict = "truncated" if response.finish_reason == "length" else "no_answer"
    return Judgement(missing, None, None, None, "no answer was found")


def _judgement(found: Found, decision: Decision) -> Judgement:
    answer = None if found.where == "response" else found.answer[:LONGEST_STORED]
    return Judgement(decision.outcome, answer, found.where, decision.rung, decision.reason)


def _key(posed: Posed, answer: str) -> bytes:
    text = answer.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(posed.salt + text, digest_size=KEY_BYTES).digest()
