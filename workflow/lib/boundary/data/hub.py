"""Files of a repository on the Hugging Face hub, at a revision, from the network or the hub's own cache.

Of benchmarks the files are read as they were published. The package `datasets` is not needed for that: its
newer releases no longer run the scripts that some repositories hold, and no script of a repository ever
runs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from boundary.errors import BoundaryError


def download_snapshot(
    identifier: str,
    revision: str,
    patterns: Sequence[str],
    kind: Literal["model", "dataset"],
    instead: str,
) -> Path:
    """Fetch a repository's files that match ``patterns``, or find them in the cache; return their folder.

    Without a network, or with HF_HUB_OFFLINE=1, what is in the cache is used. ``instead`` is what else one
    can do, for the message.

    Raises BoundaryError where the hub, the repository or its revision cannot be reached. The message tells
    no more of the hub's answer than its kind: what was sent may hold a token.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
        XetDownloadError,
    )

    try:
        return Path(
            snapshot_download(
                identifier, repo_type=kind, revision=revision, allow_patterns=list(patterns)
            )
        )
    except GatedRepoError as error:
        raise BoundaryError(
            f"{identifier}: access is granted by its owners; accept their terms on its page on the hub "
            f"and set HF_TOKEN to a token of yours, or {instead}"
        ) from error
    except RevisionNotFoundError as error:
        raise BoundaryError(
            f"{identifier}: the hub has no revision {revision} of it; correct `revision`, a full commit "
            "hash of that repository"
        ) from error
    except RepositoryNotFoundError as error:
        raise BoundaryError(
            f"{identifier}: the hub has no such {kind}, or shows it to some only; correct `hub`, or set "
            f"HF_TOKEN to a token that may read it, or {instead}"
        ) from error
    except (HTTPError, HFValidationError, XetDownloadError, OSError) as error:
        raise BoundaryError(
            f"{identifier} at {revision}: cannot be fetched ({type(error).__name__}), and is not in the "
            f"hub's cache; check identifier, revision and network, or {instead}"
        ) from error
