"""Problems from a JSON lines file: other people's benchmarks and one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from boundary.errors import BoundaryError


def load_problem_file(
    path: Path,
    name: str,
    question: str = "question",
    gold: str = "answer",
    problem_id: str | None = None,
) -> pd.DataFrame:
    """Problem records from ``path`` (.jsonl or .jsonl.gz); the arguments name the keys of a line.

    Without a ``problem_id`` key, problems are numbered. Raises BoundaryError naming the line where a
    key is missing or empty, or an identifier stands twice.
    """
    try:
        lines = pd.read_json(path, lines=True, dtype=False)
    except (OSError, ValueError) as error:
        raise BoundaryError(
            f"benchmark {name}: {path} cannot be read as JSON lines: {error}"
        ) from error
    if lines.empty:
        raise BoundaryError(f"benchmark {name}: {path} holds no problem")
    for key in (question, gold, *([problem_id] if problem_id else [])):
        if key not in lines:
            raise BoundaryError(
                f"benchmark {name}: no line of {path} has the key {key!r}; its keys are "
                f"{', '.join(map(str, lines.columns))}. Say under `fields` which to read"
            )
        empty = lines.index[lines[key].isna() | lines[key].astype(str).str.strip().eq("")]
        if len(empty):
            raise BoundaryError(f"benchmark {name}: {path}, line {empty[0] + 1}: {key!r} is empty")
    ids = (
        lines[problem_id].astype(str)
        if problem_id
        else pd.Series([f"{name}/{number:04d}" for number in range(len(lines))])
    )
    if ids.duplicated().any():
        at = ids.index[ids.duplicated()][0]
        raise BoundaryError(
            f"benchmark {name}: {path}, line {at + 1}: the identifier {ids[at]!r} stands twice"
        )
    return pd.DataFrame(
        {
            "problem_id": ids,
            "domain": "math",
            "question": lines[question].astype(str),
            "gold": [json.dumps(str(value)) for value in lines[gold]],
            "meta": "{}",
        }
    )
