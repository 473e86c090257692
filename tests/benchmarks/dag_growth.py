"""Dry runs of studies of a growing number of jobs, against the miniature's.

    python tests/benchmarks/dag_growth.py [--jobs 1000 5000 20000]

Plans the whole default target of a study of many shards of one sample, two jobs a shard, where nothing has
been run; its jobs come near the number that is asked for. Prints for each jobs, the most memory, seconds
and milliseconds a job. Of the last there are two, each with its ratio to the smallest study's: of all
seconds, and of those beyond the same study with one shard a cell, which is mostly Snakemake's own start and
would hide how cost grows. The miniature's dry run is there for comparison.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))

from conftest import Checkout
from dry_run import Plan, dry_run
from scaled_study import CELLS, make_scaled_study

JOBS_A_SHARD = 2  # it is drawn, and verified


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, nargs="+", default=[1000, 5000, 20000])
    sizes = sorted(parser.parse_args().jobs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        miniature = dry_run(Checkout.of_project(folder / "miniature").path, [])
        tell("miniature", miniature)
        start = dry_run(make_scaled_study(folder / "start", CELLS).path, [])
        tell("one shard a cell, Snakemake's own start", start)
        smallest: tuple[float, float] | None = None
        for size in sizes:
            study = make_scaled_study(folder / str(size), size // JOBS_A_SHARD)
            plan = dry_run(study.path, [])
            if plan.jobs <= start.jobs:
                raise SystemExit(f"--jobs {size}: these are no more than those of the start")
            each = 1000 * plan.seconds / plan.jobs
            beyond = 1000 * (plan.seconds - start.seconds) / (plan.jobs - start.jobs)
            smallest = smallest or (each, beyond)
            tell(
                f"{study.shards:,} shards in {study.cells} cells",
                plan,
                f" ({plan.seconds / miniature.seconds:.1f} of the miniature's): {each:.2f} ms a job "
                f"({each / smallest[0]:.2f} of the smallest's), beyond the start {beyond:.2f} ms "
                f"({beyond / smallest[1]:.2f} of the smallest's)",
            )


def tell(what: str, plan: Plan, ratios: str = "") -> None:
    print(
        f"{what}: {plan.jobs:,} jobs, {plan.megabytes:,.0f} MB, {plan.seconds:.1f} s{ratios}",
        flush=True,
    )


if __name__ == "__main__":
    main()
