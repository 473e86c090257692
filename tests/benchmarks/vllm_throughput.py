"""Tokens per second and peak memory: the sample stage, bare ``LLM.generate``, and the published way.

    stage      the sample stage with vLLM: journal, flushes and sealed shard included
    generate   ``LLM.generate`` on the same requests, n samples a request, all returned at the end
    repeated   as the paper's published code samples: every prompt n times, one sample a request

Same model, problems, sampling parameters and log-probabilities; loading is not counted. Each run is a
process of its own, and they take turns; ratios are of the medians. Exit code 1 if the stage is slower than
0.95 of ``LLM.generate``. In vLLM's environment:

    python tests/benchmarks/vllm_throughput.py MODEL.json PROBLEMS.parquet [--n 64] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boundary.data.model_record import read_model_record
from boundary.data.records import read_provenance, read_records

MAX_TOKENS = 64
WAYS = ("stage", "generate", "repeated")


def resident_megabytes(process: int) -> float:
    """Memory of a process and all that came of it; pages that they share count once for each."""
    parents = {}
    sizes = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(folder.name)] = int(fields[1])
        sizes[int(folder.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    family = {process}
    while new := {child for child, parent in parents.items() if parent in family} - family:
        family |= new
    return sum(sizes.get(member, 0) for member in family)


@contextmanager
def measured(result: dict[str, float]) -> Iterator[None]:
    """Seconds of a block, and memory at its beginning and at most while it lasts."""
    result["before"] = result["peak"] = resident_megabytes(os.getpid())
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            result["peak"] = max(result["peak"], resident_megabytes(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    yield
    result["seconds"] = time.perf_counter() - started
    done.set()
    watcher.join()


def run_stage(model: Path, problems: Path, n: int) -> dict[str, float]:
    """The stage's own command, from the moment at which the engine is loaded."""
    from boundary.cli import main as boundary
    from boundary.sampling.vllm_engine import VllmEngine

    load = VllmEngine._load
    result: dict[str, float] = {}
    block = measured(result)

    def load_and_start(*arguments):  # type: ignore[no-untyped-def]
        engine = load(*arguments)
        block.__enter__()
        return engine

    VllmEngine._load = load_and_start  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "shard.parquet"
        command = ["sample", "--model", model, "--problems", problems, "--template", "mini"]
        command += ["--temperature", 1, "--top-p", 1, "--max-tokens", MAX_TOKENS, "--gpus", 0]
        command += ["--shard-size", n, "--engine", "vllm", "--output", output]
        assert boundary(list(map(str, command))) == 0
        block.__exit__(None, None, None)
        return result | {"tokens": read_provenance(output)["usage"]["completion_tokens"]}


def run_generate(model: Path, problems: Path, n: int, repeats: int) -> dict[str, float]:
    """``LLM.generate``: each prompt ``repeats`` times with ``n`` samples a request."""
    from vllm import LLM, SamplingParams

    questions = read_records(problems, "problem")["question"]
    prompts = [f"{question}=" for question in questions for _ in range(repeats)]
    engine = LLM(
        model=str(read_model_record(model).checkpoint),
        dtype="float32",
        enforce_eager=True,
        max_model_len=256,
        seed=1,
        generation_config="vllm",
    )
    parameters = SamplingParams(n=n, temperature=1, top_p=1, max_tokens=MAX_TOKENS, logprobs=0)
    result: dict[str, float] = {}
    with measured(result):
        outputs = engine.generate(prompts, parameters, use_tqdm=False)
        kept = [(part.text, part.token_ids) for output in outputs for part in output.outputs]
    return result | {"tokens": sum(len(token_ids) for _, token_ids in kept)}


def run_apart(way: str, arguments: argparse.Namespace) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, str(arguments.model), str(arguments.problems)]
    done = subprocess.run(
        [*command, "--n", str(arguments.n), "--way", way],
        # The engine's core in the one process, as in the stage.
        env={"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_ENABLE_V1_MULTIPROCESSING": "0", **os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    (result,) = (
        line for line in done.stdout.splitlines() if line.startswith("{")
    )  # vLLM talks, too
    return json.loads(result)


def main() -> int:
    """Measure every way in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("problems", type=Path)
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    model, problems, n = arguments.model, arguments.problems, arguments.n
    ways: dict[str, Callable[[], dict[str, float]]] = {
        "stage": lambda: run_stage(model, problems, n),
        "generate": lambda: run_generate(model, problems, n, 1),
        "repeated": lambda: run_generate(model, problems, 1, n),
    }
    if arguments.way:
        print(json.dumps(ways[arguments.way]()))
        return 0
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(arguments.repeats):
        for way in WAYS:
            run = run_apart(way, arguments)
            found[way].append(run)
            print(
                f"{way:9} {run['tokens'] / run['seconds']:8,.0f} tokens/s, peak {run['peak']:6,.0f} MB, "
                f"of which {run['peak'] - run['before']:,.0f} MB while sampling",
                flush=True,
            )
    rates = {
        way: statistics.median(run["tokens"] / run["seconds"] for run in runs)
        for way, runs in found.items()
    }
    peaks = {way: statistics.median(run["peak"] for run in runs) for way, runs in found.items()}
    for other in WAYS[1:]:
        print(
            f"stage / {other}: tokens/s {rates['stage'] / rates[other]:.2f}, "
            f"peak memory {peaks['stage'] / peaks[other]:.2f}"
        )
    return int(rates["stage"] < 0.95 * rates["generate"])


if __name__ == "__main__":
    sys.exit(main())
