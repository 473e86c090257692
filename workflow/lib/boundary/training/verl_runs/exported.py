"""Checkpoints that VeRL has written, as folders in Hugging Face format that outlive its own clearing up."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from boundary.data.atomic import atomic_path, link_or_copy
from boundary.data.checkpoint import CHECKPOINT_FILES
from boundary.errors import BoundaryError

# What a training changes; the rest, tokenizer and end tokens, is the base's as it was: VeRL's tokenizer
# has the chat template that hands prompts through.
TRAINED = ("config.json", "*.safetensors", "*.safetensors.index.json")


def last_step(checkpoints: Path) -> int:
    """The newest step whose checkpoint VeRL has finished, from which it goes on; 0 before the first."""
    file = checkpoints / "latest_checkpointed_iteration.txt"
    text = file.read_text().strip() if file.exists() else ""
    return int(text or 0)  # VeRL writes it in place: it may be seen empty


def export_steps(checkpoints: Path, base: Path, exported: Path, steps: Iterable[int]) -> None:
    """Put the model after each of ``steps`` that is finished, and not there yet, into ``exported``/STEP."""
    finished = last_step(checkpoints)
    for step in steps:
        source = checkpoints / f"global_step_{step}" / "actor" / "huggingface"
        target = exported / str(step)
        if step <= finished and source.is_dir() and not target.exists():
            with atomic_path(target) as folder:
                folder.mkdir()
                for file in _files(source, TRAINED):
                    link_or_copy(file.resolve(), folder / file.name)
                # Of the base copies: its files are others' to change.
                for file in _files(base, CHECKPOINT_FILES) - _files(base, TRAINED):
                    shutil.copy2(file, folder / file.name)


def check_steps(checkpoints: Path, exported: Path, steps: Iterable[int]) -> None:
    """Raises BoundaryError if one of ``steps`` is past and was not taken: VeRL has removed it by now."""
    reached = last_step(checkpoints)
    lost = [step for step in steps if step <= reached and not (exported / str(step)).is_dir()]
    if lost:
        raise BoundaryError(
            f"{checkpoints.parent}: the training kept here has reached step {reached}, and its checkpoint "
            f"of step {', '.join(map(str, lost))} is not kept any more: VeRL keeps the newest alone. "
            "Remove the folder to train from the beginning, or ask for steps that are still to come"
        )


def _files(folder: Path, patterns: Iterable[str]) -> set[Path]:
    return {file for pattern in patterns for file in folder.glob(pattern)}
