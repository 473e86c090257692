"""Pictures through vLLM's multimodal input, held against transformers on the same checkpoint."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from boundary.data.model_record import ModelRecord, write_model_record
from boundary.data.records import read_provenance, write_records
from boundary.miniature.tokenizer import build_tokenizer
from boundary.training.architecture import build_image_processor, build_vision_language_model
from pictures import SHAPES, visual_problems

ROOT = Path(__file__).parents[2]
TORCHVISION = [Path(__file__).with_name("torchvision_on_cpu"), ROOT / ".venv-vllm/torchvision"]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(map(str, [*TORCHVISION, ROOT / "workflow/lib"])),
    "VLLM_CPU_KVCACHE_SPACE": "2",
}
POSED = ["--template", "mini-visual", "--prompts", str(ROOT / "config/prompts.yaml")]
SIZES = {"hidden_size": 64, "layers": 2, "heads": 2, "context": 96}
VISION = {"hidden_size": 64, "layers": 2, "heads": 2}


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "boundary", *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that is sure of little and looks at what it is shown; problems; samples by vLLM."""
    folder = tmp_path_factory.mktemp("pictures")
    tokenizer = build_tokenizer("pictures")
    model = build_vision_language_model(tokenizer, **SIZES, vision=VISION, seed=5)
    for layer in model.model.language_model.layers:
        for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
            projection.weight.data *= 8
    model.lm_head.weight.data *= 4
    for part in (model, tokenizer, build_image_processor().library):
        part.save_pretrained(folder / "checkpoint")
    write_model_record(folder / "model.json", ModelRecord("m", "r", folder / "checkpoint"))
    about = {"benchmark": "v", "protocol": 1}
    write_records(folder / "problems.parquet", "problem", visual_problems(len(SHAPES)), about)
    inputs = ["--model", folder / "model.json", "--problems", folder / "problems.parquet", *POSED]
    drawing = ["--temperature", 1, "--top-p", 1, "--max-tokens", 20, "--shard-size", 8]
    output = ["--engine", "vllm", "--gpus", 0, "--output", folder / "samples.parquet"]
    done = run("sample", *inputs, *drawing, *output)
    assert done.returncode == 0, done.stderr[-5000:]
    return folder


def test_samples_to_pictures_are_as_likely_as_transformers_says(folder):
    samples = pd.read_parquet(folder / "samples.parquet")
    inputs = ["--samples", folder / "samples.parquet", "--problems", folder / "problems.parquet"]
    scorer = ["--scorer", folder / "model.json", "--gpus", 0, *POSED]
    done = run("score", *scorer, *inputs, "--output", folder / "scores.parquet")
    assert done.returncode == 0, done.stderr[-5000:]
    scores = pd.read_parquet(folder / "scores.parquet")
    both = samples.merge(scores, on=["problem_id", "sample_index"]).dropna(subset="nll_sum")
    assert len(both) > 0.8 * len(samples) == 0.8 * 8 * len(SHAPES)
    # vLLM resizes by torchvision, whose rounding is not Pillow's.
    assert (both["logprob_sum"] + both["nll_sum"]).abs().max() < 0.01 * both["nll_sum"].mean()


def test_the_record_tells_what_the_model_was_shown(folder):
    (attempt,) = read_provenance(folder / "samples.parquet")["attempts"]
    assert attempt["engine"] == "vllm" and attempt["versions"]["torchvision"].startswith("0.28.0")
    images = attempt["images"]
    assert [images[f"v/{n}"][0]["size"] for n in range(len(SHAPES))] == [list(s) for s in SHAPES]


def test_vllm_does_not_score_them(folder):
    inputs = ["--samples", folder / "samples.parquet", "--problems", folder / "problems.parquet"]
    scorer = ["--scorer", folder / "model.json", "--engine", "vllm", "--gpus", 0, *POSED]
    done = run("score", *scorer, *inputs, "--output", folder / "none.parquet")
    assert done.returncode == 1
    assert "problem v/0: vLLM is not shown pictures when it scores" in done.stderr
