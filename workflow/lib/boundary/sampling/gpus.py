"""Which GPUs of a machine a job takes, so that no two jobs of its user take the same."""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import sys
import time
from itertools import takewhile
from pathlib import Path
from typing import IO
from urllib.parse import quote

from boundary.data.lock_folder import lock_folder
from boundary.errors import BoundaryError

PAUSE = 1.0  # seconds, more or less, between two looks at which GPUs are free
VISIBLE = "CUDA_VISIBLE_DEVICES"
# By GPU, the locked files of this process: open until it ends, when the kernel drops the locks, however it
# ends. A worker that was forked off it and outlives it keeps them, as it keeps the GPU's memory.
_held: dict[str, IO[bytes]] = {}


def claim_gpus(count: int) -> tuple[str, ...]:
    """Claim ``count`` free GPUs until this process ends, and let it see no other; return their ids.

    Waits while too few are free. Must come before CUDA is set up, which importing torch does not do; a
    process that has enough already keeps those. Claims nothing where ``count`` is 0, no GPU is to be seen,
    or Slurm has given the job its own. Only runs of the same user, with the same TMPDIR and the same kind
    of ids (indexes or UUIDs), know of each other. Raises BoundaryError if there are not so many GPUs, or
    the folder of the locks is not to be trusted.
    """
    if count == 0 or "SLURM_JOB_ID" in os.environ or not (visible := visible_gpus()):
        return ()
    if count > len(visible):
        raise BoundaryError(
            f"the model takes {count} GPUs, and this process sees {len(visible)} ({', '.join(visible)}): "
            f"lower its `gpus` in config/models.yaml, or let {VISIBLE} name more"
        )
    if len(_held) < count:
        _held.update(_wait_for(count, visible, lock_folder("boundary-gpus")))
        os.environ[VISIBLE] = ",".join(_held)
    return tuple(_held)


def gpu_locks() -> list[int]:
    """File descriptors of the claims, for a child that is to keep them should this process die."""
    return [lock.fileno() for lock in _held.values()]


def visible_gpus() -> list[str]:
    """Ids of the GPUs that this process may use: CUDA_VISIBLE_DEVICES, else all indexes of nvidia-smi."""
    if (named := os.environ.get(VISIBLE)) is not None:
        ids = (name.strip() for name in named.split(","))
        # As CUDA reads it: what comes behind an invalid id, such as -1 for none, is not seen.
        return list(dict.fromkeys(takewhile(lambda name: name and not name.startswith("-"), ids)))
    try:
        asked = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
        )
    except OSError:
        return []
    return asked.stdout.split() if asked.returncode == 0 else []


def _wait_for(count: int, visible: list[str], folder: Path) -> dict[str, IO[bytes]]:
    """The locks of ``count`` free GPUs, by id; says once that it waits for them."""
    told = False
    while len(locks := _try(count, visible, folder)) < count:
        if not told:
            print(
                f"waiting for GPUs: {len(visible) - len(locks)} of {len(visible)} are held by other runs, "
                f"and this one takes {count}",
                file=sys.stderr,
                flush=True,
            )
            told = True
        # Two jobs that each kept one of two GPUs would wait forever; uneven pauses get them out of step.
        for lock in locks.values():
            lock.close()
        time.sleep(PAUSE * random.uniform(0.5, 1.5))
    return locks


def _try(count: int, visible: list[str], folder: Path) -> dict[str, IO[bytes]]:
    """The locks of the first free GPUs, up to ``count``, by id."""
    locks: dict[str, IO[bytes]] = {}
    for gpu in visible:
        if len(locks) == count:
            break
        lock = (folder / f"gpu-{quote(gpu, safe='')}").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            locks[gpu] = lock
    return locks
