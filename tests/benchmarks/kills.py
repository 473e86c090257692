"""SIGKILL of the sample stage at random moments, a resumption after each, and what that cost.

Runs one shard of a real model by its command and kills it again and again while it samples. Prints for
each kill how old the last flush was, which bounds what has to be drawn anew; then finishes the shard
and checks it.

    python tests/benchmarks/kills.py MODEL.json PROBLEMS.parquet [--engine transformers] [--kills 20]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from boundary.data.records import read_provenance, read_records

HEADER = 2000  # bytes of a journal that holds no sample yet


def main() -> int:
    """Kill, resume, check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("problems", type=Path)
    parser.add_argument("--engine", default="transformers")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--shard-size", type=int, default=2048)
    arguments = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        output, kept = Path(folder) / "shard.parquet", Path(folder) / "kept"
        command = [sys.executable, "-m", "boundary", "sample", "--gpus", "0"]
        command += ["--model", str(arguments.model), "--problems", str(arguments.problems)]
        command += [
            "--template",
            "mini",
            "--temperature",
            "1",
            "--top-p",
            "1",
            "--max-tokens",
            "64",
        ]
        command += ["--engine", arguments.engine, "--shard-size", str(arguments.shard_size)]
        command += ["--output", str(output)]
        ages = []
        for kill in range(1, arguments.kills + 1):
            age = kill_once(command, kept, rng.uniform(0, 8))
            if age is None:
                sys.exit(
                    f"the shard was finished after {kill - 1} kills; take a larger --shard-size"
                )
            ages.append(age)
            lines = sum(file.read_bytes().count(b"\n") for file in kept.glob("*.jsonl"))
            print(f"kill {kill:2}: last flush {age:4.1f} s before, {lines:7,} lines", flush=True)
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        samples = read_records(output, "sample", ["problem_id", "sample_index"])
        problems = len(read_records(arguments.problems, "problem", ["problem_id"]))
        missing = problems * arguments.shard_size - len(samples.drop_duplicates())
        attempts = read_provenance(output)["attempts"]
        print(
            f"{len(ages)} kills, {len(attempts)} attempts that drew something: {missing} samples missing, "
            f"{samples.duplicated().sum()} double; last flush at most {max(ages):.1f} s before a kill"
        )
        return 1 if missing or samples.duplicated().any() else 0


def kill_once(command: list[str], kept: Path, delay: float) -> float | None:
    """Start, kill ``delay`` seconds after the first flush; the last flush's age, None if it ended."""
    begun = sum(file.stat().st_size for file in kept.glob("*.jsonl"))
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )

    def journal() -> tuple[int, float]:
        (found,) = [file.stat() for file in kept.glob("*.jsonl")] or [None]
        return (found.st_size, found.st_mtime) if found else (0, 0.0)

    while journal()[0] <= max(begun, HEADER):
        if process.poll() is not None:
            return None
        time.sleep(0.02)
    time.sleep(delay)
    if process.poll() is not None:
        return None
    os.killpg(process.pid, signal.SIGKILL)
    killed = time.time()
    process.wait()
    return killed - journal()[1]


if __name__ == "__main__":
    sys.exit(main())
