"""A model's record (model.json): where its checkpoint lies and which weights they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from boundary.data.atomic import write_json
from boundary.data.provenance import file_digest, text_digest
from boundary.errors import BoundaryError

CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


class ModelRecord(NamedTuple):
    """A model, ready to be loaded. ``revision`` names the weights: a commit or a digest."""

    name: str
    checkpoint: Path
    revision: str


def checkpoint_digest(checkpoint: Path) -> str:
    """Digest of a checkpoint folder's weights, configuration and tokenizer.

    Raises BoundaryError if the folder is missing or incomplete.
    """
    check_checkpoint(checkpoint)
    files = sorted({file for pattern in CHECKPOINT_FILES for file in checkpoint.glob(pattern)})
    return text_digest("\n".join(f"{file.name} {file_digest(file)}" for file in files))


def check_checkpoint(checkpoint: Path) -> None:
    """See that a folder is there and holds configuration, tokenizer and weights.

    Raises BoundaryError naming what is missing.
    """
    if not checkpoint.is_dir():
        raise BoundaryError(f"{checkpoint}: there is no such folder; correct the model's path")
    for pattern in ("config.json", "tokenizer*", "*.safetensors"):
        if not any(checkpoint.glob(pattern)):
            raise BoundaryError(
                f"{checkpoint}: no {pattern} in it; a checkpoint is a folder in Hugging Face format "
                "with config.json, the tokenizer's files and .safetensors weights"
            )


def download_checkpoint(identifier: str, revision: str) -> Path:
    """Fetch a model of the Hugging Face hub, or find it in the local cache; return its folder.

    Raises BoundaryError where the hub, the model or its revision cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        folder = Path(
            snapshot_download(identifier, revision=revision, allow_patterns=list(CHECKPOINT_FILES))
        )
    except GatedRepoError as error:
        raise BoundaryError(
            f"{identifier}: access is granted by its owners; ask for it on its page on the hub and set "
            "HF_TOKEN to a token of yours"
        ) from error
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BoundaryError(
            f"{identifier} at {revision}: cannot be fetched ({type(error).__name__}); check identifier, "
            "revision and network, or give a local folder as `path`"
        ) from error
    check_checkpoint(folder)
    return folder


def write_model_record(path: Path, record: ModelRecord) -> None:
    """Write the record; a checkpoint beside it is named relative to it, so that both can move."""
    checkpoint, folder = record.checkpoint.resolve(), path.parent.resolve()
    inside = checkpoint.is_relative_to(folder)
    write_json(
        path,
        {
            "name": record.name,
            "checkpoint": str(checkpoint.relative_to(folder) if inside else checkpoint),
            "revision": record.revision,
        },
    )


def read_model_record(path: Path) -> ModelRecord:
    """Read a model.json."""
    try:
        document = json.loads(path.read_text())
        return ModelRecord(
            document["name"], path.parent / document["checkpoint"], document["revision"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BoundaryError(
            f"{path}: not a model record ({error!r}); `boundary models` writes one"
        ) from error
