"""Ten million verdicts read, checked and counted, against pandas' own way of doing the same.

    python tests/benchmarks/counting.py [--problems 2500] [--samples 4000]

Prints seconds and the most memory (of a process of its own) of `boundary analyse counts`, and of reading
all rows into one table and grouping it by problem, which checks nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from boundary.data.records import write_records

SHARD = 125
GROUPED = """
import sys
import pandas as pd
columns = ["problem_id", "sample_index", "verdict", "finish_reason"]
table = pd.concat([pd.read_parquet(path, columns=columns) for path in sys.argv[1:]])
groups = table["verdict"].eq("correct").groupby(table["problem_id"])
print(groups.agg(["size", "sum"]).sum().to_dict())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=2500)
    parser.add_argument("--samples", type=int, default=4000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = write_cell(folder, arguments.problems, arguments.samples)
        rows = arguments.problems * len(shards) * SHARD
        print(f"{rows:,} verdicts in {len(shards)} files")
        count = [sys.executable, "-m", "boundary", "analyse", "counts", "--verdicts", *shards]
        count += ["--problems", f"{folder}/problems.parquet", "--n", str(len(shards) * SHARD)]
        count += ["--output", f"{folder}/counts.parquet", "--tally", f"{folder}/tally.csv"]
        ours = measure("boundary analyse counts", count)
        theirs = measure("pandas, grouped", [sys.executable, "-c", GROUPED, *shards])
    print(f"ratio of the times {theirs / ours:.2f}")


def write_cell(folder: Path, problems: int, samples: int) -> list[str]:
    rng = np.random.default_rng(0)
    ids = [f"benchmark/{number:05d}" for number in range(problems)]
    problem = {"problem_id": ids, "domain": "math", "question": "?", "gold": '"1"'}
    write_records(folder / "problems.parquet", "problem", pd.DataFrame(problem), {})
    rates = np.repeat(rng.beta(0.4, 1, problems), SHARD)
    paths = []
    for number in range(samples // SHARD):
        right = rng.random(problems * SHARD) < rates
        frame = pd.DataFrame(
            {
                "problem_id": np.repeat(ids, SHARD),
                "sample_index": np.tile(np.arange(SHARD) + number * SHARD, problems),
                "answer": rng.integers(0, 999, problems * SHARD).astype(str),
                "found": "box",
                "verdict": np.where(right, "correct", "wrong"),
                "rung": "number",
                "detail": "equal numbers",
                "finish_reason": "stop",
            }
        )
        paths.append(str(folder / f"shard-{number:04d}.parquet"))
        write_records(Path(paths[-1]), "verdict", frame, {})
    return paths


def measure(what: str, command: list[str]) -> float:
    """Seconds of ``command``; its most memory is asked of the kernel by GNU time's way, wait4."""
    import os

    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    taken = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{what} failed")
    print(f"{what}: {taken:.1f} s, {used.ru_maxrss / 1e6:.2f} GB")
    return taken


if __name__ == "__main__":
    main()
