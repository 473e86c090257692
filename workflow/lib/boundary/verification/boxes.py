r"""The last ``\boxed{}`` of a text: where responses and published solutions state their answer."""

from __future__ import annotations

import re

BOX = "\\boxed{"
BRACE_OR_ESCAPE = re.compile(r"[{}\\]")
# What an instruction that is repeated has in its box.
PLACEHOLDERS = frozenset(
    form.format(text)
    for text in ("", "...", "answer", "Answer", "ANSWER", "your answer", "final answer")
    for form in ("{}", "\\text{{{}}}")
) | {"\\ldots", "\\dots", "\\cdots"}
MOST_EMPTY = 20  # boxes that are looked at from the last on, before all are


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
