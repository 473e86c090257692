"""The golds of real benchmark files, in the folder that the variable BENCHMARK_FILES names."""

import json
import os
from functools import cache
from pathlib import Path

from boundary.verification.boxes import last_box

_named = os.environ.get("BENCHMARK_FILES")
BENCHMARK_FILES = Path(_named) if _named and Path(_named).is_dir() else None

GOLDS = {
    "aime24": ("aime24.jsonl", lambda row: str(row["answer"])),
    "amc23": ("amc23.jsonl", lambda row: str(row["answer"])),
    "gsm8k": ("gsm8k.jsonl", lambda row: row["answer"].split("####")[1].strip()),
    "math500": ("math500.jsonl", lambda row: row["answer"]),
    "minerva": ("minerva_math.jsonl", lambda row: last_box(row["solution"])),
    "olympiad": ("olympiadbench.jsonl", lambda row: row["final_answer"][0]),
}


@cache
def real_golds() -> dict[str, list[str]]:
    """Distinct golds by benchmark."""
    assert BENCHMARK_FILES is not None
    found = {}
    for name, (file, gold) in GOLDS.items():
        rows = map(json.loads, (BENCHMARK_FILES / file).read_text().splitlines())
        found[name] = list(dict.fromkeys(map(gold, rows)))
    return found
