"""Reading config/costs.yaml: what a plan takes a token, an hour and a stored sample for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boundary.errors import BoundaryError, unknown_name
from boundary.study.catalogue import Catalogue
from boundary.study.documents import load_document


@dataclass(frozen=True)
class Lengths:
    """Mean length of a response in tokens; the most specific entry that there is goes first."""

    default: float
    benchmarks: Mapping[str, float]
    models: Mapping[str, float]
    cells: Mapping[str, Mapping[str, float]]

    def of(self, model: str, benchmark: str) -> float:
        """Of a model on a benchmark: of both, else of the model, of the benchmark, of any."""
        general = self.models.get(model, self.benchmarks.get(benchmark, self.default))
        return self.cells.get(model, {}).get(benchmark, general)


@dataclass(frozen=True)
class Rate:
    """Tokens that one GPU gets through in a second, by model."""

    default: float
    models: Mapping[str, float]

    def of(self, model: str) -> float:
        """Of a model: its own, else that of any."""
        return self.models.get(model, self.default)


@dataclass(frozen=True)
class JobTime:
    """What a job's time limit allows for beside its tokens.

    ``start_minutes`` until weights are loaded, ``margin`` times the time that the rates tell, and
    ``problems`` of a benchmark of which nobody knows how many it has.
    """

    start_minutes: float
    margin: float
    problems: int


@dataclass(frozen=True)
class Costs:
    """The estimates of a plan; both rates are tokens a second and GPU."""

    tokens: Lengths
    sampling_rate: Rate
    scoring_rate: Rate
    bytes_per_token: float
    time: JobTime


def load_costs(config: Path, schemas: Path, catalogue: Catalogue) -> Costs:
    """Read costs.yaml of the folder ``config``.

    Raises BoundaryError with the file and the key of a mistake, and of a name that ``catalogue`` does not
    have.
    """
    file = config / "costs.yaml"
    document = load_document(file, schemas / "costs.schema.yaml")
    _check_names(document, catalogue, file)
    return Costs(
        tokens=Lengths(**document["tokens"]),
        sampling_rate=Rate(**document["sampling_rate"]),
        scoring_rate=Rate(**document["scoring_rate"]),
        bytes_per_token=document["bytes_per_token"],
        time=JobTime(**document["time"]),
    )


def _check_names(document: Mapping[str, Any], catalogue: Catalogue, file: Path) -> None:
    """A misspelt name would be an estimate that nobody heeds."""
    tokens = document["tokens"]
    models = {
        "tokens.models": tokens["models"],
        "tokens.cells": tokens["cells"],
        "sampling_rate.models": document["sampling_rate"]["models"],
        "scoring_rate.models": document["scoring_rate"]["models"],
    }
    benchmarks = {"tokens.benchmarks": tokens["benchmarks"]} | {
        f"tokens.cells.{model}": lengths for model, lengths in tokens["cells"].items()
    }
    for what, known, places in (
        ("model", catalogue.models, models),
        ("benchmark", catalogue.benchmarks, benchmarks),
    ):
        for key, names in places.items():
            for name in names:
                if name not in known:
                    raise BoundaryError(f"{file}: {key}: {unknown_name(what, name, known)}")
