"""The miniature's base model after a fifth of its training, and the stage on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from boundary.estimation.bootstrap import draw_problems, percentile_interval
from boundary.verification.boxes import last_box

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(ROOT / "workflow" / "lib"),
    "VLLM_CPU_KVCACHE_SPACE": "2",
}
PROMPTS = ["--prompts", str(ROOT / "config" / "prompts.yaml")]
SAMPLING = ["--template", "mini", "--temperature", "1", "--top-p", "1", "--max-tokens", "64"]


def boundary(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "boundary", *map(str, arguments)]


def run(*arguments: object, check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run(
        boundary(*arguments), env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stderr[-5000:]
    return done


@dataclass
class Miniature:
    """model.json of mini-base, and problems.parquet of arith."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model.json"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def problems(self) -> Path:
        return self.folder / "arith.parquet"

    def stage(self, output: Path, *options: object, engine: str = "vllm") -> list[object]:
        """The stage's arguments; a later option replaces an earlier one."""
        inputs = ["--model", self.model, "--problems", self.problems, *PROMPTS, *SAMPLING]
        return ["sample", *inputs, "--engine", engine, "--gpus", 0, "--output", output, *options]


@pytest.fixture(scope="session")
def mini(tmp_path_factory) -> Miniature:
    """Engines are compared on a model that is right now and then: in a ninth of these samples."""
    mini = Miniature(tmp_path_factory.mktemp("mini"))
    recipe = yaml.safe_load((ROOT / "config/models.yaml").read_text())["mini-base"]["pretrain"]
    recipe["steps"] = 500
    entry = yaml.safe_load((ROOT / "config/benchmarks.yaml").read_text())["arith"]["generate"]
    entry["operands"] = [2, 4]
    run("benchmarks", "--name", "arith", "--generate", json.dumps(entry), "--output", mini.problems)
    training = ["--pretrain", json.dumps(recipe), "--template", "mini", *PROMPTS, "--threads", 2]
    outputs = ["--metrics", mini.folder / "metrics.csv", "--output", mini.model]
    run("models", "--name", "mini-base", *training, *outputs)
    return mini


@pytest.fixture(scope="session")
def golds(mini) -> dict[str, str]:
    problems = pd.read_parquet(mini.problems)
    return dict(zip(problems["problem_id"], problems["gold"].map(json.loads), strict=True))


@pytest.fixture(scope="session")
def by_transformers(mini, tmp_path_factory) -> pd.DataFrame:
    """64 samples of every problem by the transformers engine."""
    output = tmp_path_factory.mktemp("transformers") / "shard.parquet"
    run(*mini.stage(output, "--shard-size", 64, "--threads", 2, engine="transformers"))
    return pd.read_parquet(output)


def accuracy(samples: pd.DataFrame, golds: dict[str, str]) -> pd.Series:
    """Share of correct samples by problem."""
    answers = samples["text"].map(last_box)
    correct = answers == samples["problem_id"].map(golds).astype(str)
    return correct.groupby(samples["problem_id"]).mean()


def assert_agreement(samples: pd.DataFrame, others: pd.DataFrame, golds: dict[str, str]) -> None:
    """Each mean accuracy lies in the other's 95 % bootstrap interval over problems; and the mean of the
    paired differences, in which the problems cancel out, within four standard errors of the sampling.
    """
    first, second = (accuracy(frame, golds) for frame in (samples, others))
    assert len(first) == len(second) == len(golds)
    for one, other in ((first, second), (second, first)):
        means = other.to_numpy()[draw_problems(len(other), 2000, seed=1)].mean(axis=1)
        low, high = percentile_interval(means, 0.95)
        assert low <= one.mean() <= high
    variance = 0.0
    for frame, shares in ((samples, first), (others, second)):
        drawn = frame.groupby("problem_id").size()
        variance += (shares * (1 - shares) / drawn).sum() / len(shares) ** 2
    assert abs(first.mean() - second.mean()) < 4 * np.sqrt(variance)
