"""Samples of lm-evaluation-harness: ``samples_TASK_DATE.jsonl``, which --log_samples writes.

The shape is that of EleutherAI/lm-evaluation-harness 0.4: a line for every document and filter, with
``doc_id`` (counted from 0), ``doc``, ``target``, ``arguments``, ``resps`` (a list for every request, of
the texts of its repeats), ``filtered_resps``, ``doc_hash``, ``prompt_hash``, ``target_hash``, one key
for each metric, and since 0.4.5 ``filter`` and ``metrics`` (the metrics' names).

A metric judges a document, not a response: with one response it is that response's verdict, with
several it is not, and the responses are not judged. ``bypass``, which --predict_only writes, is no
metric. How a response ended is not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boundary.errors import BoundaryError, unknown_name
from boundary.importing.json_text import (
    as_list,
    clean,
    identifier,
    read_json_lines,
    required,
    text,
    text_list,
    verdict,
)
from boundary.importing.responses import Responses

NO_METRICS = {
    "doc_id",
    "doc",
    "target",
    "arguments",
    "resps",
    "filtered_resps",
    "filter",
    "metrics",
    "doc_hash",
    "prompt_hash",
    "target_hash",
    "bypass",
}
QUESTIONS = ("question", "problem")  # the keys of a document that tasks of mathematics have


def read(path: Path, choice: str | None = None) -> Iterator[Responses]:
    """The responses to each document, judged by the metric and filter that are the ``choice``.

    That is the name of a filter or, where it has several metrics, "metric,filter", as the harness's
    tables write it; it may be left out where there is one of each.

    Raises BoundaryError naming the line that is not as described, the verdicts that there are to choose
    from, or that answers were ranked by likelihood instead of sampled.
    """
    chosen, metric = _choose(path, choice)
    for place, record in read_json_lines(path):
        if _filter(record, place) != chosen:
            continue
        texts = _texts(record, place)
        verdicts: list[bool | None] = [None] * len(texts)
        if metric is not None and len(texts) == 1:
            verdicts = [verdict(required(record, metric, place), metric, place)]
        problem = identifier(required(record, "doc_id", place), "doc_id", place)
        ends = ["unknown"] * len(texts)
        yield Responses(place, problem, _question(record), texts, verdicts, ends)


def _choose(path: Path, choice: str | None) -> tuple[str, str | None]:
    """The filter and the metric to import. A file without a metric has responses alone."""
    found: dict[str, tuple[str, str | None]] = {}
    for place, record in read_json_lines(path):
        for key in ("doc_id", "resps"):
            required(record, key, place)
        name = _filter(record, place)
        for metric in _metrics(record, place) or (None,):
            found[name if metric is None else f"{metric},{name}"] = name, metric
    if not found:
        raise BoundaryError(f"{path}: holds no response")
    names = {*found, *(name for name, _ in found.values())}
    if choice is not None and choice not in names:
        raise BoundaryError(f"{path}: {unknown_name('filter', choice, names)}")
    left = [key for key, (name, _) in found.items() if choice in (None, key, name)]
    if len(left) > 1:
        raise BoundaryError(
            f"{path}: has several verdicts on the same responses; choose one with --filter: "
            f"{', '.join(left)}"
        )
    return found[left[0]]


def _filter(record: dict[str, Any], place: str) -> str:
    return text(record.get("filter", "none"), "filter", place)


def _metrics(record: dict[str, Any], place: str) -> list[str]:
    """The names of a line's metrics; before they were listed they were what is no other key."""
    listed = record.get("metrics", [key for key in record if key not in NO_METRICS])
    return [name for name in text_list(listed, "metrics", place) if name not in NO_METRICS]


def _texts(record: dict[str, Any], place: str) -> list[str]:
    requests = as_list(required(record, "resps", place), "resps", place)
    sampled = len(requests) == 1 and isinstance(requests[0], list)
    if not sampled or not all(isinstance(one, str) for one in requests[0]):
        raise BoundaryError(
            f"{place}: 'resps' holds no texts of one request: answers that were ranked by their "
            "likelihood are not samples. Import a task whose output_type is generate_until"
        )
    return [clean(one) for one in requests[0]]


def _question(record: dict[str, Any]) -> str | None:
    document = record.get("doc")
    if isinstance(document, dict):
        for key in QUESTIONS:
            if isinstance(document.get(key), str):
                return clean(document[key])
    return None
