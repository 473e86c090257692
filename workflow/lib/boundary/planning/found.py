"""What is there of a study already: problems, samples and scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from boundary.data.records import read_records
from boundary.planning.plan import CellKey, Found
from boundary.study.benchmark import Benchmark
from boundary.study.study import Study


def look(study: Study, results: Path) -> Found:
    """What a study's folder of results holds, and how many problems each benchmark has.

    Raises BoundaryError for a file that cannot be read.
    """
    shards: dict[CellKey, list[int]] = {}
    mean_tokens: dict[CellKey, float] = {}
    for folder in sorted((results / "sample").glob("*/*/*")):
        key = CellKey(*folder.parts[-3:])
        files = sorted(folder.glob("shard-*.parquet"))
        if files and key.sampling in study.sampling:
            shards[key] = [int(file.stem.removeprefix("shard-")) for file in files]
            mean = _mean_tokens(files)
            if mean is not None:
                mean_tokens[key] = mean
    counted = {
        name: _count_problems(benchmark, results / "benchmarks" / name / "problems.parquet")
        for name, benchmark in study.catalogue.benchmarks.items()
    }
    return Found(
        problems={name: count for name, count in counted.items() if count is not None},
        shards=shards,
        mean_tokens=mean_tokens,
        scores={str(file.relative_to(results)) for file in (results / "score").rglob("*.parquet")},
    )


def _mean_tokens(files: Sequence[Path]) -> float | None:
    """Mean length of the responses in some shards; None where none of them tells its own."""
    total = count = 0
    for file in files:
        told = read_records(file, "sample", ["n_tokens"])["n_tokens"].dropna()
        total, count = total + int(told.sum()), count + len(told)
    return total / count if count else None


def _count_problems(benchmark: Benchmark, file: Path) -> int | None:
    """Number of a benchmark's problems: of its file, else of what its entry says of them."""
    if file.is_file():
        return len(read_records(file, "problem", ["problem_id"]))
    return benchmark.stated_problems
