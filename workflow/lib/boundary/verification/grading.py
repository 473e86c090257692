"""Grading JSON lines that come from anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from boundary.errors import BoundaryError, suggest
from boundary.progress import progress_bar
from boundary.verification.extraction import find_answer
from boundary.verification.judge import Judge, Posed, Response, pose
from boundary.verification.policy import Policy, read_policy
from boundary.verification.pool import Limits
from boundary.verification.verdict import Judgement
from boundary.verification.verifiers import DOMAINS, VERIFIERS

LINES_AT_ONCE = 4096
LONGEST_BARE = 500  # characters of a text of one line that is an answer by itself


class Line(NamedTuple):
    """A line to grade: who by, and the response; or why it cannot be graded."""

    id: Any
    verifier: str
    response: Response
    refusal: str | None


def grade_file(path: Path, verifier: str, workers: int, limits: Limits) -> Iterator[str]:
    """Lines {"id", "verdict", "answer", "reason"} for the lines of ``path``, in order.

    Raises BoundaryError naming the first line that is none of {"id", "gold", "text"[, "domain", "policy"]},
    before any is graded. A domain without a verifier is the verdict error.
    """
    total = sum(1 for _ in _lines(path, verifier))
    with ExitStack() as open_judges, progress_bar(total, "grading", "answer") as bar:
        judges: dict[str, Judge] = {}
        lines = _lines(path, verifier)
        while block := list(islice(lines, LINES_AT_ONCE)):
            judgements: list[Judgement | None] = [None] * len(block)
            for name in dict.fromkeys(line.verifier for line in block):
                if name not in judges:
                    judges[name] = open_judges.enter_context(
                        Judge(name, workers=workers, limits=limits)
                    )
                places = [i for i, line in enumerate(block) if line.verifier == name]
                mine = judges[name].judge([block[i].response for i in places])
                for place, judgement in zip(places, mine, strict=True):
                    judgements[place] = judgement
            for line, judged in zip(block, judgements, strict=True):
                assert judged is not None
                yield _written(line, judged)
            bar.update(len(block))


def _written(line: Line, judgement: Judgement) -> str:
    verdict, reason = judgement.verdict, judgement.detail
    if line.refusal is not None:
        verdict, reason = "error", line.refusal
    elif judgement.rung is not None:
        reason = f"{judgement.rung}: {reason}"
    answer = None if line.refusal else judgement.answer
    graded = {"id": line.id, "verdict": verdict, "answer": answer, "reason": reason}
    return json.dumps(graded) + "\n"


def _lines(path: Path, verifier: str) -> Iterator[Line]:
    posed: dict[str, Posed] = {}
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield _line(text, f"{path}, line {number}", verifier, posed)
    except (OSError, UnicodeDecodeError) as error:
        raise BoundaryError(f"{path}: cannot be read: {error}") from error


def _line(text: str, place: str, verifier: str, posed: dict[str, Posed]) -> Line:
    try:
        document = json.loads(text)
        gold = json.loads(text, parse_float=str, parse_int=str)  # numbers as they are written
    except (ValueError, RecursionError) as error:
        raise BoundaryError(f"{place}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BoundaryError(f"{place}: not a JSON object")
    missing = [key for key in ("id", "gold", "text") if key not in document]
    if missing:
        keys = ", ".join(map(repr, missing))
        raise BoundaryError(f"{place}: no key {keys}; its keys are {', '.join(document)}")
    gold, answer = gold["gold"], document["text"]
    golds = gold if isinstance(gold, list) else [gold]
    if not golds or not all(isinstance(one, str) and one.strip() for one in golds):
        raise BoundaryError(
            f"{place}: 'gold' is {gold!r:.80}; expected a number, a text or a list of those"
        )
    if not isinstance(answer, str):
        raise BoundaryError(f"{place}: 'text' is {answer!r:.80}; expected a text")
    domain = document.get("domain", "math")
    refusal = None if domain in DOMAINS else f"there is no verifier for the domain {domain!r:.40}"
    policy, verifier = _policy(document.get("policy", {}), place, verifier)
    response, policy = _response(answer, policy, verifier)
    key = json.dumps([gold, repr(policy)])
    if key not in posed:
        posed[key] = pose(json.dumps(gold), policy)
    return Line(document["id"], verifier, Response(posed[key], response, "stop"), refusal)


def _policy(given: Any, place: str, verifier: str) -> tuple[Policy, str]:
    if isinstance(given, str) and given in VERIFIERS:
        return Policy(), given
    if not isinstance(given, dict):
        raise BoundaryError(
            f"{place}: 'policy' is {given!r:.80}; expected settings or the name of a verifier. "
            f"{suggest(given, VERIFIERS)}"
        )
    try:
        return read_policy(given), verifier
    except BoundaryError as error:
        raise BoundaryError(f"{place}: policy: {error}") from error


def _response(text: str, policy: Policy, verifier: str) -> tuple[str, Policy]:
    """A completion as it is; a bare answer as a response that states it, and how to find it there."""
    bare = text.strip()
    is_short = bare and "\n" not in bare and len(bare) <= LONGEST_BARE
    if not is_short or find_answer(text, policy.answer_in) is not None:
        return text, policy
    if verifier != VERIFIERS[0]:
        return f"\\boxed{{{bare}}}", policy
    return f"<answer>{bare}</answer>", replace(policy, answer_in=("tag",))
