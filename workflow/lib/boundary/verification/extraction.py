r"""Where a response states its final answer: a box, an answer tag, or a line that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from boundary.verification.boxes import last_box
from boundary.verification.policy import Place

# What may stand before "Answer:" on its line: markdown, "Final", "The final".
BEFORE = re.compile(r"[\s>*_#`-]{0,20}(?:the\s)?(?:final\s)?", re.IGNORECASE)
AFTER = re.compile(r"[*_`]{0,4}\s?[:：][*_`]{0,4}")
MOST_LINES = 200  # lines that mention an answer are looked at from the last on, and no more of them
LONGEST_PREFIX = 40
END_OF_THOUGHT = "</think>"


class Found(NamedTuple):
    """An answer as it stands in a response, and where it stood."""

    answer: str
    where: str


def find_answer(text: str, places: Sequence[Place]) -> Found | None:
    """The answer of the first of ``places`` at which ``text`` has one.

    Behind the end of a thought, what stands before it does not count: it weighs answers, and gives none.
    Where nothing but white space stands behind it, all of the text counts.
    """
    _, _, behind = text.rpartition(END_OF_THOUGHT)
    text = behind if behind.strip() else text
    finders = {"box": last_box, "tag": last_tag, "line": last_line}
    for place in places:
        answer = finders[place](text)
        if answer is not None:
            return Found(answer, place)
    return None


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
