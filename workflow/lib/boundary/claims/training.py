"""How a model was trained, and in what two trainings differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Training:
    """Reinforcement learning from the model ``base``: None is what is not told.

    ``rollouts`` are responses to each problem in a step; ``kl`` is the weight of the penalty for leaving
    the base, 0 where none is told of.
    """

    base: str | None = None
    algorithm: str | None = None
    steps: float | None = None
    rollouts: float | None = None
    kl: float = 0.0

    @classmethod
    def read(cls, base: str | None, told: Mapping[str, Any]) -> Training:
        """From a catalogue's entry: algorithm, steps, rollouts and kl, as far as ``told`` has them."""
        return cls(
            base,
            told.get("algorithm"),
            told.get("steps"),
            told.get("rollouts"),
            told.get("kl") or 0.0,
        )


def is_later(model: Training, other: Training) -> bool:
    """Whether ``model`` is the other training after more steps, and the same in everything else."""
    return _differing(model, other) == {"steps"} and _more(model.steps, other.steps)


def has_another_algorithm(model: Training, other: Training) -> bool:
    """Whether two trainings differ in their algorithm alone. What neither tells counts as the same."""
    known = model.algorithm is not None and other.algorithm is not None
    return known and _differing(model, other) == {"algorithm"}


def has_more_kl(model: Training, other: Training) -> bool:
    """Whether ``model`` has the larger KL penalty, and is the same in everything else."""
    return _differing(model, other) == {"kl"} and model.kl > other.kl


def has_more_rollouts(model: Training, other: Training) -> bool:
    """Whether ``model`` has more rollouts and is the same in everything else but, perhaps, steps.

    The paper's own comparison, 32 against 8 (fig. 15), is after 220 steps and 450.
    """
    more = _more(model.rollouts, other.rollouts)
    return more and _differing(model, other) - {"steps"} == {"rollouts"}


def is_same_run(model: Training, other: Training) -> bool:
    """Whether two trainings are one, perhaps after other numbers of steps."""
    return _differing(model, other) <= {"steps"}


def _differing(model: Training, other: Training) -> set[str]:
    """Names of what differs. Without a base that is told, nothing is known to be the same: its name."""
    names = {
        field.name
        for field in fields(Training)
        if getattr(model, field.name) != getattr(other, field.name)
    }
    return names if model.base else names | {"base"}


def _more(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one > other
