"""Tokens per second of the transformers engine against the library's own ``generate``.

Same model, problems, samples, sampling parameters and rows in a batch; the two take turns, and the
ratio is that of their medians. Needs a finished miniature study:

    python tests/benchmarks/engine_throughput.py [--rows 256 512 2048] [--problems 32] [--n 256]
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from boundary.data.records import read_records
from boundary.sampling.engine import Request, SamplingParameters
from boundary.sampling.transformers_engine import TransformersEngine

STUDY = Path("results/miniature")


def with_engine(engine: TransformersEngine, prompts: list[str], n: int, max_tokens: int) -> int:
    """Tokens sampled by our engine."""
    requests = [Request(str(i), prompt, tuple(range(n))) for i, prompt in enumerate(prompts)]
    parameters = SamplingParameters(temperature=1.0, top_p=1.0, max_tokens=max_tokens)
    return sum(completion.n_tokens for completion in engine.sample(requests, parameters, seed=1))


def with_generate(engine: TransformersEngine, prompts: list[str], n: int, max_tokens: int) -> int:
    """Tokens sampled by ``generate(num_return_sequences=n)``, as many rows a call as our engine's."""
    tokenizer, model = engine.tokenizer, engine.model
    at_once = max(1, engine.max_rows // n)
    tokens = 0
    for start in range(0, len(prompts), at_once):
        batch = tokenizer(
            prompts[start : start + at_once], return_tensors="pt", padding=True, padding_side="left"
        )
        output = model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            do_sample=True,
            temperature=1.0,
            top_p=1.0,
            top_k=0,
            num_return_sequences=n,
            max_new_tokens=max_tokens,
        )
        new = output[:, batch["input_ids"].shape[1] :]
        tokens += int((new != tokenizer.pad_token_id).sum())
    return tokens


def measure(rows: int, prompts: list[str], n: int, repeats: int) -> None:
    """Print both rates, as medians over ``repeats``, and their ratio."""
    engine = TransformersEngine(STUDY / "models/mini-base/checkpoint", max_rows=rows)
    rates: dict[str, list[float]] = {"engine": [], "generate": []}
    for _ in range(repeats):
        for name, run in (("engine", with_engine), ("generate", with_generate)):
            with torch.inference_mode():
                started = time.perf_counter()
                tokens = run(engine, prompts, n, max_tokens=64)
                rates[name].append(tokens / (time.perf_counter() - started))
    ours, theirs = (statistics.median(rates[name]) for name in ("engine", "generate"))
    print(
        f"{rows:6} rows: {ours:9,.0f} {theirs:9,.0f} tokens/s, ratio {ours / theirs:.2f}",
        flush=True,
    )


def main() -> None:
    """Measure at several batch budgets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[256, 512, 2048], help="batch budgets"
    )
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    problems = read_records(STUDY / "benchmarks/arith/problems.parquet", "problem")
    prompts = [f"{question}=" for question in problems["question"][: arguments.problems]]
    print(
        f"{len(prompts)} problems x {arguments.n}, {torch.get_num_threads()} threads: engine, generate"
    )
    for rows in arguments.rows:
        measure(rows, prompts, arguments.n, arguments.repeats)


if __name__ == "__main__":
    main()
