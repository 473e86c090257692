"""A study of as many shards as are asked for, in a copy of the project where nothing has been run."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))

from boundary.study.load import MOST_SHARDS
from conftest import Checkout

NAME = "many"
MODELS = ["mini-base", "mini-grpo"]
BENCHMARKS = ["arith", "arith-long"]
CELLS = len(MODELS) * len(BENCHMARKS)  # of one sampling


class ScaledStudy(NamedTuple):
    """Where it is and what it has; it is the copy's default study."""

    path: Path
    shards: int
    cells: int

    @property
    def results(self) -> Path:
        return self.path / "results" / NAME

    @property
    def prepared(self) -> list[str]:
        """What all samples are drawn from, as targets: the models' records, the benchmarks' problems."""
        files = [f"models/{model}/model.json" for model in MODELS]
        files += [f"benchmarks/{benchmark}/problems.parquet" for benchmark in BENCHMARKS]
        return [f"results/{NAME}/{file}" for file in files]


def make_scaled_study(path: Path, shards: int) -> ScaledStudy:
    """At least ``shards`` shards of one sample of one problem, alike in all cells, shown in one figure."""
    samplings = math.ceil(shards / (CELLS * MOST_SHARDS))
    n = math.ceil(shards / (CELLS * samplings))
    checkout = Checkout.of_project(path)
    checkout.edit("config.yaml", lambda config: config.update(study=NAME))
    checkout.edit("models.yaml", train_nothing)
    checkout.edit("benchmarks.yaml", pose_one_problem)
    for model in MODELS:
        write_checkpoint(path / "checkpoints" / model)
    names = [f"sampling-{number}" for number in range(samplings)]
    cells = [
        {"models": MODELS, "benchmarks": BENCHMARKS, "sampling": name, "n": n} for name in names
    ]
    study = {
        "sampling": {
            name: {"max_tokens": 64, "seed": seed, "shard_size": 1}
            for seed, name in enumerate(names)
        },
        "figures": {"fig_many": {"kind": "pass_at_k", "cells": cells}},
    }
    (path / "config" / "studies" / f"{NAME}.yaml").write_text(yaml.safe_dump(study))
    return ScaledStudy(path, n * CELLS * samplings, CELLS * samplings)


def train_nothing(models: dict[str, Any]) -> None:
    for name in MODELS:
        for recipe in ("pretrain", "rlvr"):
            models[name].pop(recipe, None)
        models[name]["path"] = f"checkpoints/{name}"


def pose_one_problem(benchmarks: dict[str, Any]) -> None:
    for name in BENCHMARKS:
        benchmarks[name]["generate"]["problems"] = 1


def write_checkpoint(folder: Path) -> None:
    """All that is looked at before a model is loaded, which no model here is."""
    folder.mkdir(parents=True)
    for file in ("config.json", "tokenizer.json"):
        (folder / file).write_text("{}")
    header = b"{}"
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
