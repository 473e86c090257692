r"""Where a response states its final answer: a box, an answer tag, or a line that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from boundary.verification.policy import Place

BOX = "\\boxed{"
BRACE_OR_ESCAPE = re.compile(r"[{}\\]")
# What may stand before "Answer:" on its line: markdown, "Final", "The final".
BEFORE = re.compile(r"[\s>*_#`-]{0,20}(?:the\s)?(?:final\s)?", re.IGNORECASE)
AFTER = re.compile(r"[*_`]{0,4}\s?[:：][*_`]{0,4}")
# What an instruction that is repeated has in its box.
PLACEHOLDERS = frozenset(
    form.format(text)
    for text in ("", "...", "answer", "Answer", "ANSWER", "your answer", "final answer")
    for form in ("{}", "\\text{{{}}}")
) | {"\\ldots", "\\dots", "\\cdots"}
MOST_EMPTY = 20  # boxes that are looked at from the last on, before all are
MOST_LINES = 200  # lines that mention an answer are looked at from the last on, and no more of them
LONGEST_PREFIX = 40


class Found(NamedTuple):
    """An answer as it stands in a response, and where it stood."""

    answer: str
    where: str


def find_answer(text: str, places: Sequence[Place]) -> Found | None:
    """The answer of the first of ``places`` at which ``text`` has one."""
    finders = {"box": last_box, "tag": last_tag, "line": last_line}
    for place in places:
        answer = finders[place](text)
        if answer is not None:
            return Found(answer, place)
    return None


def last_box(text: str) -> str | None:
    r"""Content of the last ``\boxed{...}`` whose braces balance and that is not empty, stripped.

    Where all are empty, an empty text; None if there is none. A model that goes on after its answer often
    repeats the instruction to put it into ``\boxed{}``. Escaped braces (``\{``) are content.
    """
    text = text.replace("\\boxed {", BOX)
    answer, start = None, len(text)
    for _ in range(MOST_EMPTY):
        start = text.rfind(BOX, 0, start)
        if start < 0:
            return answer
        end = _closing_brace(text, start + len(BOX))
        if end is None or _is_escaped(text, start):
            break
        content = text[start + len(BOX) : end].strip()
        if content not in PLACEHOLDERS:
            return content
        answer = ""
    return _last_balanced_box(text)


def _closing_brace(text: str, begin: int) -> int | None:
    """Where the brace that is open at ``begin`` closes."""
    depth, skip = 1, -1
    for match in BRACE_OR_ESCAPE.finditer(text, begin):
        if match.start() == skip:  # escaped by the backslash before it
            continue
        if match[0] == "\\":
            skip = match.start() + 1
            continue
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return None


def _is_escaped(text: str, at: int) -> bool:
    backslashes = 0
    while at > backslashes and text[at - backslashes - 1] == "\\":
        backslashes += 1
    return backslashes % 2 == 1


def _last_balanced_box(text: str) -> str | None:
    """As last_box, in one pass over the text, whatever it holds: boxes in boxes that never close."""
    starts: list[tuple[int, int]] = []  # (where a box's content begins, depth of its brace)
    depth = 0
    found = (False, -1, -1)  # whether it says something, where it begins and ends
    skip = -1
    for match in BRACE_OR_ESCAPE.finditer(text):
        at = match.start()
        if at == skip:
            continue
        if match[0] == "\\":
            if text.startswith(BOX, at):
                starts.append((at + len(BOX), depth + 1))
            else:
                skip = at + 1
        elif match[0] == "{":
            depth += 1
        elif depth:
            if starts and starts[-1][1] == depth:
                begin, _ = starts.pop()
                says = text[begin:at].strip() not in PLACEHOLDERS
                if (says, begin) > found[:2]:
                    found = (says, begin, at)
            depth -= 1
    if found[1] < 0:
        return None
    return text[slice(*found[1:])].strip() if found[0] else ""


def last_tag(text: str) -> str | None:
    """Content of the last ``<answer>...</answer>``, stripped; None if no such pair is closed."""
    end = text.rfind("</answer>")
    start = text.rfind("<answer>", 0, end) if end >= 0 else -1
    return None if start < 0 else text[start + len("<answer>") : end].strip()


def last_line(text: str) -> str | None:
    """What follows ``Answer:`` on the last line that begins so, or on the next one that is not empty.

    ``Final answer:`` and ``The final answer:`` count, and so does markdown around them. None if there
    is no such line, or nothing after it.
    """
    end = len(text)
    for _ in range(MOST_LINES):
        at = max(text.rfind("nswer", 0, end), text.rfind("NSWER", 0, end))
        if at < 1:
            return None
        end = at
        line_start = text.rfind("\n", 0, at) + 1
        prefix = text[line_start : at - 1]
        colon = AFTER.match(text, at + len("nswer"))
        if (
            colon is None
            or text[at - 1] not in "aA"
            or len(prefix) > LONGEST_PREFIX
            or BEFORE.fullmatch(prefix) is None
        ):
            continue
        rest = text[colon.end() :].lstrip()
        stated = rest.partition("\n")[0].strip()
        if stated in ("\\[", "$$", "\\("):  # a formula on lines of its own
            stated = rest[len(stated) :].lstrip().partition("\n")[0].strip()
        stated = stated.strip("*_`").strip()
        if stated:
            return stated
    return None
