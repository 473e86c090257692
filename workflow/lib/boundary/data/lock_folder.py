"""The folder of a user's locks on a machine, which nobody else may have a hand in."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from boundary.errors import BoundaryError


def lock_folder(name: str) -> Path:
    """The folder ``name`` of this user, in the one for temporary files; made if it is not there.

    Only runs of the same user with the same TMPDIR know of each other by it. Raises BoundaryError if it is
    no folder, or somebody else's, or open to others.
    """
    folder = Path(tempfile.gettempdir()) / f"{name}-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.geteuid()
        or stat.S_IMODE(found.st_mode) & 0o077
    ):
        raise BoundaryError(
            f"{folder}: must be a folder of your own that nobody else may enter, and is not; remove it, or "
            "set TMPDIR to a folder of yours"
        )
    return folder
