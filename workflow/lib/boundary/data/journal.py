"""An append-only journal of finished samples or scores: what a killed job leaves for its next attempt.

It lies outside the declared outputs of any rule, since Snakemake deletes those of a failed job. One
JSON document a line; the last line may be torn by a crash and is then dropped. Documents are read back
one by one, by their place in the file: a journal may be larger than the memory.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

from boundary.errors import BoundaryError


class Place(NamedTuple):
    """Where a document lies in the journal, in bytes."""

    start: int
    length: int


class Journal:
    """The journal at ``path``, locked for this process while the ``with`` block lasts.

    The first line is a header that says whose journal it is. A journal with another header belongs
    to other settings and is begun anew.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.header = header
        self._file: IO[bytes] | None = None
        self._end = 0  # of what is whole

    def __enter__(self) -> Journal:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open_locked()
        try:
            lines = self._lines()
            first = next(lines, None)
            if first and self._parse(first[1], 1) == self.header:
                self._end = first[0].length
                for place, _ in lines:
                    self._end = place.start + place.length
            self._file.truncate(self._end)
            if self._end == 0:
                self.append([self.header])
        except BaseException:
            self._file.close()
            raise
        return self

    def _open_locked(self) -> IO[bytes]:
        """Wait for the lock, and see that the locked file is still the one at the path."""
        while True:
            file = self.path.open("a+b")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"{self.path}: waiting for another attempt that is at it", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            try:
                if os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                    return file
            except FileNotFoundError:
                pass  # its holder finished and removed it while we waited
            file.close()

    def _lines(self) -> Iterator[tuple[Place, bytes]]:
        """All whole lines, and where they lie."""
        assert self._file is not None
        self._file.seek(0)
        start = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                return
            yield Place(start, len(line)), line
            start += len(line)

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            return json.loads(line)
        except ValueError as error:  # no JSON, or no UTF-8
            raise BoundaryError(
                f"{self.path}, line {number}: not JSON ({error}); the journal was damaged by "
                "something other than a crash: remove the file to make anew what it holds"
            ) from error

    def entries(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """All entries in order, one at a time, and where each lies."""
        for number, (place, line) in enumerate(self._lines(), start=1):
            if number > 1:  # the header
                yield place, self._parse(line, number)

    def append(self, entries: Sequence[dict[str, Any]]) -> list[Place]:
        """Append entries, wait until they are on disk, and tell where they lie.

        Raises OSError where the disk is full; what was on it before stays whole.
        """
        assert self._file is not None
        lines = [(json.dumps(entry, separators=(",", ":")) + "\n").encode() for entry in entries]
        self._file.write(b"".join(lines))
        self._file.flush()
        os.fsync(self._file.fileno())
        places = []
        for line in lines:
            places.append(Place(self._end, len(line)))
            self._end += len(line)
        return places

    def read(self, place: Place) -> dict[str, Any]:
        """The document at a place."""
        assert self._file is not None
        return json.loads(os.pread(self._file.fileno(), place.length, place.start))

    def remove(self) -> None:
        """Remove the journal: its entries are sealed in a shard."""
        self.path.unlink()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._file is not None
        try:
            self._file.close()
        except OSError:
            if error is None:  # a full disk has been told of already
                raise


def read_entries(path: Path, header: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Entries of a journal that another process may be writing; none if its header is another one.

    What is torn ends it: the writer is not done with that, or never will be.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                return
            if entry is None or (number == 0 and entry != header):
                return
            if number:
                yield entry
