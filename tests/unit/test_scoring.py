"""Perplexity and entropy against sums over explicit distributions in float64."""

import copy
import itertools
import math
import random

import numpy as np
import pytest
import torch
from boundary.errors import BoundaryError
from boundary.images.placing import Pictured
from boundary.sampling.encoding import Encoding
from boundary.scoring.scorer import Response, ScorerSettings
from boundary.scoring.scorers import open_scorer
from boundary.scoring.token_scores import FLOATS_A_LOGIT, token_scores
from boundary.scoring.transformers_scorer import TransformersScorer, batches
from hypothesis import given
from hypothesis import strategies as st
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM

CPU = ScorerSettings(gpus=0)
TEMPERATURES = (0.0, 0.6, 1.0, 1.5)


def responses_of(lengths, vocabulary=21):
    draw = random.Random(3)
    return [
        Response(
            f"p{i % 3}",
            i,
            [draw.randrange(vocabulary) for _ in range(prompt)],
            [draw.randrange(vocabulary) for _ in range(length)],
        )
        for i, (prompt, length) in enumerate(lengths)
    ]


RESPONSES = responses_of([(1, 1), (9, 1), (1, 40), (5, 12), (2, 62), (30, 3), (5, 12), (4, 60)])


def scores_of(scorer, responses, temperature):
    """By problem and sample, each of them once."""
    scores = [score for batch in scorer.score(responses, temperature) for score in batch]
    assert len(scores) == len(responses)
    return {(score.problem_id, score.sample_index): score for score in scores}


@torch.inference_mode()
def brute_force(model, response, temperature):
    """NLL and mean entropy, token by token, each after a pass of its own."""
    nll, entropy = 0.0, 0.0
    for i, token in enumerate(response.token_ids):
        read = torch.tensor([[*response.prompt_ids, *response.token_ids[:i]]])
        logits = model(input_ids=read).logits[0, -1].tolist()
        weights = [math.exp(logit) for logit in logits]
        nll -= math.log(weights[token] / math.fsum(weights))
        if temperature > 0:
            weights = [math.exp(logit / temperature) for logit in logits]
            shares = [weight / math.fsum(weights) for weight in weights]
            entropy -= math.fsum(share * math.log(share) for share in shares)
    return nll, entropy / len(response.token_ids)


@pytest.fixture(scope="module")
def exact(random_model):
    return copy.deepcopy(random_model).double()


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_scores_are_those_of_brute_force_whatever_the_memory(
    random_checkpoint, exact, temperature, monkeypatch
):
    expected = {
        (response.problem_id, response.sample_index): brute_force(exact, response, temperature)
        for response in RESPONSES
    }
    for half_bytes in (1 << 29, 40_000, 1_000, 0):
        scorer = TransformersScorer(Encoding(random_checkpoint), CPU)
        scorer.half_bytes = half_bytes
        scores = scores_of(scorer, RESPONSES, temperature)
        assert scores.keys() == expected.keys()
        for key, (nll, entropy) in expected.items():
            assert scores[key].nll_sum == pytest.approx(nll, rel=1e-5, abs=1e-5)
            assert scores[key].entropy_mean == pytest.approx(entropy, rel=1e-5, abs=1e-5)


def test_the_model_tells_responses_apart_by_more_than_rounding(exact):
    """What the agreement with brute force is worth: prompts and positions matter to the scores."""
    nll, entropy = brute_force(exact, RESPONSES[3], 1.0)
    other = Response("p", 0, RESPONSES[5].prompt_ids, RESPONSES[3].token_ids)
    assert abs(brute_force(exact, other, 1.0)[0] - nll) > 0.1
    assert abs(brute_force(exact, RESPONSES[3], 1.5)[1] - entropy) > 0.01


def checkpoint_of(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 16,
}


def test_all_responses_of_a_small_vocabulary(tokenizer, tmp_path):
    """Probabilities of all responses sum to one; the entropies' chain rule gives that of all of them."""
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=4, **SMALL))
    model.lm_head.weight.data *= 40
    scorer = TransformersScorer(Encoding(checkpoint_of(model, tokenizer, tmp_path)), CPU)
    prompt = [1, 3]
    for length in (1, 2, 3):
        every = [
            Response("p", i, prompt, list(tokens))
            for i, tokens in enumerate(itertools.product(range(4), repeat=length))
        ]
        scores = scores_of(scorer, every, 1.0).values()
        probabilities = [math.exp(-score.nll_sum) for score in scores]
        assert math.fsum(probabilities) == pytest.approx(1, abs=1e-5)
        joint = -math.fsum(share * math.log(share) for share in probabilities)
        chained = length * math.fsum(
            share * score.entropy_mean for share, score in zip(probabilities, scores, strict=True)
        )
        assert chained == pytest.approx(joint, abs=1e-5)
        assert 0.1 < joint / length < 0.95 * math.log(4)


def test_capped_logits_are_refused(tokenizer, tmp_path):
    config = Gemma2Config(vocab_size=22, head_dim=8, final_logit_softcapping=30.0, **SMALL)
    capped = checkpoint_of(Gemma2ForCausalLM(config), tokenizer, tmp_path / "capped")
    scorer = TransformersScorer(Encoding(capped), CPU)
    with pytest.raises(BoundaryError, match=r"capped or scaled.*score it with vllm"):
        list(scorer.score(responses_of([(3, 4)]), 1.0))
    config.final_logit_softcapping = None
    plain = checkpoint_of(Gemma2ForCausalLM(config), tokenizer, tmp_path / "plain")
    assert len(scores_of(TransformersScorer(Encoding(plain), CPU), RESPONSES[:2], 1.0)) == 2


def test_damaged_weights_are_a_message(random_model, tokenizer, tmp_path):
    broken = copy.deepcopy(random_model)
    broken.lm_head.weight.data[7] = float("nan")
    scorer = TransformersScorer(Encoding(checkpoint_of(broken, tokenizer, tmp_path)), CPU)
    for temperature in (0.0, 1.0):
        with pytest.raises(BoundaryError, match=r"problem p0, sample 3: .* take `dtype` bfloat16"):
            list(scorer.score(RESPONSES[3:4], temperature))


def test_tokens_of_another_family_are_a_message(random_checkpoint):
    scorer = TransformersScorer(Encoding(random_checkpoint), CPU)
    for prompt, tokens in (([1, 21], [2]), ([1], [2, 21])):
        with pytest.raises(BoundaryError, match="problem p, sample 4: token 21 is none of the mod"):
            list(scorer.score([RESPONSES[0], Response("p", 4, prompt, tokens)], 1.0))
        with pytest.raises(BoundaryError, match="problem p, sample 4: token 21 is none of the mod"):
            list(
                TransformersScorer(scorer.encoding, CPU).score(
                    [Response("p", 4, prompt, tokens)], 1
                )
            )


def spied(scorer, seen):
    """Note the sizes of what the head makes, and of what the trunk is called with."""
    scorer._loaded(RESPONSES[0])
    model = scorer._model
    model.lm_head.register_forward_hook(lambda _, read, made: seen["head"].append(made.numel()))
    model.base_model.register_forward_pre_hook(
        lambda _, read, named: seen["trunk"].append(named["input_ids"].shape), with_kwargs=True
    )
    return scorer


def test_memory_of_logits_does_not_grow_with_the_response(random_checkpoint):
    largest = []
    for length in (8, 16, 32, 60):
        seen = {"head": [], "trunk": []}
        scorer = spied(TransformersScorer(Encoding(random_checkpoint), CPU), seen)
        scorer.half_bytes = 8 * 21 * 5  # five positions
        scores_of(scorer, responses_of([(3, length)] * 4), 0.6)
        largest.append(max(seen["head"]))
        assert sum(seen["head"]) == 4 * length * 21  # and never a prompt's or the padding's
        assert seen["trunk"] == [(1, length + 2)] * 4  # whatever its length, one goes through
    assert largest == [5 * 21] * 4


def test_batches_keep_to_their_share_and_are_no_smaller_than_that(random_checkpoint):
    seen = {"head": [], "trunk": []}
    scorer = spied(TransformersScorer(Encoding(random_checkpoint), CPU), seen)
    scorer.half_bytes = 4 * (10 * 32 + 3 * 96) * 200
    scores_of(scorer, responses_of([(3, length) for length in range(1, 61)]), 1.0)
    padded = [rows * length for rows, length in seen["trunk"]]
    assert max(padded) <= 200 and min(padded[:-1]) > 100


def test_batches_of_responses_to_pictures_hold_no_more_either():
    """Those to one picture stay together, and a problem's short ones meet the next one's long ones."""

    def of(problem, lengths):
        pictured = Pictured(problem, [1], (b"x",), (problem,))
        return [Response(problem, i, [1], [2] * n, pictured) for i, n in enumerate(lengths)]

    every = [*of("a", [100, *[5] * 10]), *of("b", [90] * 20), *of("c", [7, 7])]
    random.Random(1).shuffle(every)
    made = list(batches(every, 300))
    assert sorted(map(id, itertools.chain(*made))) == sorted(map(id, every))
    for batch in made:
        longest = max(len(row.prompt_ids) + len(row.token_ids) - 1 for row in batch)
        assert len(batch) == 1 or len(batch) * longest <= 300
    order = [
        problem
        for problem, _ in itertools.groupby(row.problem_id for row in itertools.chain(*made))
    ]
    assert order == ["a", "b", "c"]


def test_batches_have_everything_once_and_the_longest_first():
    every = [row for batch in batches(RESPONSES, 70) for row in batch]
    assert sorted(row.sample_index for row in every) == list(range(len(RESPONSES)))
    lengths = [len(row.prompt_ids) + len(row.token_ids) for row in every]
    assert lengths == sorted(lengths, reverse=True)


def test_what_is_written_down(random_checkpoint):
    settings = ScorerSettings(gpus=0, dtype="bfloat16", max_model_len=32)
    scorer = open_scorer("transformers", Encoding(random_checkpoint, 32), settings)
    rounded = scores_of(scorer, RESPONSES[3:4], 1.0)["p0", 3]
    described = scorer.describe()
    assert described["engine"] == "transformers" and described["versions"]["torch"]
    assert (described["dtype"], described["context"]) == ("bfloat16", 32)
    whole = scores_of(TransformersScorer(Encoding(random_checkpoint), CPU), RESPONSES[3:4], 1.0)
    assert 0 < abs(rounded.nll_sum / whole["p0", 3].nll_sum - 1) < 0.05


def test_what_cannot_be_opened_is_a_message(random_checkpoint):
    encoding = Encoding(random_checkpoint)
    with pytest.raises(BoundaryError, match="only vllm spreads a model over 4 GPUs"):
        open_scorer("transformers", encoding, ScorerSettings(gpus=4))
    with pytest.raises(BoundaryError, match="needs the package vllm, which is not installed"):
        open_scorer("vllm", encoding, CPU)
    assert list(open_scorer("transformers", encoding, CPU).score([], 1.0)) == []


@given(
    positions=st.integers(1, 12),
    vocabulary=st.integers(1, 40),
    scale=st.sampled_from([0.0, 0.1, 3.0, 100.0]),
    offset=st.sampled_from([0.0, -1e4, 1e4]),
    temperature=st.sampled_from([0.0, 0.1, 0.6, 1.0, 1.5, 10.0]),
    rows=st.integers(0, 13),
    seed=st.integers(0, 2**31),
)
def test_token_scores_are_those_of_explicit_distributions(
    positions, vocabulary, scale, offset, temperature, rows, seed
):
    generator = np.random.default_rng(seed)
    logits = (offset + scale * generator.standard_normal((positions, vocabulary))).astype("float32")
    targets = generator.integers(vocabulary, size=positions)
    made = []

    def head(hidden):
        made.append(len(hidden))
        return torch.from_numpy(logits)[hidden[:, 0].long()]

    hidden = torch.arange(positions)[:, None]
    found = token_scores(
        hidden,
        head,
        vocabulary,
        torch.from_numpy(targets),
        temperature,
        rows * 4 * FLOATS_A_LOGIT * vocabulary,
    )
    assert sum(made) == positions and max(made) <= max(1, rows)
    exact = logits.astype(float) - logits.max(-1, keepdims=True)
    normaliser = np.log(np.exp(exact).sum(-1))
    nll = normaliser - exact[np.arange(positions), targets]
    np.testing.assert_allclose(found.nll, nll, rtol=1e-5, atol=1e-5)
    if temperature > 0:
        exact /= temperature
        shares = np.exp(exact) / np.exp(exact).sum(-1, keepdims=True)
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(-1)
    else:
        entropy = np.zeros(positions)
    np.testing.assert_allclose(found.entropy, entropy, rtol=1e-5, atol=1e-5)
