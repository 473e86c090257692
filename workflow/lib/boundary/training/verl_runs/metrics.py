"""VeRL's log of a training as the table that every training leaves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from boundary.errors import BoundaryError

# By the name that other trainings give it, VeRL's own. Its response_length/clip_ratio is no `truncated`: it
# is the share of responses as long as the step's longest, cut off or not.
NAMES = {
    "reward": "critic/score/mean",
    "response_length": "response_length/mean",
    "loss": "actor/pg_loss",
    "entropy": "actor/entropy",
    "kl": "actor/kl_loss",
    "value_loss": "critic/vf_loss",
}
ALWAYS = ("reward", "response_length", "loss", "entropy")


def training_metrics(logs: Iterable[Path]) -> pd.DataFrame:
    """One row a step of VeRL's ``file`` logs: step and the columns of NAMES that are logged.

    Each attempt at a training has a log of its own, in their order: of a step that was taken twice, the
    later counts. A last line that was torn is left out; so is a step whose checkpoint was written and
    whose line was not. Of a training with dynamic sampling, the numbers are of the groups that were kept.
    Raises BoundaryError naming a log that is none.
    """
    steps: dict[int, dict[str, float]] = {}
    for log in logs:
        for step, told in _lines(log):
            if missing := [NAMES[name] for name in ALWAYS if NAMES[name] not in told]:
                raise BoundaryError(
                    f"{log}: step {step}: VeRL did not log {', '.join(missing)}; expected the log of its "
                    "version in envs/verl.yaml"
                )
            steps[step] = {name: told[key] for name, key in NAMES.items() if key in told}
    if not steps:
        raise BoundaryError("VeRL logged no step of the training")
    return pd.DataFrame([{"step": step} | steps[step] for step in sorted(steps)])


def _lines(log: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = log.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            yield entry["step"], entry["data"]
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines) and not line.endswith("\n"):
                return
            raise BoundaryError(f"{log}: line {number} is damaged ({error}); remove it") from error
