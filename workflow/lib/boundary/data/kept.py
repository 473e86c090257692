"""Files that cost hours: made once, kept outside what any rule declares, resumed after a crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from boundary.data.atomic import link_or_copy, told_when_full
from boundary.data.journal import Journal
from boundary.data.records import read_provenance
from boundary.errors import BoundaryError


def make_once(
    output: Path,
    *,
    keep: Path,
    name: str,
    identity: dict[str, Any],
    make: Callable[[Journal], None],
) -> None:
    """Write the Parquet file ``output`` by ``make``, or take the one that was made before.

    ``identity`` is everything that decides what is in it; it is in the file's provenance, and ``name``
    holds its digest, so that no other setting ever opens or replaces what lies in the folder ``keep``:
    the journal that ``make`` works through, and once that is done the sealed file, which is ``output``'s
    own. Attempts at the same file exclude each other.
    """
    sealed = keep / f"{name}.parquet"
    with told_when_full(keep), Journal(keep / f"{name}.jsonl", identity) as journal:
        if _is_sealed(sealed, identity):
            link_or_copy(sealed, output)
        else:
            make(journal)
            link_or_copy(output, sealed)
        journal.remove()


def _is_sealed(path: Path, identity: dict[str, Any]) -> bool:
    """Whether a readable file of this identity is there; a damaged one counts as absent."""
    try:
        return path.is_file() and identity.items() <= read_provenance(path).items()
    except BoundaryError:
        return False
