"""The progress of a training, kept so that it goes on after a crash as if there had been none."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from boundary.data.atomic import atomic_path, told_when_full
from boundary.data.provenance import text_digest
from boundary.errors import BoundaryError
from boundary.training.optimiser import Learner

SECONDS_BETWEEN = 20.0
Metrics = list[dict[str, float]]


class KeptProgress:
    """Weights, optimisers' moments and metrics after some step of a training, in one file.

    ``identity`` is everything that decides what the training makes. Its digest is the file's name in the
    folder ``keep``, the model's own, so that no other training goes on from it.
    """

    def __init__(self, keep: Path, identity: Mapping[str, Any]) -> None:
        self.folder = keep
        digest = text_digest(json.dumps(identity, sort_keys=True))
        self.file = keep / f"{digest[:16]}.safetensors"
        self._saved_at = time.monotonic()

    def load(self, learners: Mapping[str, Learner]) -> tuple[Metrics, int]:
        """Bring ``learners`` to where they were; the steps' metrics, and how many batches were drawn.

        Where nothing is kept, learners stay as they are, and both are nought. Raises BoundaryError if the
        file is damaged: it is written whole or not at all, and hours may be in it.
        """
        if not self.file.exists():
            return [], 0
        with self._opened() as (document, file):
            tensors = {path: file.get_tensor(path) for path in file.keys()}  # noqa: SIM118
        for name, learner in learners.items():
            with torch.no_grad():
                for path, parameter in _parameters(name, learner):
                    parameter.copy_(tensors[path])
            settings = document["learners"][name]
            groups = settings["optimiser"]
            state: dict[int, dict[str, torch.Tensor]] = {}
            for path, tensor in tensors.items():
                if path.startswith(f"{name}/optimiser/"):
                    index, key = path.split("/")[2:]
                    state.setdefault(int(index), {})[key] = tensor
            learner.optimiser.load_state_dict({"state": state, "param_groups": groups})
            learner.schedule.load_state_dict(settings["schedule"])
        return document["metrics"], document["drawn"]

    def save(self, learners: Mapping[str, Learner], metrics: Metrics, drawn: int) -> None:
        """Keep the progress, if the last time was long enough ago."""
        if time.monotonic() - self._saved_at < SECONDS_BETWEEN:
            return
        tensors: dict[str, torch.Tensor] = {}
        settings = {}
        for name, learner in learners.items():
            tensors |= {path: parameter.detach() for path, parameter in _parameters(name, learner)}
            optimiser = learner.optimiser.state_dict()
            for index, state in optimiser["state"].items():
                tensors |= {f"{name}/optimiser/{index}/{key}": t for key, t in state.items()}
            settings[name] = {
                "optimiser": optimiser["param_groups"],
                "schedule": learner.schedule.state_dict(),
            }
        document = {"metrics": metrics, "drawn": drawn, "learners": settings}
        with told_when_full(self.folder), atomic_path(self.file) as temporary:
            # As bytes, since the library's own writing tells of a full disk by an error of its own.
            temporary.write_bytes(save(tensors, {"progress": json.dumps(document)}))
        self._saved_at = time.monotonic()

    def check_steps(self, steps: Iterable[int]) -> None:
        """Raises BoundaryError if the checkpoint after one of ``steps`` is past, and was not kept."""
        if not self.file.exists():
            return
        with self._opened() as (document, _):
            reached = len(document["metrics"])
        lost = [step for step in steps if step <= reached and not self.step_folder(step).is_dir()]
        if lost:
            raise BoundaryError(
                f"{self.file}: this training has reached step {reached}, and the model after step "
                f"{', '.join(map(str, lost))} was not asked for when it passed; ask for steps that are "
                "still to come, or remove the file to train from the beginning"
            )

    def step_folder(self, step: int) -> Path:
        """Where the checkpoint after a step waits for the end of the training."""
        return self.file.with_suffix(f".step{step}")

    def remove(self) -> None:
        """Forget it, and what earlier trainings of the model left: this one is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def _opened(self) -> Iterator[tuple[dict[str, Any], Any]]:
        """What the file tells of the progress, and the file, of whose tensors none is read yet."""
        try:
            with safe_open(self.file, framework="pt") as file:
                yield json.loads(file.metadata()["progress"]), file
        except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
            raise BoundaryError(
                f"{self.file}: the kept progress of a training is damaged ({error}); restore the file, or "
                "remove it to train from the beginning"
            ) from error


def _parameters(name: str, learner: Learner) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """A learner's weights by their paths; tied ones once."""
    for path, parameter in learner.network.named_parameters():
        yield f"{name}/network/{path}", parameter
