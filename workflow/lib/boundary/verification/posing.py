"""What the problems of a file are judged by, with no more of their tests in memory than it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from boundary.data.records import read_records, read_row_group, row_groups_of
from boundary.verification.judge import Posed, pose
from boundary.verification.policy import Policy


def posed_problems(path: Path, domain: str, policy: Policy) -> Callable[[str], Posed]:
    """By a problem's identifier, what its responses are judged by. KeyError for another file's."""
    if domain == "code":
        return _Tested(path, policy)
    rows = read_records(path, "problem", ["problem_id", "gold", "meta"]).itertuples(index=False)
    posed = {problem_id: pose(gold, policy, meta) for problem_id, gold, meta in rows}
    return posed.__getitem__


class _Tested:
    """Keeps one row group of the file, read when a problem of it is asked for: they come in order."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self.path, self.policy = path, policy
        self._group_of = row_groups_of(path, "problem")
        self._kept: int | None = None
        self._rows: dict[str, tuple[Any, ...]] = {}

    def __call__(self, problem_id: str) -> Posed:
        group = self._group_of[problem_id]
        if group != self._kept:
            columns = ["problem_id", "gold", "meta", "tests"]
            rows = read_row_group(self.path, group, columns)
            self._rows = {name: tuple(rest) for name, *rest in rows.itertuples(index=False)}
            self._kept = group
        gold, meta, tests = self._rows[problem_id]
        return pose(gold, self.policy, meta, tests)
