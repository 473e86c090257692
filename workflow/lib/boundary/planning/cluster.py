"""What a run needs of the machine or the cluster it is given to, checked before its first job."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from boundary.errors import BoundaryError

# As sinfo prints them: gpu:2, gpu:a100:4(S:0-1), and several of these with commas between.
GPUS = re.compile(r"\bgpu:(?:[^:,()]+:)?(\d+)")


def check_writable(folder: Path) -> None:
    """Raise BoundaryError where nothing can be written in a folder, or the folder cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BoundaryError(
            f"{folder}: nothing can be written here ({error}): make the folder writable, or run in a copy "
            "of the project on a file system that is (on a cluster, one that all its nodes share)"
        ) from None


def check_slurm(partitions: Path | None, gpus: int) -> None:
    """Whether Slurm is here, has the partitions of a file, and in them a node with so many GPUs.

    The file is that of Snakemake's executor slurm; without one, all of the cluster's partitions count.
    Raises BoundaryError that says what to change and where.
    """
    there = gpus_by_partition()
    named = list(yaml.safe_load(partitions.read_text())["partitions"]) if partitions else [*there]
    for name in named:
        if name not in there:
            raise BoundaryError(
                f"{partitions}: this cluster has no partition {name!r}; it has {', '.join(sorted(there))}: "
                "put their names in its place"
            )
    most = max((there[name] for name in named), default=0)
    if gpus > most:
        raise BoundaryError(
            f"a job takes {gpus} GPUs, and no node of the partitions {', '.join(named)} has more than "
            f"{most}: name one whose nodes do in {partitions or 'slurm-partition-config'}, or lower "
            "the model's `gpus` in config/models.yaml"
        )


def gpus_by_partition() -> dict[str, int]:
    """The partitions of the cluster, each with the largest number of GPUs of one of its nodes.

    Raises BoundaryError where there is no Slurm, or it does not answer.
    """
    if shutil.which("sbatch") is None or shutil.which("sinfo") is None:
        raise BoundaryError(
            "no Slurm on this machine (no command sbatch): run this on a login node of the cluster, load "
            "its module for Slurm first, or leave the profile away (`--cores 2`)"
        )
    asked = subprocess.run(
        ["sinfo", "--noheader", "--Node", "--format=%R|%G"], capture_output=True, text=True
    )
    if asked.returncode:
        raise BoundaryError(f"Slurm does not answer: sinfo says: {asked.stderr.strip()}")
    there: dict[str, int] = {}
    for line in asked.stdout.splitlines():
        partition, resources = line.strip().split("|", 1)
        count = sum(map(int, GPUS.findall(resources)))
        there[partition] = max(count, there.get(partition, 0))
    return there
