"""A checkpoint: a folder in Hugging Face format, whole, named by a digest, or fetched from the hub."""

from __future__ import annotations

import json
import math
from pathlib import Path

from boundary.data.hub import download_snapshot
from boundary.data.provenance import file_digest, text_digest
from boundary.errors import BoundaryError

CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
MAX_HEADER = 100_000_000  # the format's own limit, in bytes


def checkpoint_digest(checkpoint: Path) -> str:
    """Digest of a checkpoint folder's weights, configuration and tokenizer.

    Raises BoundaryError if the folder is missing or incomplete.
    """
    check_checkpoint(checkpoint)
    files = sorted({file for pattern in CHECKPOINT_FILES for file in checkpoint.glob(pattern)})
    return text_digest("\n".join(f"{file.name} {file_digest(file)}" for file in files))


def check_checkpoint(checkpoint: Path) -> None:
    """See that a folder is there and holds configuration, tokenizer and whole weights.

    Raises BoundaryError naming what is missing or cut short.
    """
    if not checkpoint.is_dir():
        raise BoundaryError(f"{checkpoint}: there is no such folder; correct the model's path")
    for pattern in ("config.json", "tokenizer*", "*.safetensors"):
        if not any(checkpoint.glob(pattern)):
            raise BoundaryError(
                f"{checkpoint}: no {pattern} in it; a checkpoint is a folder in Hugging Face format "
                "with config.json, the tokenizer's files and .safetensors weights"
            )
    listed: set[str] = set()
    for index in checkpoint.glob("*.safetensors.index.json"):
        try:
            listed |= set(json.loads(index.read_text())["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BoundaryError(f"{index}: cut short or damaged; download it again") from error
    missing = sorted(name for name in listed if not (checkpoint / name).is_file())
    if missing:
        raise BoundaryError(
            f"{checkpoint}: {len(missing)} of {len(listed)} weight files are missing, {missing[0]} the "
            "first; finish the download"
        )
    for weights in sorted(checkpoint.glob("*.safetensors")):
        _check_weights(weights)


def _check_weights(file: Path) -> None:
    """A safetensors file is 8 bytes, the length of the header; the header; and what that lists."""
    try:
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(min(length, MAX_HEADER)))
        ends = [
            entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        ends = [math.inf]
    if file.stat().st_size < 8 + length + max(ends, default=0):
        raise BoundaryError(f"{file}: cut short or damaged; download or copy it again")


def download_checkpoint(identifier: str, revision: str) -> Path:
    """Fetch a model of the Hugging Face hub, or find it in the local cache; return its folder.

    Raises BoundaryError where the hub, the model or its revision cannot be reached.
    """
    folder = download_snapshot(
        identifier, revision, CHECKPOINT_FILES, "model", "give a local folder as `path`"
    )
    check_checkpoint(folder)
    return folder
