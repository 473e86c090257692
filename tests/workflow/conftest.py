"""Checkouts of the project in miniature of the miniature, and Snakemake in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from config_files import ROOT, edit

PROBLEMS = 5
PARTS = ["Snakefile", "config", "envs", "workflow"]


class Checkout:
    """A copy of the project at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results = path / "results" / "miniature"

    @classmethod
    def of_project(cls, path: Path) -> Checkout:
        """A copy of the project as it is, at ``path``, with nothing run."""
        path.mkdir()
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, path / part)
        return cls(path)

    def edit(self, file: str, change: Callable) -> None:
        edit(self.path / "config" / file, change)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        assert not check or done.returncode == 0, done.stdout
        return done

    def planned(self, *arguments: str) -> dict[str, int]:
        """Number of jobs of each rule that a dry run announces."""
        output = self.snakemake("-n", *arguments).stdout
        if "Job stats:" not in output:
            assert "Nothing to be done" in output
            return {}
        lines = output.split("Job stats:")[1].split("total")[0].splitlines()[3:]
        return {name: int(count) for name, count in (line.split() for line in lines if line)}

    def copy(self, path: Path) -> Checkout:
        return Checkout(Path(shutil.copytree(self.path, path, symlinks=True)))


def shrink_models(models: dict) -> None:
    models["mini-base"]["pretrain"] |= {"steps": 60, "batch_size": 16}
    models["mini-base"]["pretrain"]["architecture"] |= {"hidden_size": 64, "heads": 2, "layers": 2}
    models["mini-base"]["pretrain"]["corpus"]["operands"] = [2, 3]
    # Enough of a teacher to be right now and then, which is asked often.
    models["mini-teacher"]["pretrain"] = models["mini-base"]["pretrain"] | {"steps": 300}
    models["mini-distill"]["finetune"]["teacher"] |= {"responses": 100, "max_tokens": 24}
    models["mini-code-base"]["pretrain"] |= {"steps": 60, "batch_size": 16}
    models["mini-vl-base"]["pretrain"] |= {"steps": 20, "batch_size": 8}
    for model in models.values():
        if "rlvr" in model:
            model["rlvr"] |= {"steps": 2, "problems_per_step": 4, "max_tokens": 16}
        if "finetune" in model:
            model["finetune"]["steps"] = 2
        if "step_of" in model and "rlvr" in models[model["step_of"]["model"]]:
            model["step_of"]["step"] = 1


def shrink_benchmarks(benchmarks: dict) -> None:
    for benchmark in benchmarks.values():
        if "generate" in benchmark:
            benchmark["generate"]["problems"] = PROBLEMS


def shrink_study(study: dict) -> None:
    study["bootstrap"]["resamples"] = 200
    for name in ("standard", "cool", "hot", "matched"):
        study["sampling"][name] |= {"max_tokens": 24, "shard_size": 8}
    # Two shards of each cell here, and one elsewhere: what is true of two is true of more.
    study["sampling"]["standard"]["shard_size"] = 4
    study["sampling"]["direct"]["shard_size"] = 8
    study["sampling"]["matched"]["match"]["temperatures"] = [0.8, 4.0]
    study["subsets"]["scored"] |= {"problems": 4, "responses": 3}
    study["filters"]["guessable"]["n"] = 8
    for exhibits in (study["figures"], study["tables"], study["sheets"]):
        for exhibit in exhibits.values():
            if "cells" not in exhibit:
                continue
            exhibit["cells"] = [
                group if group["sampling"] == "reference" else group | {"n": 8}
                for group in exhibit["cells"]
            ]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Checkout:
    """A checkout with nothing run, whose study takes a minute."""
    checkout = Checkout.of_project(tmp_path_factory.mktemp("fresh") / "checkout")
    checkout.edit("models.yaml", shrink_models)
    checkout.edit("benchmarks.yaml", shrink_benchmarks)
    checkout.edit("studies/miniature.yaml", shrink_study)
    solutions = checkout.path / "config" / "examples" / "arith-solutions.jsonl"
    solutions.write_text("".join(solutions.read_text().splitlines(keepends=True)[:PROBLEMS]))
    return checkout


@pytest.fixture(scope="session")
def finished(fresh, tmp_path_factory) -> Checkout:
    """A checkout where all of the study has been run. Tests that change it take a copy."""
    checkout = fresh.copy(tmp_path_factory.mktemp("finished") / "checkout")
    study = yaml.safe_load((checkout.path / "config/studies/miniature.yaml").read_text())
    exhibits = study["figures"] | study["tables"] | study["sheets"]
    checkout.snakemake(
        "all",
        *(
            name
            for name, entry in exhibits.items()
            if entry.get("by_name", name in study["sheets"])
        ),
    )
    return checkout
