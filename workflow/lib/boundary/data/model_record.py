"""A model's record (model.json): where it is, and which weights they are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from boundary.data.atomic import write_json
from boundary.data.endpoint import Endpoint
from boundary.errors import BoundaryError


@dataclass(frozen=True)
class ModelRecord:
    """A model, ready to be sampled: a checkpoint's folder, or an endpoint.

    ``revision`` names the weights: a commit, a digest, or the endpoint's model.
    """

    name: str
    revision: str
    folder: Path | None = None
    endpoint: Endpoint | None = None

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's folder. Raises BoundaryError for a model behind an endpoint."""
        if self.folder is None:
            raise BoundaryError(f"{self.name}: it is behind an endpoint and has no checkpoint here")
        return self.folder


def write_model_record(path: Path, record: ModelRecord) -> None:
    """Write the record; a checkpoint beside it is named relative to it, so that both can move."""
    document: dict[str, Any] = {"name": record.name, "revision": record.revision}
    if record.endpoint is not None:
        document["endpoint"] = asdict(record.endpoint)
    else:
        checkpoint, folder = record.checkpoint.resolve(), path.parent.resolve()
        inside = checkpoint.is_relative_to(folder)
        document["checkpoint"] = str(checkpoint.relative_to(folder) if inside else checkpoint)
    write_json(path, document)


def read_model_record(path: Path) -> ModelRecord:
    """Read a model.json."""
    try:
        document = json.loads(path.read_text())
        name, revision = document["name"], document["revision"]
        if "endpoint" in document:
            return ModelRecord(name, revision, endpoint=Endpoint(**document["endpoint"]))
        return ModelRecord(name, revision, folder=path.parent / document["checkpoint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BoundaryError(
            f"{path}: not a model record ({error!r}); `boundary models` writes one"
        ) from error
