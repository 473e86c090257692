"""Atomic writes: a file or a folder is there whole, or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    import pandas as pd


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``, renamed to it when the block ends without error.

    The caller creates a file or a folder there. The name keeps the suffix, which decides the format
    for some writers, and is another one each time: two writers of one target do not meet.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BoundaryError(
            f"{target}: cannot be written: {error.filename} is a file and no folder; choose another place"
        ) from error
    temporary = target.with_name(f".tmp-{secrets.token_hex(4)}-{target.name}")
    try:
        yield temporary
        for path in [temporary, *temporary.rglob("*")] if temporary.is_dir() else [temporary]:
            _flush_to_disk(path)
        if temporary.is_dir():
            _remove(target)
        temporary.replace(target)
        _flush_to_disk(target.parent)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def told_when_full(folder: Path) -> Iterator[None]:
    """Turn a full disk, or a quota that is used up, into a message with the way out."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BoundaryError(
            f"{folder}: {error.strerror}. What was flushed before stays there and is whole: make room "
            "and run the same command again, it goes on from there"
        ) from error


def link_or_copy(source: Path, target: Path) -> None:
    """Let ``target`` be the same file as ``source``, or a copy where the file system has no links."""
    with atomic_path(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copy2(source, temporary)


def write_json(path: Path, document: Any) -> None:
    """Write an indented JSON document atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, without its index, atomically."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)
