"""Scores in the workflow: who is scored by whom, the matched temperature, and what reruns what."""

import json

import numpy as np
import pandas as pd
from boundary.data.records import read_provenance, read_records

OWN = "score/mini-base/arith/standard.seed1/scored/mini-base.parquet"


def change_module(checkout, file):
    path = checkout.path / "workflow" / "lib" / "boundary" / file
    path.write_text(path.read_text() + "\nCHANGED = True\n")


def test_a_models_own_scores_are_the_likelihood_that_it_drew_with(finished):
    scores = read_records(finished.results / OWN, "score")
    assert scores.groupby("problem_id").size().tolist() == [3] * 4
    shard = finished.results / "sample/mini-base/arith/standard.seed1/shard-0000.parquet"
    both = scores.merge(read_records(shard, "sample"), on=["problem_id", "sample_index"])
    scored = both[both["nll_sum"].notna()]
    assert len(scored) > 6 and set(scored["tokens"]) == {"stored"}
    np.testing.assert_allclose(scored["nll_sum"], -scored["logprob_sum"], rtol=1e-3, atol=1e-3)


def test_figure_6_has_its_five_distributions(finished):
    table = pd.read_csv(finished.results / "figures/fig_perplexity.csv")
    on_arith = table[table["benchmark"] == "arith"]
    sets = on_arith.groupby(["scorer", "model"]).size().to_dict()
    assert sets == {
        ("mini-base", "mini-base"): 12,
        ("mini-base", "mini-grpo"): 12,
        ("mini-grpo", "mini-grpo"): 12,
        ("mini-base", "mini-reference"): 4,
        ("mini-grpo", "mini-reference"): 4,
    }
    reference = table[table["model"] == "mini-reference"]
    assert reference["verdict"].eq("correct").all() and reference["perplexity"].notna().all()
    assert set(reference["tokens"]) == {"retokenised"}
    measures = pd.read_csv(finished.results / "tables/table_perplexity.csv")
    assert set(measures["benchmark"]) == {"arith", "arith-long"}
    measures = measures[measures["benchmark"] == "arith"].set_index("measure")
    assert 0 <= measures["value"]["perplexity_quantile"] <= 1
    assert measures["value"]["problems"] + measures["value"]["problems_left_out"] == 4


def test_matched_samples_are_drawn_at_the_temperature_that_was_found(finished):
    folder = finished.results / "score/mini-grpo/arith-long/matched.seed1"
    found = json.loads((folder / "matched.json").read_text())
    assert [probe["temperature"] for probe in found["probes"]] == [0.8, 4.0]
    assert 1.0 <= found["low"] <= found["temperature"] <= found["high"] <= 4.0
    samples = finished.results / "sample/mini-grpo/arith-long/matched.seed1"
    for shard in samples.glob("*.parquet"):
        assert read_provenance(shard)["sampling"]["temperature"] == found["temperature"]
        assert read_records(shard, "sample")["problem_id"].nunique() == 5
    probe = finished.results / "sample/mini-grpo/arith-long/matched.at4.seed1/shard-0000.parquet"
    assert read_provenance(probe)["sampling"]["temperature"] == 4.0
    assert read_records(probe, "sample").groupby("problem_id").size().tolist() == [3] * 4
    table = pd.read_csv(finished.results / "tables/table_entropy.csv")
    told = table[table["sampling"] == "matched.seed1"].set_index("measure")["value"]
    assert told["temperature"] == found["temperature"]
    assert told["target_entropy"] == found["target"] and told["reached"] == found["reached"]
    own = table[(table["model"] == "mini-base") & (table["measure"] == "entropy")]["value"].item()
    assert own == found["target"]  # the base's responses are scored once


def test_the_claims_on_perplexity_and_entropy_are_tested(finished):
    answers = {}
    for name in ("claims", "claims_matched"):
        claims = json.loads((finished.results / f"tables/{name}.json").read_text())["claims"]
        answers[name] = {claim["number"]: claim["answer"] for claim in claims}
    assert answers["claims"][5] != "not tested" and answers["claims"][9] == "not tested"
    assert answers["claims_matched"][9] != "not tested"


def test_what_takes_long_is_made_by_its_name_alone(fresh):
    assert "match_temperature" not in fresh.planned()
    assert fresh.planned("fig_temperature")["sample"] == 2 * (2 + 1 + 1)


def test_another_base_is_matched_anew(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    checkout.edit("models.yaml", lambda d: d["mini-base"].update(dtype="bfloat16"))
    planned = checkout.planned("fig_entropy_matched")
    assert planned["match_temperature"] == 1
    assert planned["sample"] == 2 + 1  # the base's, and the RLVR model's at what will be found


def test_a_changed_estimator_of_scores_scores_nothing_again(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    change_module(checkout, "scoring/token_scores.py")
    assert checkout.planned() == {}  # no edit of a scorer costs GPU hours
    change_module(checkout, "stages/analyse_scores.py")
    assert not {"count", "estimate", "check_samples", "vote"} & checkout.planned().keys()
    checkout = finished.copy(tmp_path / "another")
    change_module(checkout, "estimation/perplexity_quantile.py")
    assert checkout.planned() == {
        "place_perplexity": 2, "lay_out_table": 1, "judge_claims": 1, "all": 1,
    }  # fmt: skip


def test_a_larger_n_scores_nothing_again(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")

    def raise_n(study):
        cells = study["figures"]["fig_perplexity"]["cells"]
        cells[0] = cells[0] | {"n": 12}

    checkout.edit("studies/miniature.yaml", raise_n)
    assert checkout.planned("fig_perplexity") == {"draw_figure": 1, "fig_perplexity": 1}


def test_another_subset_scores_and_probes_again(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    checkout.edit("studies/miniature.yaml", lambda d: d["subsets"]["scored"].update(seed=2))
    planned = checkout.planned("fig_perplexity")
    assert planned["choose_problems"] == 2 and planned["score"] == 5 + 3
    assert "sample" not in planned and "import_samples" not in planned
    assert checkout.planned("fig_entropy_matched")["match_temperature"] == 1


def test_the_papers_figures_are_planned(fresh, tmp_path):
    checkout = fresh.copy(tmp_path / "checkout")
    planned = checkout.planned("--config", "study=paper", "--", "fig17")
    assert planned["match_temperature"] == 6 and planned["draw_figure"] == 1
    # Eight responses of each problem: the base at its temperature, the model at it, at six others, matched.
    assert planned["score"] == 6 * (1 + 1 + 6 + 1)
    # 1,024 responses in shards of 64 (AIME, AMC), 128 in shards of 16 (GSM8K, Olympiad) and of 32.
    shards = 2 * 16 + 2 * 8 + 2 * 4
    assert planned["sample"] == 3 * shards + 6 * 6
