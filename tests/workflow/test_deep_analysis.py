"""The study miniature-full: every algorithm is trained, and what is said of them rests on it."""

import json
import re

import pandas as pd
import pytest
from boundary.training.algorithms import ALGORITHMS
from config_files import BY_ALGORITHM
from safetensors.torch import load_file

VARIANTS = ["mini-grpo-480", "mini-grpo-n32", "mini-grpo-kl"]
CLAIMED = [
    "mini-base",
    "mini-grpo",
    "mini-grpo-160",
    "mini-remax",
    "mini-instruct",
    "mini-distill",
    *VARIANTS,
]
STUDY = ["--config", "study=miniature-full", "--"]


def shrink(study):
    """All trainings, and claims about some of them on one benchmark, by 8 samples of a problem."""
    study["bootstrap"]["resamples"] = 200
    study["sampling"]["standard"] |= {"max_tokens": 24, "shard_size": 8}
    claims = study["tables"]["claims"]
    group = {"models": CLAIMED, "benchmarks": ["arith"], "n": 8}
    claims["cells"] = [claims["cells"][0] | group]


@pytest.fixture(scope="module")
def analysed(fresh, tmp_path_factory):
    checkout = fresh.copy(tmp_path_factory.mktemp("deep") / "checkout")
    checkout.edit("studies/miniature-full.yaml", shrink)
    checkout.snakemake(*STUDY, "fig_training", "claims")
    return checkout.path / "results" / "miniature-full"


def test_every_algorithm_is_trained_from_the_same_base(analysed):
    told = pd.read_csv(analysed / "figures" / "fig_training.csv")
    assert set(told["model"]) == {*BY_ALGORITHM.values(), *VARIANTS} and len(BY_ALGORITHM) == len(
        ALGORITHMS
    )
    for name in (*BY_ALGORITHM.values(), *VARIANTS):
        metrics = pd.read_csv(analysed / "models" / name / "metrics.csv")
        assert list(metrics["step"]) == [1, 2]
        assert ("value_loss" in metrics) == (name == "mini-ppo")
        assert ("kl" in metrics) == (name == "mini-grpo-kl")
        assert (metrics["extra_samples"] > 0).any() == (name in ("mini-remax", "mini-dapo"))


def test_a_step_is_what_the_model_was_then(analysed):
    record = json.loads((analysed / "models" / "mini-grpo-160" / "model.json").read_text())
    assert record["checkpoint"].endswith("models/mini-grpo-480/steps/1")
    revisions = {
        json.loads((analysed / "models" / name / "model.json").read_text())["revision"]
        for name in ("mini-base", "mini-grpo-160", "mini-grpo-480")
    }
    assert len(revisions) == 3


def test_claims_about_trainings_are_tested(analysed):
    claims = json.loads((analysed / "tables" / "claims.json").read_text())["claims"]
    untested = [claim["number"] for claim in claims if claim["answer"] == "not tested"]
    assert untested == [5, 9]  # no perplexities, none matched


def test_a_student_learned_from_its_teacher_and_the_other_from_documents(analysed):
    taught = pd.read_csv(analysed / "models" / "mini-distill" / "solutions.csv")
    problems = pd.read_parquet(analysed / "benchmarks" / "arith-train" / "problems.parquet")
    answers = dict(zip(problems["question"] + "=", problems["gold"].map(json.loads), strict=True))
    assert len(taught)
    for prompt, response in taught.itertuples(index=False):
        boxed = re.search(r"boxed\{(-?[0-9]+)\}", response)
        assert boxed and int(boxed[1]) == int(answers[prompt])
    clean = pd.read_csv(analysed / "models" / "mini-instruct" / "solutions.csv")
    assert len(clean) == 200
    heads = {
        name: load_file(analysed / "models" / name / "checkpoint" / "model.safetensors")
        for name in ("mini-base", "mini-instruct", "mini-distill")
    }
    one, two, three = (weights["lm_head.weight"] for weights in heads.values())
    assert not (one.equal(two) or one.equal(three) or two.equal(three))
