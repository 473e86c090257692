"""Evidence: the measures of each pair of cells, read from one long table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from boundary.claims.samplings import sampling_name
from boundary.claims.training import Training
from boundary.estimation.intervals import Measured
from boundary.verification.verifiers import VERIFIERS

OF_TRAINING = ("algorithm", "steps", "rollouts", "kl")


@dataclass(frozen=True)
class Side:
    """One cell of a pair: a model, how it was made, and how it was sampled."""

    model: str
    sampling: str
    n: int
    role: str
    training: Training

    @property
    def drawn(self) -> tuple[str, str]:
        """What tells it from other cells of its benchmark, whatever their n."""
        return self.model, self.sampling

    def __str__(self) -> str:
        return f"{self.model} ({self.sampling}, n = {self.n})"


@dataclass(frozen=True)
class Pair:
    """``model`` against ``other`` on the same problems, by the same verifier, with what was measured.

    A measure is its value and the ends of its interval, which are undefined where it has none.
    """

    model: Side
    other: Side
    benchmark: str
    verifier: str
    measures: Mapping[str, Measured]

    @property
    def judged(self) -> tuple[str, str]:
        """What the cells have in common: benchmark and verifier."""
        return self.benchmark, self.verifier

    @property
    def is_sampled_alike(self) -> bool:
        """Whether both cells have the same sampling, perhaps with another seed."""
        return sampling_name(self.model.sampling) == sampling_name(self.other.sampling)

    def __str__(self) -> str:
        verifier = "" if self.verifier == VERIFIERS[0] else f", judged by {self.verifier}"
        return f"{self.model} against {self.other} on {self.benchmark}{verifier}"


def read_pairs(evidence: pd.DataFrame) -> list[Pair]:
    """The pairs of ``evidence``, which has a row for each measure of each.

    Columns of the first cell: model, benchmark, sampling (a directory), n, verifier, role, and of its
    training base_of_model, algorithm, steps, rollouts and kl, each empty or absent where it is not known.
    Columns of the second cell are the same with the prefix ``other_`` (its benchmark and verifier are the
    first's). measure, value, low and high are those of ``boundary.estimation.comparison.compare``, with
    the second cell as the base. Other columns are not read.
    """
    pairs: dict[tuple[str, str, Side, Side], dict[str, Measured]] = {}
    for row in evidence.to_dict("records"):
        key = (row["benchmark"], row["verifier"], _side(row, ""), _side(row, "other_"))
        measured = float(row["value"]), float(row["low"]), float(row["high"])
        # Of several files that have a measure, the first's counts.
        pairs.setdefault(key, {}).setdefault(row["measure"], measured)
    return [
        Pair(model, other, benchmark, verifier, measures)
        for (benchmark, verifier, model, other), measures in pairs.items()
    ]


def _side(row: Mapping[Any, Any], prefix: str) -> Side:
    told = {name: _known(row.get(f"{prefix}{name}")) for name in ("base_of_model", *OF_TRAINING)}
    model, sampling, n, role = (
        row[f"{prefix}{name}"] for name in ("model", "sampling", "n", "role")
    )
    return Side(model, sampling, int(n), role, Training.read(told.pop("base_of_model"), told))


def _known(value: Any) -> Any:
    """None for the ways in which a table says that nothing is known."""
    empty = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    return None if empty else value
