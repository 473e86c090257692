"""Where a benchmark's files are: on this machine, in a repository on the hub, or at an address."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from boundary.data.hub import download_snapshot
from boundary.errors import BoundaryError

INSTEAD = "add `path: FILE` to the entry, a copy of the file on this machine"
LISTED = 20  # files of a repository that a message names


class SourceFile(NamedTuple):
    """A file to read, and what messages and the provenance call it."""

    path: Path
    name: str


def hub_files(identifier: str, revision: str, patterns: Sequence[str]) -> list[SourceFile]:
    """A dataset's files that match ``patterns``: pattern by pattern, sorted, each once.

    ``*`` in a pattern stands for any text, ``/`` included. Raises BoundaryError as download_snapshot, and
    if a pattern matches nothing.
    """
    folder = download_snapshot(identifier, revision, patterns, "dataset", INSTEAD)
    names = _names(folder, identifier, revision)
    found: dict[str, SourceFile] = {}
    for pattern in patterns:
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            listed = ", ".join(names[:LISTED]) or "nothing"
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            raise BoundaryError(
                f"{identifier} at {revision}: no file matches {pattern!r} of `files`; it has {listed}{more}"
            )
        found |= {name: SourceFile(folder / name, f"{identifier}/{name}") for name in matching}
    return list(found.values())


def _names(folder: Path, identifier: str, revision: str) -> list[str]:
    """All files that the repository has, as far as that is known without a network."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        tree = get_cached_repo_tree(identifier, repo_type="dataset", revision=revision)
    except CachedRepoTreeNotFoundError:
        files = (file for file in folder.rglob("*") if file.is_file())
        return sorted(file.relative_to(folder).as_posix() for file in files)
    return sorted(file.path for file in tree)


@contextmanager
def url_file(url: str) -> Iterator[SourceFile]:
    """Fetch the file at ``url``; it is there while the block lasts.

    A download that breaks off is resumed a few times. Raises BoundaryError if the file cannot be had whole.
    """
    from huggingface_hub.errors import HTTPError
    from huggingface_hub.file_download import http_get

    with tempfile.TemporaryDirectory(prefix="boundary-") as folder:
        path = Path(folder) / url.rpartition("/")[2]
        try:
            with path.open("wb") as file:
                http_get(url, file, displayed_filename=path.name)
        except (HTTPError, OSError) as error:
            answer = getattr(error, "response", None)
            status = getattr(answer, "status_code", None)
            told = f"the server answers {status}" if status else f"{type(error).__name__}"
            raise BoundaryError(
                f"{url}: cannot be fetched ({told}); correct `url` or check the network, or {INSTEAD}"
            ) from error
        yield SourceFile(path, url)
