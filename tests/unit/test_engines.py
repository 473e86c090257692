"""Which engine is opened, and what is said of a checkpoint that cannot be."""

import json
import os
import shutil

import pytest
from boundary.data.checkpoint import check_checkpoint
from boundary.data.endpoint import Endpoint
from boundary.data.model_record import ModelRecord
from boundary.errors import BoundaryError
from boundary.sampling.encoding import Encoding
from boundary.sampling.engine import EngineSettings, Request, SamplingParameters
from boundary.sampling.engines import choose_engine, open_engine
from boundary.sampling.seeds import engine_seed, request_seed
from boundary.sampling.tokens import response_text
from boundary.sampling.transformers_engine import TransformersEngine
from safetensors.torch import load_file, save_file

FAR = ModelRecord("far", "r", endpoint=Endpoint("http://127.0.0.1:9/v1", "m"))


@pytest.fixture
def checkpoint(random_checkpoint, tmp_path):
    return shutil.copytree(random_checkpoint, tmp_path / "checkpoint")


@pytest.mark.parametrize(
    ("gpus", "has_gpu", "has_vllm", "chosen"),
    [
        (1, True, True, "vllm"),
        (1, True, False, "transformers"),
        (1, False, True, "transformers"),
        (0, True, True, "transformers"),
    ],
)
def test_auto_takes_vllm_where_it_finds_a_gpu(
    monkeypatch, random_checkpoint, gpus, has_gpu, has_vllm, chosen
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: has_gpu)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: has_vllm or None)
    model = ModelRecord("m", "r", random_checkpoint)
    assert choose_engine(model, EngineSettings(gpus=gpus)) == chosen


def test_a_look_for_a_gpu_sets_up_nothing_that_workers_would_inherit(
    monkeypatch, random_checkpoint
):
    monkeypatch.delenv("PYTORCH_NVML_BASED_CUDA_CHECK", raising=False)
    seen = []
    monkeypatch.setattr(
        "torch.cuda.is_available",
        lambda: seen.append(os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"]) or False,
    )
    choose_engine(ModelRecord("m", "r", random_checkpoint), EngineSettings())
    assert seen == ["1"]


@pytest.mark.parametrize("name", ["auto", "transformers"])
def test_transformers_spreads_nothing_over_several_gpus(monkeypatch, random_checkpoint, name):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(BoundaryError, match="only vllm spreads a model over 4 GPUs"):
        open_engine(name, ModelRecord("m", "r", random_checkpoint), EngineSettings(gpus=4))


def test_an_endpoint_has_its_own_engine(random_checkpoint):
    assert choose_engine(FAR, EngineSettings()) == "openai"
    for name, model in (("vllm", FAR), ("openai", ModelRecord("m", "r", random_checkpoint))):
        with pytest.raises(BoundaryError, match="take the engine auto"):
            open_engine(name, model, EngineSettings())


def test_an_engine_that_is_not_installed_is_a_message(random_checkpoint):
    with pytest.raises(BoundaryError, match=r"needs the package vllm, which is not installed"):
        open_engine("vllm", ModelRecord("m", "r", random_checkpoint), EngineSettings())


def test_a_missing_folder_is_a_message(tmp_path):
    model = ModelRecord("m", "r", tmp_path / "gone")
    with pytest.raises(BoundaryError, match=r"gone: there is no such folder"):
        open_engine("transformers", model, EngineSettings())


def test_weights_cut_short_at_any_place_are_told(checkpoint):
    check_checkpoint(checkpoint)
    weights = checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    for length in (0, 5, 8, 100, len(whole) // 2, len(whole) - 1):
        weights.write_bytes(whole[:length])
        with pytest.raises(BoundaryError, match=r"model\.safetensors: cut short or damaged"):
            check_checkpoint(checkpoint)
    weights.write_bytes(b"<html>not found</html>" * 9)
    with pytest.raises(BoundaryError, match="cut short or damaged"):
        check_checkpoint(checkpoint)


def test_a_download_that_lacks_a_part_is_told(checkpoint):
    tensors = load_file(checkpoint / "model.safetensors")
    (checkpoint / "model.safetensors").unlink()
    save_file(dict(list(tensors.items())[:3]), checkpoint / "model-00001-of-00002.safetensors")
    listed = {
        name: f"model-0000{1 + (i > 2)}-of-00002.safetensors" for i, name in enumerate(tensors)
    }
    index = checkpoint / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": listed}))
    with pytest.raises(BoundaryError, match=r"1 of 2 weight files are missing, model-00002"):
        check_checkpoint(checkpoint)
    for torn in (json.dumps({"weight_map": listed})[:-30], "", "[]", '{"metadata": {}}'):
        index.write_text(torn)
        with pytest.raises(BoundaryError, match=r"index\.json: cut short or damaged"):
            check_checkpoint(checkpoint)


def test_a_template_of_another_family_is_told(random_checkpoint):
    encoding = Encoding(random_checkpoint)
    encoding.check_template("{question}=")
    with pytest.raises(BoundaryError, match=r"writes '<\|im_end\|>', which is no token"):
        encoding.check_template("<|im_start|>user\n{question}<|im_end|>")
    with pytest.raises(BoundaryError, match=r"ends with '<\|im_end\|>'"):
        encoding.end_token_ids("<|im_end|>")


def test_a_tokenizer_that_knows_the_templates_tokens_is_content(checkpoint):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.save_pretrained(checkpoint)
    encoding = Encoding(checkpoint)
    encoding.check_template("<|im_start|>user\n{question}<|im_end|>")
    end_ids = encoding.end_token_ids("<|im_end|>")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert set(end_ids) == {tokenizer.eos_token_id, end}
    token_ids = [*tokenizer("1+2")["input_ids"], end]
    assert response_text(encoding.tokenizer, token_ids, ended=True) == "1+2"


def test_end_tokens_of_a_generation_config_count(checkpoint):
    from transformers import GenerationConfig

    GenerationConfig(eos_token_id=[2, 7]).save_pretrained(checkpoint)
    assert Encoding(checkpoint).end_token_ids(None) == [2, 7]


def test_max_model_len_shortens_the_context_and_never_lengthens_it(random_checkpoint):
    assert Encoding(random_checkpoint, 20).context == 20
    assert Encoding(random_checkpoint, 20_000).context == Encoding(random_checkpoint).context == 64
    engine = TransformersEngine(random_checkpoint, EngineSettings(gpus=0, max_model_len=12))
    steps = engine.sample([Request("p", "1+2=", (0, 1))], SamplingParameters(1, 1, 99), 1)
    lengths = [s.n_tokens + s.n_prompt_tokens for finished in steps for s in finished]
    assert len(lengths) == 2 and max(lengths) <= 12


def test_a_damaged_configuration_is_a_message(checkpoint):
    (checkpoint / "config.json").write_text("{")
    with pytest.raises(BoundaryError, match="cannot be loaded"):
        Encoding(checkpoint)


def drawn_by_transformers(checkpoint, temperature, top_p, **settings):
    engine = TransformersEngine(checkpoint, EngineSettings(gpus=0, **settings))
    parameters = SamplingParameters(temperature, top_p, 8)
    steps = engine.sample([Request("p", "1+2=", tuple(range(40)))], parameters, 1)
    return [tuple(sample.token_ids) for finished in steps for sample in finished], engine


def test_the_transformers_engine_heeds_what_it_is_told(random_checkpoint):
    drawn, engine = drawn_by_transformers(random_checkpoint, 1, 1)
    assert len(set(drawn)) == 40 and engine.describe()["dtype"] == "float32"
    (greedy,) = set(drawn_by_transformers(random_checkpoint, 0, 1)[0])
    assert set(drawn_by_transformers(random_checkpoint, 1, 1e-6)[0]) == {greedy}
    _, engine = drawn_by_transformers(random_checkpoint, 1, 1, dtype="bfloat16")
    assert engine.describe()["dtype"] == "bfloat16"


def test_probabilities_that_are_no_numbers_are_refused(random_checkpoint):
    encoding = Encoding(random_checkpoint)
    (prompt,) = encoding.encode([Request("p", "1+2=", (3,))], SamplingParameters(1, 1, 9))
    for score in (float("nan"), float("-inf"), None):
        with pytest.raises(BoundaryError, match=r"problem p, sample 3: its log-probability is"):
            encoding.completion(prompt, 3, [5, 6], "stop", score)


def test_what_does_not_fit_is_told_whatever_is_still_to_be_drawn(random_checkpoint):
    engine = TransformersEngine(random_checkpoint, EngineSettings(gpus=0))
    requests = [Request("short", "1+2=", (0,)), Request("long", "1+" * 40, (0,))]
    with pytest.raises(BoundaryError, match="problem long: its prompt has"):
        engine.prepare("{question}=", requests, SamplingParameters(1, 1, 9))
    with pytest.raises(BoundaryError, match="made for another family"):
        engine.prepare("<|im_start|>{question}", requests[:1], SamplingParameters(1, 1, 9))


def test_a_bos_that_the_template_writes_is_not_added_again(checkpoint):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.bos_token = tokenizer.eos_token
    tokenizer.save_pretrained(checkpoint)
    encoding = Encoding(checkpoint)
    bos = tokenizer.eos_token
    texts = ("1+2=", f"{bos}1+2=")
    requests = [Request("p", text, (0,)) for text in texts]
    plain, written = encoding.encode(requests, SamplingParameters(1, 1, 9))
    assert written.token_ids.count(tokenizer.eos_token_id) == 1
    assert written.token_ids[-4:] == plain.token_ids[-4:]


def test_an_engines_seed_changes_with_what_is_asked():
    one, two = Request("p", "x", (0, 1)), Request("q", "x", (0, 1))
    asked = [
        [one, two],
        [two],
        [one],
        [Request("p", "x", (1,)), two],
        [Request("p", "x", (0,)), two],
    ]
    seeds = {engine_seed(seed, requests) for seed in (1, 2) for requests in asked}
    assert len(seeds) == 10 and max(seeds) < 2**32
    assert engine_seed(1, [one, two]) == engine_seed(1, [one, two])


def test_seeds_of_requests_are_apart():
    seeds = {request_seed(s, p, i) for s in (1, 2) for p in ("p", "q") for i in range(50)}
    assert len(seeds) == 200 and max(seeds) < 2**48
    assert len({seed - min(seeds) for seed in seeds} & {1, 2, 3}) == 0  # and no neighbours
