"""Loading a benchmark: from the rows of its files to problem records, checked before any is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from boundary.benchmarks.digest import ProblemsDigest
from boundary.benchmarks.formats import MATH, check_of, load_format
from boundary.benchmarks.problem import Problem
from boundary.benchmarks.rows import Row, read_rows
from boundary.benchmarks.selection import is_between, part_positions
from boundary.benchmarks.sources import SourceFile
from boundary.data.provenance import file_digest
from boundary.errors import BoundaryError
from boundary.progress import progress_bar

COLUMNS = ["problem_id", "domain", "question", "gold", "tests", "images", "meta"]
SETTINGS = ("tolerance", "unit", "several")  # keys of `fields` that rows need not have
RECORDS_AT_ONCE = 4096
BYTES_AT_ONCE = 32 * 2**20
REFUSE, LEAVE_OUT = "refuse", "leave_out"  # of a problem with a bad image


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of a benchmark, its source aside; keys as in config/benchmarks.yaml."""

    name: str
    format: str = MATH
    fields: Mapping[str, Any] = field(default_factory=dict)
    between: tuple[date, date] | None = None
    part: Mapping[str, Any] | None = None
    rows: int | None = None
    sha256: str | None = None
    bad_images: str = REFUSE
    without: tuple[str, ...] = ()


class BenchmarkLoader:
    """Problem records of ``files``, in their order, as ``entry`` says."""

    def __init__(self, files: Sequence[SourceFile], entry: Entry) -> None:
        self._files, self._entry = files, entry
        self._domain, self._read_problem = load_format(entry.format, entry.fields)
        self._check_problem = check_of(entry.format)
        self._digest, self._loaded = ProblemsDigest(), 0
        self.left_out: dict[str, str] = {}  # why, by identifier

    def groups(self) -> Iterator[pd.DataFrame]:
        """Yield the records, some at a time, to be written one group after the other.

        Raises BoundaryError naming the entry, the file and the row that cannot be read as a problem, or
        the problem whose image is none; and after the last row, where the problems are not as many as the
        entry says, or others.
        """
        group: list[tuple[Any, ...]] = []
        size = 0
        with progress_bar(self._entry.rows or 0, f"reading {self._entry.name}", "problem") as bar:
            for problem in self._kept():
                self._loaded += 1
                self._digest.update(problem, self._domain)
                group.append(self._record(problem))
                size += _bytes(group[-1])
                bar.update()
                if len(group) == RECORDS_AT_ONCE or size > BYTES_AT_ONCE:
                    yield pd.DataFrame(group, columns=COLUMNS)
                    group, size = [], 0
        self._check()
        if group:
            yield pd.DataFrame(group, columns=COLUMNS)

    def provenance(self) -> dict[str, Any]:
        """What was read, how, and the digest of the problems, once all groups are drawn."""
        how = {
            "format": self._entry.format,
            "fields": dict(self._entry.fields),
            "between": [day.isoformat() for day in self._entry.between or ()],
            "part": self._entry.part,
            "left_out": self.left_out,
        }
        return {
            "files": {file.name: file_digest(file.path) for file in self._files},
            **{key: value for key, value in how.items() if value},
            "problems_sha256": self._digest.hexdigest(),
        }

    @property
    def pins(self) -> str:
        """Lines that pin in the catalogue what was loaded; empty where the entry has them."""
        if self._entry.rows is not None and self._entry.sha256 is not None:
            return ""
        return f"  rows: {self._loaded}\n  sha256: {self._digest.hexdigest()}"

    def _record(self, problem: Problem) -> tuple[Any, ...]:
        return (
            problem.problem_id,
            self._domain,
            problem.question,
            json.dumps(problem.gold),
            None if problem.tests is None else json.dumps(problem.tests),
            problem.images,
            json.dumps(problem.meta),
        )

    def _check(self) -> None:
        """See that the problems are as many as the entry says, and those."""
        entry, place = self._entry, self._place()
        if entry.rows is not None and self._loaded != entry.rows:
            raise BoundaryError(
                f"{place}: found {self._loaded} problems; expected {entry.rows}, which `rows` says. The "
                "file is another, or `format`, `between` or `part` chooses others, or others are left out "
                f"({len(self.left_out)} are): correct which it is"
            )
        if not self._loaded:
            raise BoundaryError(
                f"{place} holds no problem; is it of the format {entry.format}, and whole?"
            )
        found = self._digest.hexdigest()
        if entry.sha256 is not None and found != entry.sha256:
            raise BoundaryError(
                f"{place}: found problems with the sha256 {found}; expected {entry.sha256}. The file has "
                "changed since it was pinned, or `fields` reads other keys of it; if these are the "
                f"problems that you want, write sha256: {found}"
            )

    def _place(self) -> str:
        more = f" and {len(self._files) - 1} more" if len(self._files) > 1 else ""
        return f"benchmark {self._entry.name}: {self._files[0].name}{more}"

    def _kept(self) -> Iterator[Problem]:
        """The chosen problems but those that are left out, by name or for a bad image."""
        named = set(self._entry.without)
        for place, problem in self._chosen():
            if problem.problem_id in named:
                named.remove(problem.problem_id)
                self.left_out[problem.problem_id] = "named under `without`"
                continue
            try:
                self._check_problem(problem)
            except BoundaryError as error:
                if self._entry.bad_images == LEAVE_OUT:
                    self.left_out[problem.problem_id] = str(error)
                    continue
                raise BoundaryError(
                    f"{place}: problem {problem.problem_id}: {error}. Or leave out all such problems, "
                    "`bad_images: leave_out`, or this one, `without`"
                ) from error
            yield problem
        if named:
            raise BoundaryError(
                f"{self._place()}: `without` names {', '.join(map(repr, sorted(named)))}, which is the "
                "identifier of no problem in it; correct it"
            )

    def _chosen(self) -> Iterator[tuple[str, Problem]]:
        """The problems in the window and in the part, with their places."""
        window, part = self._entry.between, self._entry.part
        positions = part_positions(**part) if part else frozenset()
        count = 0
        for place, problem in self._problems():
            if window and not is_between(problem, *window, place):
                continue
            if not part or count in positions:
                yield place, problem
            count += 1
        if part and count != sum(part["sizes"].values()):
            raise BoundaryError(
                f"{self._place()}: found {count} problems to split; expected "
                f"{sum(part['sizes'].values())}, the sum of `part.sizes`; correct the sizes in the entry "
                "of every part"
            )

    def _problems(self) -> Iterator[tuple[str, Problem]]:
        """All problems of the files with their places, numbered where they have no identifier."""
        seen: dict[str, str] = {}
        for place, row in self._rows():
            problem = self._read_problem(row, place)
            if problem is None:
                continue
            if not problem.problem_id:
                problem = replace(problem, problem_id=f"{self._entry.name}/{len(seen):04d}")
            if problem.problem_id in seen:
                raise BoundaryError(
                    f"{place}: the identifier {problem.problem_id!r} stands in "
                    f"{seen[problem.problem_id]}, too; every problem needs its own"
                )
            seen[problem.problem_id] = place.removeprefix(f"benchmark {self._entry.name}: ")
            yield place, problem

    def _rows(self) -> Iterator[tuple[str, Row]]:
        """All rows of the files; a key for own settings that none of them has is a mistake."""
        absent = {key: self._entry.fields.get(key) for key in SETTINGS if key in self._entry.fields}
        keys = ""
        for file in self._files:
            for place, row in read_rows(file.path, f"benchmark {self._entry.name}: {file.name}"):
                absent = {setting: key for setting, key in absent.items() if key not in row}
                keys = keys or ", ".join(row)
                yield place, row
        if absent and keys:
            setting, key = next(iter(absent.items()))
            raise BoundaryError(
                f"{self._place()} has no row with the key {key!r}, which `fields` names as that of the "
                f"{setting}; the keys of the first are {keys}"
            )


def _bytes(record: tuple[Any, ...]) -> int:
    images = record[COLUMNS.index("images")] or ()
    return sum(len(part) for part in record if isinstance(part, str)) + sum(map(len, images))
