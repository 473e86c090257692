"""A model's record (model.json): where it is, and which weights they are."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from boundary.data.atomic import write_json
from boundary.data.provenance import file_digest, text_digest
from boundary.errors import BoundaryError

CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
MAX_HEADER = 100_000_000  # the format's own limit, in bytes


@dataclass(frozen=True)
class Endpoint:
    """Where a model is served; the keys of `endpoint` in config/models.yaml, which describes them."""

    url: str
    model: str
    api: Literal["completions", "chat"] = "completions"
    key_variable: str | None = None
    concurrency: int = 16
    timeout: float = 3600
    send_seed: bool = True

    @property
    def revision(self) -> str:
        """All that can be known of weights that others hold."""
        return f"{self.model} at {self.url}"


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


def read_endpoint(entry: dict[str, Any]) -> Endpoint:
    """The endpoint of an entry of the catalogue. Raises BoundaryError for one that holds a secret."""
    try:
        endpoint = Endpoint(**entry)
    except TypeError as error:
        raise BoundaryError(
            f"endpoint: {error}; expected {', '.join(field.name for field in fields(Endpoint))}"
        ) from error
    parts = urlsplit(endpoint.url)
    if parts.username or parts.password or parts.query:
        raise BoundaryError(
            "endpoint.url: a user name, a password or a query in it would be in every record; name an "
            "environment variable that holds the key as key_variable"
        )
    return endpoint


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
        listed |= set(json.loads(index.read_text())["weight_map"].values())
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
