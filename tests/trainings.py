"""A training of the smallest kind, and one that is cut off in the middle."""

from __future__ import annotations

from boundary.training import rlvr

ARCHITECTURE = {"hidden_size": 32, "layers": 2, "heads": 2, "context": 64}
RLVR = {
    "algorithm": "grpo",
    "seed": 1,
    "steps": 30,
    "problems_per_step": 4,
    "rollouts": 8,
    "updates_per_step": 2,
    "max_tokens": 6,
    "clip": 0.2,
    "learning_rate": 0.003,
}


def cut_off(monkeypatch, at, error):
    """Raise ``error`` once, in place of step number ``at``; the list returned grows by each step taken."""
    take_step, taken = rlvr.take_training_step, []

    def take(*arguments):
        taken.append(1)
        if len(taken) == at:
            raise error
        return take_step(*arguments)

    monkeypatch.setattr(rlvr, "take_training_step", take)
    return taken
