"""Whether shards of samples are of one cell: one model, asked the same in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boundary.errors import BoundaryError

# Of a shard's identity all but its number.
CELL_KEYS = (
    "model_revision",
    "benchmark",
    "protocol",
    "questions_sha256",
    "template_sha256",
    "sampling",
    "dtype",
    "max_model_len",
    "seed",
    "shard_size",
    "min_pixels",
    "max_pixels",
)


def check_one_cell(drawn: Mapping[Path, Mapping[str, Any]]) -> None:
    """See that all shards were drawn from one model, one template and one way of sampling.

    ``drawn`` is the samples' provenance by file. Raises BoundaryError naming the file that differs.
    """
    (first, expected), *others = drawn.items()
    for path, found in others:
        for key in CELL_KEYS:
            if found.get(key) != expected.get(key):
                raise BoundaryError(
                    f"{path}: its samples have {key} {found.get(key)!r} and those of {first} "
                    f"{expected.get(key)!r}; remove the cell's shards to draw them from one model"
                )
