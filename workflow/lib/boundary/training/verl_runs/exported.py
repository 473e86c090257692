"""Checkpoints that VeRL has written, as folders in Hugging Face format that outlive its own clearing up."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from boundary.data.atomic import atomic_path, link_or_copy
from boundary.data.checkpoint import CHECKPOINT_FILES

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
                _link(_files(source, TRAINED), folder)
                _link(_files(base, CHECKPOINT_FILES) - _files(base, TRAINED), folder)


def _files(folder: Path, patterns: Iterable[str]) -> set[Path]:
    return {file for pattern in patterns for file in folder.glob(pattern)}


def _link(files: Iterable[Path], folder: Path) -> None:
    for file in files:
        link_or_copy(file.resolve(), folder / file.name)
