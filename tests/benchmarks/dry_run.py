"""Snakemake's plan of the paper's whole study, against its plan of the miniature.

    python tests/benchmarks/dry_run.py [--repeats 3]

Prints jobs, shards of samples among them, seconds and the most memory of dry runs in a copy of the project
where nothing has been run: of the miniature, which is mostly Snakemake's own start; of the paper's study as
it is; and of all its figures, tables and sheets, those that are made by name alone among them, with
everything in place that was never released or cannot be verified yet, as the tests put it there. They take
turns; seconds and their ratio to the miniature's are of medians. `-q rules` and not `-q` alone, which does
not print the number of jobs.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))

from conftest import Checkout
from test_paper import put_everything_in_place

DRY_RUN = [sys.executable, "-m", "snakemake", "-n", "-q", "rules"]
PAPER = ["--config", "study=paper"]


class Plan(NamedTuple):
    """What a dry run announced, and what it took."""

    jobs: int
    shards: int
    seconds: float
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        released, whole = (Checkout.of_project(Path(name) / part) for part in ("as-is", "whole"))
        put_everything_in_place(whole)
        runs = {
            "miniature": (released.path, []),
            "paper, as it is": (released.path, PAPER),
            "paper, everything in place": (whole.path, [*PAPER, "--", *exhibits(whole)]),
        }
        plans: dict[str, list[Plan]] = {what: [] for what in runs}
        for _ in range(repeats):
            for what, (folder, options) in runs.items():
                plans[what].append(dry_run(folder, options))
    least = statistics.median(plan.seconds for plan in plans["miniature"])
    for what, found in plans.items():
        seconds = statistics.median(plan.seconds for plan in found)
        memory = max(plan.megabytes for plan in found)
        print(
            f"{what}: {found[0].jobs:,} jobs, {found[0].shards:,} of them shards of samples, "
            f"{seconds:.1f} s ({seconds / least:.1f} of the miniature's), {memory:,.0f} MB"
        )


def exhibits(checkout: Checkout) -> list[str]:
    """All figures, tables and sheets of the paper's study."""
    study = yaml.safe_load((checkout.path / "config/studies/paper.yaml").read_text())
    return [name for kind in ("figures", "tables", "sheets") for name in study[kind]]


def dry_run(folder: Path, options: list[str]) -> Plan:
    """Plan the default target; the most memory is of Snakemake's process, as wait4 tells it."""
    # Of the copy and not of this checkout, should PYTHONPATH say so.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with tempfile.TemporaryFile("w+") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            DRY_RUN + options, cwd=folder, env=environment, stdout=log, stderr=log
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        log.seek(0)
        output = log.read()
    if status or "Job stats:" not in output:
        raise SystemExit(f"the dry run failed:\n{output}")
    stats = output.split("Job stats:")[1].split("\n\n")[0]
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", stats, re.M)}
    return Plan(jobs["total"], jobs["sample"], seconds, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
