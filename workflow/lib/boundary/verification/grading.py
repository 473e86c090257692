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
from boundary.verification.programs.tests import read_tests
from boundary.verification.verdict import Judgement
from boundary.verification.verifiers import DOMAINS, VERIFIERS

LINES_AT_ONCE = 4096
LONGEST_BARE = 500  # characters of a text of one line that is an answer by itself


class Line(NamedTuple):
    """A line to grade: who by, and the response; or why it cannot be graded."""

    id: Any
    verifier: str
    domain: str
    response: Response
    refusal: str | None


def grade_file(path: Path, verifier: str, workers: int, limits: Limits) -> Iterator[str]:
    """Lines {"id", "verdict", "answer", "reason"} for the lines of ``path``, in order.

    Raises BoundaryError naming the first line that is none of {"id", "gold", "text"[, "domain", "policy"]}
    or, of domain code, of {"id", "tests", "text"[, "gold", "function"]}, before any is graded. A domain
    without a verifier is the verdict error.
    """
    total = sum(1 for _ in _lines(path, verifier))
    with ExitStack() as open_judges, progress_bar(total, "grading", "answer") as bar:
        judges: dict[tuple[str, str], Judge] = {}
        lines = _lines(path, verifier)
        while block := list(islice(lines, LINES_AT_ONCE)):
            judgements: list[Judgement | None] = [None] * len(block)
            gradable = [i for i, line in enumerate(block) if line.refusal is None]
            for who in dict.fromkeys((block[i].verifier, block[i].domain) for i in gradable):
                if who not in judges:
                    judge = Judge(who[0], workers=workers, limits=limits, domain=who[1])
                    judges[who] = open_judges.enter_context(judge)
                places = [i for i in gradable if (block[i].verifier, block[i].domain) == who]
                mine = judges[who].judge([block[i].response for i in places])
                for place, judgement in zip(places, mine, strict=True):
                    judgements[place] = judgement
            for line, judged in zip(block, judgements, strict=True):
                yield _written(line, judged)
            bar.update(len(block))


def _written(line: Line, judgement: Judgement | None) -> str:
    if judgement is None:  # it was not graded
        judgement = Judgement("error", None, None, None, line.refusal or "")
    reason = judgement.detail
    if judgement.rung is not None:
        reason = f"{judgement.rung}: {reason}"
    graded = {
        "id": line.id,
        "verdict": judgement.verdict,
        "answer": judgement.answer,
        "reason": reason,
    }
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
    domain = document.get("domain", "math")
    needed = ("id", "tests", "text") if domain == "code" else ("id", "gold", "text")
    missing = [key for key in needed if key not in document]
    if missing:
        keys = ", ".join(map(repr, missing))
        raise BoundaryError(f"{place}: no key {keys}; its keys are {', '.join(document)}")
    answer = document["text"]
    if not isinstance(answer, str):
        raise BoundaryError(f"{place}: 'text' is {answer!r:.80}; expected a text")
    policy, verifier = _policy(document.get("policy", {}), place, verifier)
    if domain == "code":
        by = _posed_program(document, policy, place)
        return Line(document["id"], VERIFIERS[0], domain, Response(by, answer, "stop"), None)
    gold = gold["gold"]
    golds = gold if isinstance(gold, list) else [gold]
    if not golds or not all(isinstance(one, str) and one.strip() for one in golds):
        raise BoundaryError(
            f"{place}: 'gold' is {gold!r:.80}; expected a number, a text or a list of those"
        )
    refusal = None if domain in DOMAINS else f"there is no verifier for the domain {domain!r:.40}"
    response, policy = _response(answer, policy, verifier)
    key = json.dumps([gold, repr(policy)])
    if key not in posed:
        posed[key] = pose(json.dumps(gold), policy)
    return Line(document["id"], verifier, domain, Response(posed[key], response, "stop"), refusal)


def _posed_program(document: dict[str, Any], policy: Policy, place: str) -> Posed:
    """What a program is judged by: its tests, and the reference program, should they need its helpers."""
    gold, function = document.get("gold"), document.get("function", "")
    if not isinstance(gold, str | None) or not isinstance(function, str):
        raise BoundaryError(f"{place}: 'gold' is the text of a program, 'function' that of a name")
    posed = pose(
        json.dumps(gold),
        policy,
        json.dumps({"func_name": function}),
        json.dumps(document["tests"]),
    )
    try:
        read_tests(*posed.gold)
    except BoundaryError as error:
        raise BoundaryError(f"{place}: {error}") from error
    return posed


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
