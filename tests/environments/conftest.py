"""The miniature's miniature, run with `--sdm conda` and a stand-in for conda."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from workflow.conftest import Checkout, fresh  # noqa: F401  # a fixture

HERE = Path(__file__).parent
# What the driver would lend to rules that see its modules: verify, figures and models import these.
FOREIGN = ["math_verify", "seaborn", "torch"]


@dataclass
class Conda:
    """A stand-in for conda, the environments that it built, and modules that only the driver may see."""

    base: Path
    environments: Path
    foreign: Path

    def snakemake(self, checkout: Checkout, *targets: str) -> subprocess.CompletedProcess:
        """Run Snakemake with conda; only an activated environment brings a `python`."""
        own = {"PATH": f"{self.base / 'bin'}:/usr/bin:/bin", "PYTHONPATH": str(self.foreign)}
        return subprocess.run(
            checkout.command("--sdm", "conda", "--conda-prefix", str(self.environments), *targets),
            cwd=checkout.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | own,
        )


@pytest.fixture(scope="session")
def conda(tmp_path_factory) -> Conda:
    folder = tmp_path_factory.mktemp("conda")
    conda = Conda(folder / "base", folder / "environments", folder / "foreign")
    (conda.base / "bin").mkdir(parents=True)
    shutil.copy(HERE / "activate", conda.base / "bin")
    command = conda.base / "bin" / "conda"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(HERE)!r})\n"
        "from conda_stand_in import main\nmain(sys.argv[1:])\n"
    )
    command.chmod(0o755)
    conda.foreign.mkdir()
    for name in FOREIGN:
        (conda.foreign / f"{name}.py").write_text("raise RuntimeError('of the driver')\n")
    return conda


def keep_one_benchmark(study: dict) -> None:
    """Every kind of exhibit on one benchmark, in one shard a cell; and pass@k of programs."""
    for name in ("standard", "direct"):
        study["sampling"][name]["shard_size"] = 8
    programs = next(
        group
        for group in study["figures"]["fig_pass_at_k"]["cells"]
        if group["benchmarks"] == ["functions"]
    )
    for exhibits in (study["figures"], study["tables"], study["sheets"]):
        for exhibit in exhibits.values():
            if groups := exhibit.get("cells"):
                exhibit["cells"] = [
                    group | {"benchmarks": ["arith"]} for group in groups if group != programs
                ]
    study["figures"]["fig_pass_at_k"]["cells"].append(programs)


@pytest.fixture(scope="session")
def finished(fresh, conda, tmp_path_factory) -> Checkout:  # noqa: F811
    """A checkout whose study has been run with conda."""
    checkout = fresh.copy(tmp_path_factory.mktemp("finished") / "checkout")
    checkout.edit("studies/miniature.yaml", keep_one_benchmark)
    done = conda.snakemake(checkout)
    assert done.returncode == 0, done.stdout
    return checkout
