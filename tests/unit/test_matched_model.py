"""A matched temperature, from samples to the figure, of models whose entropy is known in closed form.

Their next-token distribution is the same wherever they are: softmax(c / T) of logits c. A model with the
logits s * c has at temperature s * T the distribution, and so the entropy, that one with c has at T.
"""

import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from boundary.cli import main
from boundary.data.records import read_records

SHARPER = 1.6
GRID = (1.0, 1.4, 1.9, 2.5)


def with_constant_logits(model, logits):
    """Attention and feed-forward add nothing, and every token is embedded alike."""
    for layer in model.model.layers:
        layer.self_attn.o_proj.weight.data.zero_()
        layer.mlp.down_proj.weight.data.zero_()
    model.model.embed_tokens.weight.data[:] = 1.0
    model.model.norm.weight.data[:] = 1.0
    # The last normalisation leaves ones: a row of the head sums to its token's logit.
    model.lm_head.weight.data[:] = logits[:, None] / model.config.hidden_size
    return model


def entropy(logits, temperature):
    p = np.exp(np.float64(logits) / temperature)
    p /= p.sum()
    return float(-(p * np.log(p)).sum())


@pytest.fixture(scope="module")
def cells(tmp_path_factory, tokenizer):
    """A folder with problems, a base's samples at temperature 1 and a sharper model's at several."""
    from boundary.training.architecture import build_model

    folder = tmp_path_factory.mktemp("matched")
    logits = torch.linspace(0, 3, len(tokenizer))
    logits[tokenizer.eos_token_id] = 1.0
    for name, scale in (("base", 1.0), ("model", SHARPER)):
        model = build_model(tokenizer, hidden_size=32, layers=1, heads=2, context=64, seed=1)
        with_constant_logits(model, scale * logits).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
        run("models", "--name", name, "--path", folder / name, "--output", folder / f"{name}.json")
    questions = ["1+2", "3*4", "7-8"]
    lines = [json.dumps({"question": question, "answer": "1"}) for question in questions]
    (folder / "own.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "prompts.yaml").write_text('mini: "{question}="\n')
    problems = folder / "problems.parquet"
    run("benchmarks", "--name", "own", "--path", folder / "own.jsonl", "--output", problems)
    for name, temperature in (("base", 1.0), *(("model", t) for t in GRID)):
        sample_and_score(folder, name, temperature)
    return folder, logits.double().numpy()


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def sample_and_score(folder, name, temperature):
    common = ["--problems", folder / "problems.parquet", "--template", "mini", "--gpus", 0]
    common += ["--prompts", folder / "prompts.yaml"]
    samples = folder / f"{name}-{temperature:g}.parquet"
    drawing = ["--temperature", temperature, "--top-p", 1, "--max-tokens", 20, "--shard-size", 4]
    run("sample", "--model", folder / f"{name}.json", *common, *drawing, "--output", samples)
    scorer = ["--scorer", folder / f"{name}.json", "--samples", samples]
    run("score", *scorer, *common, "--output", folder / f"scores-{samples.name}")


def match(folder, name, grid, output):
    probes = [folder / f"scores-{name}-{temperature:g}.parquet" for temperature in grid]
    target = folder / "scores-base-1.parquet"
    run("analyse", "match", "--target", target, "--probes", *probes, "--output", output)
    return json.loads(output.read_text())


def test_scores_have_the_entropy_of_the_formula(cells):
    folder, logits = cells
    for temperature in GRID:
        scores = read_records(folder / f"scores-model-{temperature:g}.parquet", "score")
        expected = entropy(SHARPER * logits, temperature)
        told = scores["entropy_mean"].dropna()
        assert len(told) >= 10 and told.sub(expected).abs().max() < 1e-5


def test_scores_have_the_likelihood_of_the_formula(cells):
    folder, logits = cells
    scores = read_records(folder / "scores-base-1.parquet", "score")
    samples = read_records(folder / "base-1.parquet", "sample")
    both = scores.merge(samples, on=["problem_id", "sample_index"])
    log_z = math.log(np.exp(logits).sum())
    for row in both[both["nll_sum"].notna()].itertuples():
        exact = sum(log_z - logits[token] for token in row.token_ids)
        assert row.nll_sum == pytest.approx(exact, rel=1e-5)


def test_the_temperature_is_that_of_the_formula(cells, tmp_path):
    folder, logits = cells
    found = match(folder, "model", GRID, tmp_path / "matched.json")
    assert found["target"] == pytest.approx(entropy(logits, 1.0), abs=1e-5)
    assert found["reached"] and found["temperature"] == pytest.approx(SHARPER, abs=0.02)
    # The same entropy everywhere leaves nothing to be uncertain of.
    assert found["high"] - found["low"] < 1e-3
    coarse = match(folder, "model", (1.0, 2.5), tmp_path / "coarse.json")
    assert abs(coarse["temperature"] - SHARPER) > abs(found["temperature"] - SHARPER)


def test_what_is_no_output_entropy_is_told(cells, tmp_path, capsys):
    folder, _ = cells
    first, second = (folder / f"scores-model-{temperature:g}.parquet" for temperature in GRID[:2])
    twice = shutil.copy(second, tmp_path / "twice.parquet")
    output = ["--output", str(tmp_path / "matched.json")]
    target = ["--target", str(folder / "scores-base-1.parquet")]
    probes = ["--probes", str(first), str(second), str(twice)]
    assert main(["analyse", "match", *target, *probes, *output]) == 1
    assert "twice.parquet: a second probe at temperature 1.4" in capsys.readouterr().err
    common = ["--problems", folder / "problems.parquet", "--template", "mini", "--gpus", 0]
    common += ["--prompts", folder / "prompts.yaml", "--samples", folder / "model-1.parquet"]
    others = tmp_path / "others.parquet"
    run("score", "--scorer", folder / "base.json", *common, "--output", others)
    assert main(["analyse", "entropy", "--scores", str(others), *output]) == 1
    assert "base has scored responses of model" in capsys.readouterr().err


def test_a_grid_that_ends_too_early_says_so(cells, tmp_path, capsys):
    folder, logits = cells
    found = match(folder, "model", GRID[:2], tmp_path / "matched.json")
    assert not found["reached"] and found["side"] == "above" and found["temperature"] == GRID[1]
    assert found["entropy"] == pytest.approx(entropy(SHARPER * logits, GRID[1]), abs=1e-5)
    assert "is more than the highest temperature gives" in capsys.readouterr().err
    scores = folder / "scores-model-1.4.parquet"
    output = tmp_path / "entropy.csv"
    matched = ["--matched", tmp_path / "matched.json"]
    run("analyse", "entropy", "--scores", scores, *matched, "--output", output)
    measures = pd.read_csv(output).set_index("measure")
    assert measures["value"]["reached"] == 0 and measures["value"]["temperature"] == 1.4
    assert measures["value"]["target_entropy"] == found["target"]
