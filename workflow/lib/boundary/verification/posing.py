"""What the problems of a file are judged by, with no more of their tests in memory than it takes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from boundary.data.records import read_records, read_row_group, row_groups_of
from boundary.verification.judge import Posed, pose
from boundary.verification.policy import Policy

KEPT = 2  # problems with tests: samples stand problem by problem


def posed_problems(path: Path, policy: Policy) -> Callable[[str], Posed]:
    """By a problem's identifier, what its responses are judged by. KeyError for another file's."""
    problems = read_records(path, "problem", ["problem_id", "domain", "gold", "meta"])
    if "code" not in set(problems["domain"]):
        posed = {
            problem_id: pose(gold, policy, meta)
            for problem_id, gold, meta in problems[["problem_id", "gold", "meta"]].itertuples(
                index=False
            )
        }
        return posed.__getitem__
    return _Tested(path, policy)


class _Tested:
    """Reads a row group of the file when a problem of it is asked for."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self.path, self.policy = path, policy
        self._group_of = row_groups_of(path, "problem")
        self._kept: OrderedDict[str, Posed] = OrderedDict()

    def __call__(self, problem_id: str) -> Posed:
        if problem_id not in self._kept:
            columns = ["problem_id", "gold", "meta", "tests"]
            group = read_row_group(self.path, self._group_of[problem_id], columns)
            (at,) = group.index[group["problem_id"] == problem_id]
            gold, meta, tests = (group[column].iloc[at] for column in columns[1:])
            self._kept[problem_id] = pose(gold, self.policy, meta, tests)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[problem_id]
