"""The folder of a training with VeRL that is under way, from which it goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boundary.data.atomic import write_json
from boundary.errors import BoundaryError


class KeptRun:
    """What a training leaves in the folder ``keep``, the model's own, until its record is written.

    ``identity`` is everything that decides what the training makes.
    """

    def __init__(self, keep: Path, identity: Mapping[str, Any]) -> None:
        self.folder = keep.resolve()
        self.identity = json.loads(json.dumps(identity))
        self.identity_file = self.folder / "identity.json"
        self.prompts = self.folder / "prompts.parquet"
        self.checkpoints = self.folder / "checkpoints"
        self.exported = self.folder / "exported"
        self._logs = self.folder / "logs"

    def check(self) -> None:
        """Raises BoundaryError if what is kept is of another training: GPU hours may be in it."""
        if not self.identity_file.exists():
            return
        kept = json.loads(self.identity_file.read_text())
        changed = [
            key for key in {**kept, **self.identity} if kept.get(key) != self.identity.get(key)
        ]
        if changed:
            raise BoundaryError(
                f"{self.folder}: a training of another configuration is kept here (of another "
                f"{', '.join(changed)}; {self.identity_file.name} holds what it was). Restore that, or "
                "remove the folder to train from the beginning; to go on from it all the same, remove "
                f"{self.identity_file.name} alone"
            )

    def begin(self) -> None:
        """Make the folder this training's."""
        write_json(self.identity_file, self.identity)

    @property
    def logs(self) -> list[Path]:
        """VeRL's logs, one of each attempt, in their order."""
        return sorted(self._logs.glob("*.jsonl"))

    def new_log(self) -> Path:
        """Where the next attempt logs: VeRL begins its log anew each time."""
        self._logs.mkdir(parents=True, exist_ok=True)
        return self._logs / f"{len(self.logs):04d}.jsonl"

    def remove(self) -> None:
        """Forget it: this training is done."""
        shutil.rmtree(self.folder, ignore_errors=True)
