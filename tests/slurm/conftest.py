"""Checkouts whose Snakemake gives its jobs to a real Slurm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import DAEMONS, Cluster
from config_files import edit
from workflow.conftest import Checkout, fresh  # noqa: F401  # a fixture

HERE = Path(__file__).parent
PROFILE = "workflow/profiles/slurm"
CELLS = [("mini-base", "arith"), ("mini-grpo", "arith-long")]


class ClusterCheckout(Checkout):
    """A copy of the project that runs by the profile for SLURM."""

    def command(self, *arguments: str) -> list[str]:
        snakemake = [sys.executable, "-P", str(HERE / "impatient.py")]
        return [*snakemake, "--workflow-profile", PROFILE, *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Snakemake, started and not waited for."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Who runs the tests in a shell's background ignores interrupts, and so would Snakemake.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def copy(self, path: Path) -> ClusterCheckout:
        return ClusterCheckout(super().copy(path).path)


def adapt(profile: dict) -> None:
    """The profile but for conda, which test machines cannot reach, and for what only makes it wait."""
    del profile["software-deployment-method"]
    profile |= {
        "slurm-init-seconds-before-status-checks": 2,
        "max-jobs-per-timespan": "1000/1m",
        "seconds-between-status-checks": 2,
        "latency-wait": 5,
        "slurm-no-account": True,
    }


def pretend_gpus(models: dict) -> None:
    """The miniature's models ask Slurm for a GPU each, and find that torch sees none."""
    for name in ("mini-base", "mini-grpo"):
        models[name]["gpus"] = 1


def keep_two_cells(study: dict) -> None:
    """pass@k of two models, each on a benchmark of its own."""
    curve = study["figures"]["fig_pass_at_k"]
    curve["cells"] = [
        curve["cells"][0] | {"models": [model], "benchmarks": [benchmark]}
        for model, benchmark in CELLS
    ]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A Slurm that is up."""
    if missing := [name for name in DAEMONS if shutil.which(name) is None]:
        pytest.fail(f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge")
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def unrun(fresh, cluster, tmp_path_factory) -> ClusterCheckout:  # noqa: F811
    """A checkout with nothing run, for the cluster."""
    checkout = ClusterCheckout(fresh.copy(tmp_path_factory.mktemp("unrun") / "checkout").path)
    edit(checkout.path / PROFILE / "config.yaml", adapt)
    checkout.edit("models.yaml", pretend_gpus)
    checkout.edit("studies/miniature.yaml", keep_two_cells)
    return checkout


@pytest.fixture(scope="session")
def finished(unrun, tmp_path_factory) -> ClusterCheckout:
    """A checkout with a figure that was made on the cluster."""
    checkout = unrun.copy(tmp_path_factory.mktemp("finished") / "checkout")
    checkout.snakemake("fig_pass_at_k")
    return checkout


@pytest.fixture
def running(cluster) -> Iterator[list[subprocess.Popen[str]]]:
    """Runs to be ended with the test, however it ends."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
