"""The study miniature-visual: pictures from training to figures, by one command."""

import json

import pandas as pd
import pytest
from boundary.data.records import read_provenance, read_records

STUDY = ["--config", "study=miniature-visual", "--"]
MODELS = ["mini-vl-base", "mini-vl-grpo"]
MOST_PIXELS = 10 * 28 * 28


def shrink(study):
    study["bootstrap"]["resamples"] = 200
    study["sampling"]["standard"] |= {"max_tokens": 12, "shard_size": 4}
    study["subsets"]["scored"] |= {"problems": 4, "responses": 3}
    for exhibits in (study["figures"], study["tables"], study["sheets"]):
        for exhibit in exhibits.values():
            if "cells" in exhibit:
                exhibit["cells"] = [group | {"n": 8} for group in exhibit["cells"]]


def limit(models):
    for name in MODELS:
        models[name]["max_pixels"] = MOST_PIXELS


@pytest.fixture(scope="module")
def seen(fresh, tmp_path_factory):
    checkout = fresh.copy(tmp_path_factory.mktemp("visual") / "checkout")
    checkout.edit("studies/miniature-visual.yaml", shrink)
    checkout.edit("models.yaml", limit)
    checkout.snakemake(*STUDY, "fig_visual", "fig_perplexity", "table_agreement", "cot_visual")
    return checkout.path / "results" / "miniature-visual"


def test_the_curves_are_of_both_models(seen):
    curve = pd.read_csv(seen / "figures/fig_visual.csv")
    assert set(curve["model"]) == set(MODELS) and curve["k"].max() == 8
    assert (seen / "figures/fig_visual.png").stat().st_size > 5_000


def test_what_each_model_was_shown_is_told_with_its_samples(seen):
    problems = read_records(seen / "benchmarks/arith-visual/problems.parquet", "problem")
    for model in MODELS:
        (folder,) = (seen / "sample" / model / "arith-visual").iterdir()
        (attempt,) = read_provenance(folder / "shard-0000.parquet")["attempts"]
        assert set(attempt["images"]) == set(problems["problem_id"])
        assert all(image["tokens"] == 5 for (image,) in attempt["images"].values())
        assert attempt["max_pixels"] == MOST_PIXELS


def test_responses_are_scored_behind_their_pictures(seen):
    """By the model that drew them they are as likely as when they were drawn."""
    for model in MODELS:
        (file,) = (seen / "score").glob(f"{model}/arith-visual/*/*/{model}.parquet")
        scores = read_records(file, "score").dropna(subset="nll_sum")
        (folder,) = (seen / "sample" / model / "arith-visual").iterdir()
        samples = pd.concat(read_records(shard, "sample") for shard in folder.iterdir())
        both = scores.merge(samples, on=["problem_id", "sample_index"])
        assert len(both) == len(scores) > 0
        assert (both["nll_sum"] + both["logprob_sum"]).abs().max() < 1e-3


def test_the_trained_model_reads_pictures_as_its_base_and_as_large_as_its_entry_says(seen):
    base, trained = (
        json.loads((seen / "models" / model / "checkpoint/preprocessor_config.json").read_text())
        for model in MODELS
    )
    assert trained["size"]["longest_edge"] == MOST_PIXELS == base["size"]["longest_edge"] * 10 / 16
    of_size = ("size", "min_pixels", "max_pixels")
    one, other = ({k: v for k, v in told.items() if k not in of_size} for told in (base, trained))
    assert one == other and one["image_mean"] == [0.88] * 3


def test_its_sheet_is_laid_out(seen):
    pages = list((seen / "sheets/cot_visual").rglob("chains.html"))
    assert {page.relative_to(seen / "sheets/cot_visual").parts[0] for page in pages} == set(MODELS)
