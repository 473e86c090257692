"""What normalising a benchmark's file takes, against a plain reading of the same file.

    BENCHMARK_FILES=FOLDER python tests/benchmarks/benchmark_loading.py [--megabytes 100] [--repeats 3]

    ours    `boundary benchmarks --path FILE`, which checks, digests and writes the problems
    plain   json.loads of each line, which keeps nothing; of LiveCodeBench's private tests also base64,
            zlib, pickle.loads and json.loads

Each is a process of its own, start included; they take turns, and seconds are medians. The files are a
made-up one of a single problem, which tells what starting takes; those of the folder; and a made-up one of
LiveCodeBench, of at least --megabytes, whose problems have 10 KB to 30 MB of tests, packed as published.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import os
import pickle
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import yaml

# Nothing heavier is imported: a child's most memory, as the kernel tells it, is at least this process's.

ROOT = Path(__file__).parents[2]
FILES = {
    "gsm8k": "gsm8k.jsonl",
    "math500": "math500.jsonl",
    "minerva": "minerva_math.jsonl",
    "olympiad": "olympiadbench.jsonl",
    "aime24": "aime24.jsonl",
    "amc23": "amc23.jsonl",
}
# How the files at hand differ from the catalogue's, as in tests/unit/test_real_benchmarks.py.
IN_SOLUTIONS = {"question": "problem", "gold": "solution", "gold_in": "last_box"}
CHANGES = {"minerva": {"fields": IN_SOLUTIONS}, "olympiad": {"rows": 675}}

PLAIN = """
import gzip, json, sys
opened = gzip.open if sys.argv[1].endswith(".gz") else open
with opened(sys.argv[1], "rt", encoding="utf-8") as file:
    for line in file:
        row = json.loads(line)
"""
# Of a file that this script made: the pickles of others are not to be loaded like that.
PLAIN_PACKED = """
import base64, json, pickle, sys, zlib
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        row = json.loads(line)
        packed = base64.b64decode(row["private_test_cases"])
        tests = json.loads(pickle.loads(zlib.decompress(packed)))
"""
SMALLEST, LARGEST = 10e3, 30e6  # bytes of one problem's tests
NUMBERS = 1000  # of one test


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    named = os.environ.get("BENCHMARK_FILES")
    if not named or not Path(named).is_dir():
        sys.exit("set BENCHMARK_FILES to the folder of the benchmarks' files")
    folder = Path(named)
    with tempfile.TemporaryDirectory() as name:
        one, livecodebench = Path(name) / "one.jsonl", Path(name) / "livecodebench.jsonl"
        one.write_text('{"question": "What is 1 + 1?", "answer": "2"}\n')
        compare("a single problem", one, ["--rows", "1"], PLAIN, arguments.repeats)
        catalogue = yaml.safe_load((ROOT / "config/benchmarks.yaml").read_text())
        for benchmark, file in FILES.items():
            entry = catalogue[benchmark] | CHANGES.get(benchmark, {})
            reading = ["--fields", json.dumps(entry.get("fields", {})), f"--rows={entry['rows']}"]
            compare(benchmark, folder / file, reading, PLAIN, arguments.repeats)
        reading = ["--format", "humaneval_plus", "--rows", "164"]
        compare("humaneval", folder / "HumanEval.jsonl.gz", reading, PLAIN, arguments.repeats)
        make = multiprocessing.Process(
            target=write_livecodebench, args=(livecodebench, arguments.megabytes)
        )
        make.start()  # elsewhere, for this process to stay small
        make.join()
        if make.exitcode:
            sys.exit("the file of LiveCodeBench could not be made")
        reading = ["--format", "livecodebench"]
        compare("livecodebench", livecodebench, reading, PLAIN_PACKED, arguments.repeats)


def write_livecodebench(path: Path, megabytes: int) -> None:
    """Problems until the file has that size; the sizes of their tests are even on a log scale."""
    draw = random.Random(1)
    numbers = [str(draw.randrange(10**9)) for _ in range(100_000)]
    with path.open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < megabytes * 1e6:
            size = SMALLEST * (LARGEST / SMALLEST) ** draw.random()
            texts = (" ".join(draw.choices(numbers, k=NUMBERS)) for _ in range(int(size // 10_000)))
            tests = [
                {"input": f"{NUMBERS}\n{text}\n", "output": text[:9], "testtype": "stdin"}
                for text in texts
            ]
            packed = base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests))))
            row = {
                "question_title": "Sum",
                "question_content": "Read n and n numbers. Print their sum.",
                "platform": "atcoder",
                "question_id": f"abc{number:04d}_a",
                "contest_id": f"abc{number:04d}",
                "contest_date": "2024-08-03T00:00:00",
                "starter_code": "",
                "difficulty": "easy",
                "public_test_cases": json.dumps(tests[:1]),
                "private_test_cases": packed.decode(),
                "metadata": "{}",
            }
            file.write(json.dumps(row) + "\n")
            number += 1


def compare(benchmark: str, file: Path, reading: list[str], plain: str, repeats: int) -> None:
    """Print seconds and the most memory of both ways, and their ratios."""
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    memory: dict[str, list[float]] = {"ours": [], "plain": []}
    with tempfile.TemporaryDirectory() as name:
        ours = [sys.executable, "-m", "boundary", "benchmarks", "--name", "measured", *reading]
        ours += ["--path", str(file), "--output", f"{name}/problems.parquet"]
        commands = {"ours": ours, "plain": [sys.executable, "-c", plain, str(file)]}
        for _ in range(repeats):
            for way, command in commands.items():
                taken, most = measure(command)
                seconds[way].append(taken)
                memory[way].append(most)
    taken = {way: statistics.median(values) for way, values in seconds.items()}
    most = {way: max(values) for way, values in memory.items()}
    print(
        f"{benchmark}, {file.stat().st_size / 1e6:.2f} MB: "
        f"ours {taken['ours']:.2f} s, {most['ours']:,.0f} MB; "
        f"plain {taken['plain']:.2f} s, {most['plain']:,.0f} MB; "
        f"ratios {taken['ours'] / taken['plain']:.1f}, {most['ours'] / most['plain']:.1f}",
        flush=True,
    )


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and most MB of a process, as wait4 tells it."""
    with tempfile.TemporaryFile("w+") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        taken = time.perf_counter() - begun
        if status:
            log.seek(0)
            sys.exit(f"{command} failed:\n{log.read()}")
    return taken, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
