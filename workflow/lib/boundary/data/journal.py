"""An append-only journal of finished samples: what a killed job leaves for its next attempt.

It lies outside the declared outputs of any rule, since Snakemake deletes those of a failed job. One
JSON document a line; the last line may be torn by a crash and is then dropped.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from boundary.errors import BoundaryError


class Journal:
    """The journal at ``path``, locked for this process while the ``with`` block lasts.

    The first line is a header that says whose journal it is. A journal with another header belongs
    to other settings and is begun anew.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.header = header
        self.entries: list[dict[str, Any]] = []
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Journal:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open_locked()
        documents, whole = self._read()
        if documents[:1] == [self.header]:
            self.entries = documents[1:]
        else:
            whole = 0
        self._file.truncate(whole)
        self._file.seek(whole)
        if whole == 0:
            self.append([self.header])
        return self

    def _open_locked(self) -> IO[bytes]:
        """Wait for the lock, and see that the locked file is still the one at the path."""
        while True:
            file = self.path.open("a+b")
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                if os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                    return file
            except FileNotFoundError:
                pass  # its holder finished and removed it while we waited
            file.close()

    def _read(self) -> tuple[list[dict[str, Any]], int]:
        """The whole lines' documents and how many bytes they fill."""
        assert self._file is not None
        self._file.seek(0)
        documents, whole = [], 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                documents.append(json.loads(line))
            except ValueError as error:  # no JSON, or no UTF-8
                raise BoundaryError(
                    f"{self.path}, line {number}: not JSON ({error}); the journal was damaged by "
                    "something other than a crash: remove the file to sample this shard anew"
                ) from error
            whole += len(line)
        return documents, whole

    def append(self, entries: Iterable[dict[str, Any]]) -> None:
        """Append entries and wait until they are on disk."""
        assert self._file is not None
        lines = [json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries]
        self._file.write("".join(lines).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

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
        self._file.close()
