"""Many short jobs, a driver that is killed half-way, and the rest: what Snakemake itself costs.

    python tests/benchmarks/many_jobs.py [--jobs 5000] [--cores 2] [--profile FOLDER]

Runs the sample jobs, and no others, of a study of that many shards, with a stub in the engine's place that
copies a file. When half of them have started, Snakemake and its jobs are killed; then its lock is removed
and the run resumed. Prints how long it took until a job ran again, the driver's memory, what was drawn more
than once or is missing, and what a job took against the stub's command in a plain loop.

With a profile, workflow/profiles/slurm or one like it, its executor runs the jobs. Jobs on a cluster would
outlive a killed driver: it is interrupted (SIGINT) instead, cancels them and ends by itself. All nodes have
to see the folder of temporary files, which TMPDIR names.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from scaled_study import ScaledStudy, make_scaled_study

SNAKEMAKE = [sys.executable, "-m", "snakemake"]
LOOP = 50  # commands
POLL = 0.05  # seconds
STARTED = "started.txt"  # a line for every job that has started
SHARD = "shard.parquet"  # what jobs copy
# It imports little, so that a job takes what starting Python takes.
STUB = f'''\
"""Stands in for the engine: notes that a shard is drawn, and copies one that is there."""

import sys

if sys.argv[1:2] == ["sample"]:
    import shutil
    from pathlib import Path

    root = Path(__file__).parents[3]
    output = sys.argv[sys.argv.index("--output") + 1]
    with open(root / "{STARTED}", "a") as started:
        started.write(output + "\\n")
    shutil.copyfile(root / "{SHARD}", output)
else:
    from boundary.cli import entry_point

    entry_point()
'''


class Run(NamedTuple):
    """What a run of Snakemake took, and how far it came."""

    seconds: float
    first: float  # seconds until a job had started; NaN where none did
    megabytes: float
    jobs: int  # that have started
    output: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--cores", type=int, default=2, help="local ones, without a profile")
    parser.add_argument("--profile", type=Path, help="a workflow profile, such as Slurm's")
    arguments = parser.parse_args()
    # Who is started in the background by a shell ignores SIGINT, and so would those it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if arguments.profile is None:
        place, options = f"{arguments.cores} cores", ["--cores", str(arguments.cores)]
        options += ["--scheduler", "greedy"]  # as the profile for Slurm has it
        stop, most_drawn_again = kill_all, arguments.cores
    else:
        place, options = str(arguments.profile), ["--workflow-profile"]
        options.append(str(arguments.profile.resolve()))
        stop, most_drawn_again = interrupt, arguments.jobs
    with tempfile.TemporaryDirectory() as name:
        study = make_scaled_study(Path(name) / "many", arguments.jobs)
        put_stub(study)
        snakemake(study, [*options, *study.prepared])
        print(f"{study.shards:,} shards in {study.cells} cells, {place}", flush=True)
        resumed = stop_and_resume(study, options, stop)
        wrong = check_shards(study, most_drawn_again)
        tell_cost_of_jobs(study, resumed)
    return wrong


def stop_and_resume(study: ScaledStudy, options: list[str], stop: Callable[[int], None]) -> Run:
    """Run half of the jobs, the others, and once more when nothing is left to do."""
    sample = [*options, "--until", "sample"]
    stopped = snakemake(study, sample, stop)
    unlocked = snakemake(study, [*options, "--unlock"])
    resumed, idle = (snakemake(study, [*sample, "--rerun-incomplete"]) for _ in range(2))
    for run in (stopped, resumed):
        check_jobs(run)
    if idle.jobs:
        raise SystemExit(f"{idle.jobs} jobs ran where nothing was left to do:\n{idle.output}")
    print(
        f"until the first job: {stopped.first:.1f} s from nothing; {resumed.first:.1f} s when resumed with "
        f"{stopped.jobs:,} started ({resumed.first / stopped.first:.2f} of that), after "
        f"{unlocked.seconds:.1f} s of --unlock; a run with nothing left to do: {idle.seconds:.1f} s "
        f"({idle.seconds / stopped.first:.2f})"
    )
    print(
        f"driver's memory: {stopped.megabytes:,.0f} MB until it was stopped, {resumed.megabytes:,.0f} MB "
        f"resumed, {idle.megabytes:,.0f} MB with nothing left to do",
        flush=True,
    )
    return resumed


def check_jobs(run: Run) -> None:
    """Only samples are to be drawn, and in both halves."""
    stats = run.output.partition("Job stats:")[2].partition("\n\n")[0]
    rules = set(re.findall(r"^(\w+) +\d+$", stats, re.M))
    if rules != {"sample", "total"} or not run.jobs:
        raise SystemExit(f"expected jobs of the rule sample alone; take more --jobs:\n{run.output}")


def check_shards(study: ScaledStudy, most_drawn_again: int) -> int:
    """Tell what is missing, and what was drawn again: at a kill no more than was under way."""
    size = (study.path / SHARD).stat().st_size
    shards = study.results.glob("sample/*/*/*/shard-*.parquet")
    missing = study.shards - sum(shard.stat().st_size == size for shard in shards)
    drawn = Counter((study.path / STARTED).read_text().split())
    again = sum(count > 1 for count in drawn.values())
    print(f"shards drawn more than once: {again}; missing or cut short: {missing}", flush=True)
    return 1 if missing or again > most_drawn_again else 0


def tell_cost_of_jobs(study: ScaledStudy, resumed: Run) -> None:
    """Wall-clock time a job of the resumed run, of all of it and from its first job on, and of a loop."""
    alone = seconds_in_loop(study)
    whole = resumed.seconds / resumed.jobs
    running = (resumed.seconds - resumed.first) / resumed.jobs
    print(
        f"resumed: {resumed.jobs:,} jobs in {resumed.seconds:.1f} s, {1000 * whole:.0f} ms a job, "
        f"{1000 * running:.0f} ms from the first on; the same command in a plain loop, one at a time: "
        f"{1000 * alone:.0f} ms (Snakemake's are {whole / alone:.1f} and {running / alone:.1f} times that)"
    )


def seconds_in_loop(study: ScaledStudy) -> float:
    """Seconds of one command of the stub, started without Snakemake."""
    command = [sys.executable, "-m", "boundary", "sample", "--output", "loop.parquet"]
    library = str(study.path / "workflow" / "lib")
    begun = time.perf_counter()
    for _ in range(LOOP):
        subprocess.run(
            command, cwd=study.path, env=os.environ | {"PYTHONPATH": library}, check=True
        )
    return (time.perf_counter() - begun) / LOOP


def put_stub(study: ScaledStudy) -> None:
    """Put the stub in the engine's place, and the shard that it copies."""
    (study.path / "workflow" / "lib" / "boundary" / "__main__.py").write_text(STUB)
    (study.path / STARTED).touch()
    # In a process of its own, since Linux counts what a process holds when it starts another as the other's
    # peak, too: pandas here would be taken for the driver's memory.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(write_shard, study.path / SHARD).result()


def write_shard(path: Path) -> None:
    import pandas as pd
    from boundary.data.records import write_records

    sample = {
        "problem_id": "0",
        "sample_index": 0,
        "text": "4",
        "token_ids": [4],
        "n_tokens": 1,
        "finish_reason": "stop",
        "logprob_sum": -1.0,
    }
    write_records(path, "sample", pd.DataFrame([sample]), {})


def snakemake(
    study: ScaledStudy, options: list[str], stop: Callable[[int], None] | None = None
) -> Run:
    """Run it, and ``stop`` it, if that is given, when half of the shards have started."""
    # Of the copy and not of this checkout, should PYTHONPATH say so.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # What a killed run leaves there goes with the copy.
    environment["TMPDIR"] = str(study.path.parent)
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*SNAKEMAKE, *options],
            cwd=study.path,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            run, status = watch(process.pid, study, stop)
        except BaseException:
            kill_all(process.pid)
            raise
        log.seek(0)
        run = run._replace(output=log.read())
    if (2 * run.jobs < study.shards) if stop else status:
        raise SystemExit(f"Snakemake failed:\n{run.output}")
    return run


def watch(process: int, study: ScaledStudy, stop: Callable[[int], None] | None) -> tuple[Run, int]:
    """Wait for the end; the most memory is of Snakemake's process, as wait4 tells it."""
    begun, before, first = time.perf_counter(), started(study), math.nan
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        jobs, seconds = started(study) - before, time.perf_counter() - begun
        if jobs and math.isnan(first):
            first = seconds
        if ended:
            return Run(seconds, first, used.ru_maxrss / 1024, jobs), status
        if stop is not None and 2 * jobs >= study.shards:
            stop(process)
            stop = None
        time.sleep(POLL)


def started(study: ScaledStudy) -> int:
    """Number of jobs that have started, by whatever run."""
    return (study.path / STARTED).read_bytes().count(b"\n")


def kill_all(process: int) -> None:
    """Kill it and all that it started."""
    os.killpg(process, signal.SIGKILL)


def interrupt(process: int) -> None:
    """Ask it to end, once."""
    os.kill(process, signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
