import copy
import itertools
from itertools import chain

import numpy as np
import pandas as pd
import pytest
import torch
from boundary.data.records import read_provenance, read_records
from boundary.errors import BoundaryError
from boundary.sampling.decoding import KEEP_SHARE, choose_tokens, decode
from boundary.sampling.engine import Completion, Engine, Request, SamplingParameters
from boundary.sampling.prompts import Template, load_template
from boundary.sampling.seeds import shard_seed, uniform_stream
from boundary.sampling.shard import Shard, draw_shard, missing_requests
from boundary.sampling.transformers_engine import TransformersEngine
from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM

PARAMETERS = SamplingParameters(temperature=1.0, top_p=1.0, max_tokens=12)
PROMPTS = ["1+2=", "3*4-5*6=", "7-8=", "9+1+1+1="]
flat = chain.from_iterable


def test_choose_tokens_follows_the_distribution():
    probabilities = torch.tensor([0.5, 0.0, 0.2, 0.3])
    uniforms = torch.arange(0, 1, 1e-4)
    scores = probabilities.log().expand(len(uniforms), -1)
    drawn = choose_tokens(scores, uniforms, temperature=1.0, top_p=1.0)
    shares = torch.bincount(drawn, minlength=4) / len(uniforms)
    torch.testing.assert_close(shares, probabilities, atol=2e-4, rtol=0)


def test_temperature_sharpens():
    scores = torch.tensor([[0.6, 0.4]]).log().expand(10_000, -1)
    drawn = choose_tokens(scores, torch.arange(0, 1, 1e-4), temperature=0.5, top_p=1.0)
    assert (drawn == 0).float().mean() == pytest.approx(0.36 / 0.52, abs=1e-3)


def test_greedy_takes_the_most_probable():
    scores = torch.tensor([[0.3, 0.7], [0.9, 0.1]]).log()
    assert choose_tokens(scores, torch.tensor([0.0, 0.99]), 0.0, 1.0).tolist() == [1, 0]


def test_nucleus_keeps_the_smallest_set_that_reaches_top_p():
    scores = torch.tensor([0.1, 0.4, 0.2, 0.3]).log().expand(10_000, -1)
    drawn = choose_tokens(scores, torch.arange(0, 1, 1e-4), temperature=1.0, top_p=0.65)
    shares = torch.bincount(drawn, minlength=4) / 10_000
    torch.testing.assert_close(shares, torch.tensor([0, 4 / 7, 0, 3 / 7]), atol=2e-3, rtol=0)


def test_damaged_weights_are_a_message(random_model):
    broken = copy.deepcopy(random_model)
    broken.lm_head.weight.data.fill_(float("nan"))
    rows = decode(broken, [[1, 5]], [torch.rand(2, 3)], temperature=1.0, top_p=1.0, end_ids=[2])
    with pytest.raises(BoundaryError, match="not a number"):
        list(rows)


def test_rows_that_fill_the_context_never_leave_it():
    """Learned positions, unlike rotary ones, do not exist beyond the context."""
    config = GPT2Config(vocab_size=20, n_positions=16, n_embd=32, n_layer=1, n_head=2)
    model = GPT2LMHeadModel(config).eval()
    prompts = [[3] * 12, *([4, 5] for _ in range(30))]
    uniforms = [torch.rand(1, 16 - len(prompt)) for prompt in prompts]
    steps = decode(model, prompts, uniforms, temperature=1.0, top_p=1.0, end_ids=[99])
    rows = list(flat(steps))
    assert sorted(len(row.token_ids) for row in rows) == [4] + [14] * 30


def test_the_longest_prompt_decides_how_many_rows_fit(random_checkpoint, monkeypatch):
    engine = TransformersEngine(random_checkpoint)
    bytes_a_token = 2 * 2 * 32 * 4
    monkeypatch.setattr("boundary.sampling.transformers_engine.CACHE_BYTES", 40 * 8 * bytes_a_token)
    seen = []
    real = engine._sample_batch

    def spy(batch, parameters, seed):
        longest = max(len(prompt.token_ids) + prompt.max_tokens for prompt in batch)
        seen.append(longest * sum(len(prompt.request.sample_indices) for prompt in batch))
        return real(batch, parameters, seed)

    monkeypatch.setattr(engine, "_sample_batch", spy)
    list(engine.sample(requests(["1=", "1+2+3+4+5+6+7+8+9+1+2="], range(9)), PARAMETERS, seed=1))
    assert len(seen) > 1 and max(seen) <= 320


def test_the_last_uniform_number_never_leaves_the_vocabulary():
    scores = torch.full((1, 7), 1 / 7).log()
    almost_one = torch.tensor([1 - 2**-24])
    assert choose_tokens(scores, almost_one, 1.0, 1.0).item() == 6
    assert choose_tokens(scores, almost_one, 1.0, 0.5).item() < 7


def decode_naively(model, prompt, uniforms, end_ids):
    """The same stream of uniform numbers, one row, no cache, no batch."""
    tokens, total = list(prompt), 0.0
    for uniform in uniforms:
        scores = model(input_ids=torch.tensor([tokens])).logits[:, -1].log_softmax(-1)
        token = choose_tokens(scores, uniform[None], 1.0, 1.0).item()
        tokens.append(token)
        total += scores[0, token].item()
        if token in end_ids:
            break
    return tokens[len(prompt) :], total


@torch.inference_mode()
@pytest.mark.parametrize("prompts", [PROMPTS, ["1+2=", "3-4=", "7-8=", "1+2="]])
@pytest.mark.parametrize("sharpness", [1, 8, 30])
def test_batches_say_what_single_rows_say(random_model, tokenizer, monkeypatch, sharpness, prompts):
    """Of a model that is hardly, rather, or very sure of itself; prompts of unlike lengths, or of one."""
    model = copy.deepcopy(random_model)
    model.lm_head.weight.data *= sharpness
    prompts = [tokenizer(prompt)["input_ids"] for prompt in prompts]
    limits, rows = [12, 5, 40, 12], 12
    generator = torch.Generator().manual_seed(0)
    uniforms = [torch.rand(rows, limit, generator=generator) for limit in limits]
    end_ids = [tokenizer.eos_token_id, 10]
    computed = []
    forward = model.forward
    monkeypatch.setattr(
        model,
        "forward",
        lambda **given: computed.append(len(given["input_ids"])) or forward(**given),
    )
    decoded = {
        row.row: row
        for row in flat(
            decode(model, prompts, uniforms, temperature=1.0, top_p=1.0, end_ids=end_ids)
        )
    }
    monkeypatch.undo()
    assert sorted(decoded) == list(range(len(prompts) * rows))
    lengths, said = set(), set()
    for number, row in decoded.items():
        prompt, stream = prompts[number // rows], uniforms[number // rows][number % rows]
        tokens, total = decode_naively(model, prompt, stream, end_ids)
        assert row.token_ids == tokens
        assert sum(row.log_probabilities) == pytest.approx(total, abs=1e-3)
        assert row.finished == (tokens[-1] in end_ids)
        lengths.add(len(tokens))
        # What a row says last is not computed any further.
        said |= {(number // rows, *tokens[:length]) for length in range(1, len(tokens))}
    assert len(lengths) > 5  # rows left the batch at many different steps
    # What rows share is computed once; branches that have ended may stay until they are a tenth of all.
    assert len(said) <= sum(computed[1:]) <= len(said) / KEEP_SHARE


@torch.inference_mode()
def test_a_cache_of_another_kind_takes_branches_too():
    """Attention to the last tokens alone, whose cache the library keeps in its own way."""
    torch.manual_seed(3)
    model = MistralForCausalLM(
        MistralConfig(
            vocab_size=12,
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            sliding_window=4,
            initializer_range=0.4,
        )
    ).eval()
    prompts, uniforms = [[3, 4, 5], [6, 7, 8]], [torch.rand(20, 12), torch.rand(20, 12)]
    steps = decode(model, prompts, uniforms, temperature=1.0, top_p=1.0, end_ids=[2])
    rows = list(flat(steps))
    assert len(rows) == 40
    for row in rows:
        stream = uniforms[row.row // 20][row.row % 20]
        assert row.token_ids == decode_naively(model, prompts[row.row // 20], stream, [2])[0]


def requests(prompts=PROMPTS, indices=range(5)):
    return [Request(f"p{i}", prompt, tuple(indices)) for i, prompt in enumerate(prompts)]


def by_key(completions):
    return {(c.problem_id, c.sample_index): c for c in completions}


def test_engine_yields_every_sample_once_whatever_the_batches(random_checkpoint):
    expected = set(itertools.product([f"p{i}" for i in range(4)], range(5)))
    results = []
    for max_rows in (512, 7, 1):
        engine = TransformersEngine(random_checkpoint, max_rows=max_rows)
        completions = list(flat(engine.sample(requests(), PARAMETERS, seed=3)))
        assert len(completions) == 20 and set(by_key(completions)) == expected
        results.append({key: c.text for key, c in by_key(completions).items()})
    assert results[0] == results[1] == results[2]


def test_samples_and_seeds_differ(random_checkpoint):
    engine = TransformersEngine(random_checkpoint)
    one, two = (by_key(flat(engine.sample(requests(), PARAMETERS, seed))) for seed in (1, 2))
    assert len({c.text for c in one.values()}) > 15
    assert sum(one[key].text == two[key].text for key in one) < 5


def test_completions_say_how_they_ended(random_checkpoint, tokenizer):
    engine = TransformersEngine(random_checkpoint)
    completions = list(flat(engine.sample(requests(indices=range(60)), PARAMETERS, seed=4)))
    reasons = {"stop": 0, "length": 0}
    for completion in completions:
        reasons[completion.finish_reason] += 1
        ended = completion.token_ids[-1] == tokenizer.eos_token_id
        assert completion.finish_reason == ("stop" if ended else "length")
        assert completion.n_tokens == len(completion.token_ids) <= 12
        assert ended or completion.n_tokens == 12
        assert "<eos>" not in completion.text
    assert min(reasons.values()) > 10


def test_a_response_may_fill_the_context_and_no_more(random_checkpoint):
    long_prompt = "1+" * 26 + "1="  # 55 tokens of a context of 64
    engine = TransformersEngine(random_checkpoint)
    parameters = SamplingParameters(1.0, 1.0, max_tokens=500)
    steps = engine.sample(requests([long_prompt, "1="], range(8)), parameters, seed=1)
    completions = list(flat(steps))
    assert max(c.n_tokens for c in completions if c.problem_id == "p0") == 9
    assert max(c.n_tokens for c in completions if c.problem_id == "p1") > 9


def test_a_prompt_that_cannot_fit_is_named_before_any_sample(random_checkpoint):
    engine = TransformersEngine(random_checkpoint)
    stream = engine.sample(requests(["1=", "1+" * 40 + "1="]), PARAMETERS, seed=1)
    with pytest.raises(
        BoundaryError, match=r"problem p1: its prompt has 83 tokens .* context of 64"
    ):
        next(stream)


def test_streams_are_pinned_and_apart():
    assert uniform_stream(1, "p", 0, 3).tolist() == uniform_stream(1, "p", 0, 5)[:3].tolist()
    streams = [uniform_stream(*key, 4).tobytes() for key in itertools.product((1, 2), "pq", (0, 1))]
    assert len(set(streams)) == 8
    values = np.concatenate([uniform_stream(9, "p", i, 50) for i in range(400)])
    assert values.min() >= 0 and values.max() < 1
    assert values.mean() == pytest.approx(0.5, abs=0.01)


def test_a_rerun_never_changes_a_seed():
    identity = Shard(
        "m", "r", "b", 1, "q", "t", Template("{question}"), PARAMETERS, "auto", None, 0, 0, 4
    ).identity()
    assert (
        shard_seed(identity) == 17092288712283576365
    )  # pinned: stored samples were drawn with such seeds


class StubEngine(Engine):
    """Counts what it is asked for; fails after a number of samples."""

    def __init__(self, fail_after=None):
        self.fail_after, self.drawn = fail_after, []

    def describe(self):
        return {"engine": "stub"}

    def sample(self, requests, parameters, seed):
        for request in requests:
            for index in request.sample_indices:
                if len(self.drawn) == self.fail_after:
                    raise RuntimeError("the machine died")
                self.drawn.append((request.problem_id, index))
                text = f"{seed} {index}"
                yield [Completion(request.problem_id, index, text, [1, 2], 2, "stop", -1.5, 7)]


PROBLEMS = pd.DataFrame(
    {"problem_id": ["a", "b", "c"], "question": ["1", "{x}", "3"], "images": None}
)


def shard(number=0, **changes):
    settings = {
        "template": "{question}=",
        "begins": "",
        "dtype": "auto",
        "seed": 1,
        "size": 4,
    } | changes
    return Shard(
        "m",
        "r",
        "bench",
        1,
        "q",
        "t",
        Template(settings["template"], begins=settings["begins"]),
        PARAMETERS,
        settings["dtype"],
        None,
        settings["seed"],
        number,
        settings["size"],
    )


def draw(tmp_path, engine, **changes):
    draw_shard(
        shard(**changes),
        PROBLEMS,
        lambda: engine,
        keep=tmp_path / "kept",
        output=tmp_path / "shard.parquet",
    )
    return read_records(tmp_path / "shard.parquet", "sample")


def test_a_shard_holds_its_indices_in_order(tmp_path):
    samples = draw(tmp_path, StubEngine(), number=2)
    assert list(samples["sample_index"]) == [8, 9, 10, 11] * 3
    assert list(samples["problem_id"]) == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.name.startswith("shard-0002.") and kept.samefile(tmp_path / "shard.parquet")
    provenance = read_provenance(tmp_path / "shard.parquet")
    (attempt,) = provenance["attempts"]
    assert attempt["engine"] == "stub" and attempt["samples"] == 12
    assert provenance["usage"] == {"prompt_tokens": 84, "completion_tokens": 24}
    assert provenance["model_revision"] == "r"
    assert provenance["shard_seed"] == shard_seed(shard(2).identity())


def test_what_a_template_begins_ends_the_prompt_and_begins_the_response(tmp_path):
    begun = shard(begins="\\boxed{")
    samples = draw(tmp_path, StubEngine(), begins="\\boxed{")
    seed = shard_seed(begun.identity())
    assert samples["text"].tolist() == [f"\\boxed{{{seed} {index}" for index in range(4)] * 3
    assert samples["n_tokens"].eq(2).all()  # what the model wrote
    (request, *_) = missing_requests(begun, PROBLEMS, ())
    assert request.prompt == "1=\\boxed{"


def test_a_killed_shard_resumes_and_draws_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setattr("boundary.sampling.shard.SECONDS_BETWEEN_FLUSHES", 0)
    first = StubEngine(fail_after=7)
    with pytest.raises(RuntimeError, match="died"):
        draw(tmp_path, first)
    assert not (tmp_path / "shard.parquet").exists()
    second = StubEngine()
    samples = draw(tmp_path, second)
    assert len(first.drawn) + len(second.drawn) == len(samples) == 12
    assert not set(first.drawn) & set(second.drawn)
    assert samples["text"].nunique() == 4  # one seed over both attempts


def test_a_shard_whose_output_was_deleted_is_not_drawn_again(tmp_path):
    samples = draw(tmp_path, StubEngine())
    (tmp_path / "shard.parquet").unlink()
    second = StubEngine()
    assert draw(tmp_path, second).equals(samples)
    assert second.drawn == []
    third = StubEngine()
    draw(tmp_path, third, seed=2)  # other samples
    assert len(third.drawn) == 12
    assert not list((tmp_path / "kept").glob("*.jsonl"))


def test_other_settings_neither_mix_nor_replace(tmp_path, monkeypatch):
    """A mistyped setting that is taken back costs nothing: not what was sealed, not what was begun."""
    monkeypatch.setattr("boundary.sampling.shard.SECONDS_BETWEEN_FLUSHES", 0)
    with pytest.raises(RuntimeError):
        draw(tmp_path, StubEngine(fail_after=7))
    mistyped = StubEngine()
    sealed = draw(tmp_path, mistyped, seed=2)
    assert len(mistyped.drawn) == 12
    resumed = StubEngine()
    draw(tmp_path, resumed)
    assert len(resumed.drawn) == 5
    again = StubEngine()
    assert draw(tmp_path, again, seed=2).equals(sealed) and again.drawn == []


def test_a_damaged_sealed_shard_is_drawn_again(tmp_path):
    samples = draw(tmp_path, StubEngine())
    (kept,) = (tmp_path / "kept").iterdir()
    kept.unlink()
    kept.write_bytes(b"PAR1 torn")
    assert draw(tmp_path, StubEngine()).equals(samples)


@pytest.mark.parametrize(
    "change",
    [{"number": 1}, {"seed": 2}, {"template": "{question}"}, {"size": 8}, {"dtype": "float16"}],
)
def test_whatever_changes_the_samples_changes_the_seed(change):
    assert shard_seed(shard().identity()) != shard_seed(shard(**change).identity())


def test_an_engine_that_repeats_samples_is_caught(tmp_path):
    class Repeating(StubEngine):
        def sample(self, requests, parameters, seed):
            for finished in super().sample(requests, parameters, seed):
                yield finished * 2

    with pytest.raises(BoundaryError, match="problem a: the engine drew sample 0 twice"):
        draw(tmp_path, Repeating())


def test_an_attempt_that_goes_on_is_prepared_for_the_whole_shard(tmp_path, monkeypatch):
    monkeypatch.setattr("boundary.sampling.shard.SECONDS_BETWEEN_FLUSHES", 0)
    prepared = []

    class Preparing(StubEngine):
        def prepare(self, template, requests, parameters):
            prepared.append((template, requests, parameters))

    with pytest.raises(RuntimeError):
        draw(tmp_path, Preparing(fail_after=7))
    draw(tmp_path, Preparing())
    first, second = prepared
    assert first == second and len(first[1]) == 3
    assert all(len(request.sample_indices) == 4 for request in first[1])


def test_an_engine_that_loses_samples_is_caught(tmp_path):
    class Lossy(StubEngine):
        def sample(self, requests, parameters, seed):
            yield from itertools.islice(super().sample(requests, parameters, seed), 11)

    with pytest.raises(BoundaryError, match="11 samples drawn"):
        draw(tmp_path, Lossy())


def test_what_ends_a_response_is_part_of_the_template():
    digests = {Template("{question}").digest, Template("{question}", "<e>").digest}
    assert len(digests | {Template("{question}<e>").digest}) == 3


def test_braces_in_a_question_stay(tmp_path):
    assert Template("{question} in \\boxed{{}}").render("{x}_1") == "{x}_1 in \\boxed{}"


def test_unknown_template_names_close_matches(tmp_path):
    file = tmp_path / "prompts.yaml"
    file.write_text("mini: '{question}='\n")
    assert load_template(file, "mini") == Template("{question}=")
    with pytest.raises(BoundaryError, match=r"unknown template 'minni'\. Did you mean 'mini'"):
        load_template(file, "minni")
