"""Which part of a response is its program: the code that goes on in an opened block, or the last block."""

from __future__ import annotations

import re
from typing import NamedTuple

from boundary.verification.extraction import END_OF_THOUGHT, Found

# Possessive, so that a long line which is no fence is read once.
FENCE = re.compile(r"^ {0,3}```++[ \t]*+([\w+.-]*+)[^\n`]*+$", re.MULTILINE)
CODE_LINE = re.compile(
    r"^(?:(?:async\s+)?(?:def|class|import|from|for|while|if|with|try|return)\b.*"
    r"|[A-Za-z_][\w\[\]., ]*[-+*/%|&^]?=[^=].*|[A-Za-z_][\w.]*\(.*)$",
    re.MULTILINE,
)


class Fence(NamedTuple):
    """A line of backticks: where it begins and ends, and the language that it names."""

    start: int
    end: int
    language: str


def find_program(text: str) -> Found | None:
    """The program of a response, and where it stood; None if there is no code.

    ``continuation``: prompts may end in an opened block of code (PAPER figs. 24 and 25), in which the
    response goes on; that is code before a fence which closes what the response never opened. ``fence``:
    else the last block that is closed, as LiveCodeBench's own extraction has it. ``open fence``: else what
    follows the last fence, to the end. ``whole``: a response without any fence, if lines of it look like
    code. What stands before the end of a thought does not count.
    """
    text = text.replace("\r\n", "\n")
    thought_ends = text.rfind(END_OF_THOUGHT)
    if thought_ends >= 0:
        text = text[thought_ends + len(END_OF_THOUGHT) :]
    fences = [Fence(match.start(), match.end(), match[1]) for match in FENCE.finditer(text)]
    if not fences:
        return Found(_trimmed(text), "whole") if CODE_LINE.search(text) else None
    before = text[: fences[0].start]
    if _closes_the_prompts_block(fences) and CODE_LINE.search(before):
        return Found(_trimmed(before), "continuation")
    return _last_block(text, fences)


def _closes_the_prompts_block(fences: list[Fence]) -> bool:
    if fences[0].language:
        return False
    return len(fences) % 2 == 1 or bool(fences[1].language)


def _last_block(text: str, fences: list[Fence]) -> Found | None:
    """Of closed blocks the last that is not empty; else what the last fence opens."""
    found, opener = None, None
    for fence in fences:
        if opener is None or fence.language:
            opener = fence
            continue
        content = text[opener.end : fence.start]
        if content.strip():
            found = Found(_trimmed(content), "fence")
        opener = None
    if found is None and opener is not None and text[opener.end :].strip():
        return Found(_trimmed(text[opener.end :]), "open fence")
    return found


def _trimmed(code: str) -> str:
    """Code without blank lines around it: what makes no other program of it."""
    lines = code.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[filled[0] : filled[-1] + 1]) if filled else ""
