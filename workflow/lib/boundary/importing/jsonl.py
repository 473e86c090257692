"""Texts alone, for whoever samples with a program of their own: JSON lines, a response a line.

The shape is this project's: ``problem_id`` (a text or an integer), ``text`` (the whole response), and
where it is known ``finish_reason`` (stop, length or error). A problem's lines may stand anywhere; their
order is that of its samples. Nothing in it is judged: `boundary verify` does that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from boundary.importing.json_text import identifier, read_json_lines, required, text
from boundary.importing.responses import Responses, finish_reason


def read(path: Path) -> Iterator[Responses]:
    """The responses to each problem. Raises BoundaryError naming the line that is not as described."""
    found: dict[str, tuple[str, list[str], list[str]]] = {}
    for place, record in read_json_lines(path):
        problem = identifier(required(record, "problem_id", place), "problem_id", place)
        _, texts, ends = found.setdefault(problem, (place, [], []))
        texts.append(text(required(record, "text", place), "text", place))
        ends.append(finish_reason(record.get("finish_reason"), "finish_reason", place))
    for problem, (place, texts, ends) in found.items():
        yield Responses(place, problem, None, texts, [None] * len(texts), ends)
