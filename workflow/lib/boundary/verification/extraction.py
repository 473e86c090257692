r"""Finding the final answer in a response."""

from __future__ import annotations

BOX = "\\boxed{"


def last_box(text: str) -> str | None:
    r"""Content of the last ``\boxed{...}`` whose braces balance, stripped; None if there is none.

    Escaped braces (``\{``) are content. One pass over the text, whatever it holds.
    """
    starts: list[tuple[int, int]] = []  # (where a box's content begins, depth of its brace)
    depth = 0
    found: tuple[int, int] | None = None
    at = 0
    while at < len(text):
        if text.startswith(BOX, at):
            depth += 1
            at += len(BOX)
            starts.append((at, depth))
            continue
        character = text[at]
        if character == "\\":
            at += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}" and depth:
            if starts and starts[-1][1] == depth:
                begin, _ = starts.pop()
                if found is None or begin > found[0]:
                    found = (begin, at)
            depth -= 1
        at += 1
    return None if found is None else text[slice(*found)].strip()
