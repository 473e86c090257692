"""Where a file came from: versions, host, time, inputs."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boundary

if TYPE_CHECKING:
    import pandas as pd

READ_SIZE = 1 << 20
QUESTION_COLUMNS = ["problem_id", "question", "images"]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(READ_SIZE):
            digest.update(block)
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def questions_digest(problems: pd.DataFrame) -> str:
    """Digest of what a model is shown of a benchmark: its records' ``QUESTION_COLUMNS``.

    Golds do not count, so that a corrected one judges the samples anew and draws none.
    """
    shown: list[list[Any]] = [list(problems["problem_id"]), list(problems["question"])]
    if problems["images"].notna().any():  # only then, so that texts keep the digests they had
        shown.append(
            [[hashlib.sha256(image).hexdigest() for image in each] for each in problems["images"]]
        )
    return text_digest(json.dumps(shown))


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of those of the packages that are installed, and this project's and Python's."""
    found = {"boundary": boundary.__version__, "python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def run_record(moment: str = "finished") -> dict[str, Any]:
    """Host and the time of this ``moment``: kept out of files that must be the same in every run."""
    return {"host": platform.node(), moment: datetime.now(UTC).isoformat(timespec="seconds")}
