"""Running VeRL: what it needs of the machine, and its process."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import boundary
from boundary.errors import BoundaryError
from boundary.sampling.gpus import VISIBLE, claim_gpus, gpu_locks, visible_gpus

MODULE = "verl.trainer.main_ppo"
LIBRARY = Path(boundary.__file__).parents[1]
PAUSE = 30.0  # seconds between two looks at what VeRL has written; its steps take minutes


def check_machine(gpus: int) -> None:
    """Raises BoundaryError if there are not so many GPUs here, or there is no VeRL."""
    visible = visible_gpus()
    if len(visible) < gpus:
        raise BoundaryError(
            f"the training takes {gpus} GPUs at once, and this process sees {len(visible)}: train on a "
            f"machine that has them, lower `gpus` of the recipe, or let {VISIBLE} name more. A model that "
            "was trained elsewhere takes the recipe's place by a line `path: FOLDER`"
        )
    if find_spec(MODULE.split(".")[0]) is None:
        raise BoundaryError(
            "VeRL is not installed here; envs/verl.yaml is its environment, which the workflow makes with "
            "--sdm conda"
        )


def run_verl(
    settings: Sequence[str], gpus: int, work: Path, log: Path, meanwhile: Callable[[], None]
) -> int:
    """Train with VeRL by its command line's ``settings`` on ``gpus`` GPUs; the exit code.

    It works in the folder ``work`` and logs its metrics to ``log``. What it prints goes to the standard
    error. ``meanwhile`` is called now and then. Raises BoundaryError if a VeRL is at work in the folder
    already: it may have outlived who started it.
    """
    paths = [str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        "PYTHONPATH": os.pathsep.join(paths),  # VeRL's workers import the reward
        "PYTHONUNBUFFERED": "1",
        "VERL_FILE_LOGGER_PATH": str(log),
    }
    # Hydra keeps a record of each run beside what is run, unless it is told not to.
    quiet = ["hydra.run.dir=.", "hydra.output_subdir=null"]
    command = [sys.executable, "-m", MODULE, *settings, *quiet]
    with _locked(work) as lock:
        claim_gpus(gpus)
        with subprocess.Popen(
            command,
            cwd=work,
            env={**os.environ, **environment},
            stdout=sys.stderr,
            pass_fds=[lock, *gpu_locks()],  # VeRL holds them for as long as it lives
        ) as process:
            return _wait(process, meanwhile)


def _wait(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> int:
    """The exit code, when it is there. A full disk is told, and does not end days of training."""
    while True:
        try:
            return process.wait(PAUSE)
        except subprocess.TimeoutExpired:
            try:
                meanwhile()
            except OSError as error:
                print(f"a checkpoint could not be taken yet: {error}", file=sys.stderr, flush=True)


@contextmanager
def _locked(work: Path) -> Iterator[int]:
    """Hold the lock of a folder; its file descriptor."""
    with (work / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BoundaryError(
                f"{work}: a training is under way here already; wait for its end, or end it"
            ) from None
        yield file.fileno()
