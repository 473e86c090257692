"""What was decided before: shared by all jobs of a benchmark, and safe from a crash.

Real answers repeat, within a shard, across shards and across models. Each job appends what its workers
decided to a journal of its own, in a folder that all of them read. What is decided cheaply is not written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boundary.data.journal import Journal, read_entries
from boundary.verification.verdict import Decision

FLUSH_SECONDS = 2.0
SHOWN = 200  # characters of a gold and of an answer in the journal, for people who read it


class Memo:
    """Decisions by key. Without a journal, they last as long as the process."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._known: dict[bytes, Decision] = {}
        self._journal = journal
        self._pending: list[dict[str, Any]] = []
        self._flushed = time.monotonic()

    def get(self, key: bytes) -> Decision | None:
        """The decision, if there is one."""
        return self._known.get(key)

    def __getitem__(self, key: bytes) -> Decision:
        """The decision. Raises KeyError if there is none."""
        return self._known[key]

    def put(self, key: bytes, decision: Decision) -> None:
        """Keep a decision that cost nothing, for this process."""
        self._known[key] = decision

    def put_dear(self, key: bytes, decision: Decision, gold: tuple[str, ...], answer: str) -> None:
        """Keep a decision for all processes; it is on disk some seconds later."""
        self._known[key] = decision
        if self._journal is not None:
            shown = {"gold": [text[:SHOWN] for text in gold], "answer": answer[:SHOWN]}
            self._pending.append({"key": key.hex(), "decision": decision, **shown})
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        if self._journal is not None and self._pending:
            self._journal.append(self._pending)
        self._pending = []
        self._flushed = time.monotonic()

    def load(self, path: Path, header: dict[str, Any]) -> None:
        """Take over what a journal with this header holds."""
        for entry in read_entries(path, header):
            self._known.setdefault(bytes.fromhex(entry["key"]), Decision(*entry["decision"]))


@contextmanager
def shared_memo(folder: Path, name: str, header: dict[str, Any]) -> Iterator[Memo]:
    """The memo of a folder's journals with this ``header``, writing to the journal ``name``."""
    with Journal(folder / f"{name}.jsonl", header) as journal:
        memo = Memo(journal)
        for path in sorted(folder.glob("*.jsonl")):
            memo.load(path, header)
        try:
            yield memo
        finally:
            memo.flush()
