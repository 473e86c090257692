"""What a study's cells may be: compared, filtered, made elsewhere; and what is refused of them."""

import pytest
from boundary.errors import BoundaryError
from boundary.sampling.prompts import Template
from boundary.study.load import load_study
from boundary.study.paths import counts_path, pair_path, statistic_path
from boundary.study.sources import sources
from boundary.study.study import Cell
from config_files import SCHEMAS, edit

GROUP = {
    "models": ["mini-base", "mini-grpo"],
    "benchmarks": ["arith"],
    "sampling": "standard",
    "n": 128,
}


def study_of(config, kind, *groups, of="figures"):
    """The miniature with one more exhibit, and that exhibit."""
    entry = {"kind": kind, "cells": [GROUP | group for group in groups or ({},)]}
    edit(config / "studies/miniature.yaml", lambda d: d[of].update(mine=entry))
    study = load_study("miniature", config, SCHEMAS)
    return study, study.exhibits["mine"]


def add_model(config, name, **settings):
    described = {"label": name, "family": "f", "role": "rlvr", "template": "mini"}
    edit(config / "models.yaml", lambda models: models.update({name: described | settings}))


def test_a_model_is_compared_with_its_base(config):
    study, exhibit = study_of(config, "difference", {"benchmarks": ["arith", "arith-long"]})
    assert [(cell.model, base.model, base.benchmark) for cell, base in exhibit.pairs] == [
        ("mini-grpo", "mini-base", "arith"),
        ("mini-grpo", "mini-base", "arith-long"),
    ]
    described = sources(study, exhibit)[0].description
    assert described["model"] == "mini-grpo" and described["base_label"] == "base"
    assert described["base_sampling"] == "standard.seed1" and described["base_n"] == 128
    path = pair_path(*exhibit.pairs[0], "difference")
    assert path == (
        "analyse/mini-grpo/arith/standard.seed1/n128/boundary/against/mini-base/standard.seed1/n128/"
        "difference.csv"
    )


def test_the_base_is_the_nearest_ancestor_of_that_role(config):
    add_model(config, "further", base="mini-grpo", path="/x")
    _, exhibit = study_of(config, "coverage", {"models": ["mini-base", "mini-grpo", "further"]})
    assert [cell.model for cell, _ in exhibit.pairs] == ["mini-grpo", "further"]
    assert {base.model for _, base in exhibit.pairs} == {"mini-base"}


def test_a_model_at_another_sampling_is_compared_with_the_bases_only_one(config):
    edit(
        config / "studies/miniature.yaml",
        lambda d: d["sampling"].update(hot=d["sampling"]["standard"] | {"temperature": 1.5}),
    )
    groups = {}, {"models": ["mini-grpo"], "sampling": "hot"}
    _, exhibit = study_of(config, "difference", *groups)
    assert [(cell.sampling, base.sampling) for cell, base in exhibit.pairs] == [
        ("standard.seed1", "standard.seed1"),
        ("hot.seed1", "standard.seed1"),
    ]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([{"models": ["mini-grpo"]}], "mini-base has no cell there; name it once"),
        ([{"models": ["mini-base"]}], "none of these has one; name a model with a `base`"),
        (
            [{}, {"models": ["mini-base"], "n": 256}, {"models": ["mini-grpo"], "n": 384}],
            "mini-base has several cells there",
        ),
    ],
)
def test_a_comparison_without_one_base_is_refused(config, groups, message):
    with pytest.raises(BoundaryError, match=rf"figures\.mine\.cells: .*{message}"):
        study_of(config, "difference", *groups)


def test_claims_know_how_models_were_trained(config):
    training = {"algorithm": "grpo", "steps": 480, "rollouts": 8}
    add_model(config, "longer", base="mini-base", path="/x", training=training)
    models = ["mini-base", "mini-grpo", "longer"]
    study, exhibit = study_of(config, "claims", {"models": models}, of="tables")
    compared = [(cell.model, other.model) for cell, other in exhibit.pairs]
    assert ("mini-grpo", "mini-base") in compared
    described = sources(study, exhibit)[compared.index(("mini-grpo", "mini-base"))].description
    assert described["steps"] == 240 and described["kl"] == 0
    assert described["other_model"] == "mini-base" and described["other_role"] == "base"
    assert "other_steps" not in described
    assert study.catalogue.models["longer"].training == training


def test_claims_about_nothing_are_refused(config):
    with pytest.raises(BoundaryError, match="no claim is about any two of these cells"):
        study_of(config, "claims", {"models": ["mini-base"]}, of="tables")


def test_a_filter_leaves_its_name_in_the_cell(config):
    study, exhibit = study_of(config, "pass_at_k", {"filter": "guessable"})
    cell = exhibit.cells[0]
    assert cell.verifier == "boundary/guessable"
    assert counts_path(cell) == (
        "analyse/mini-base/arith/standard.seed1/n128/boundary/guessable/counts.parquet"
    )
    guesses = study.filters["guessable"].cell("arith")
    assert guesses == Cell("mini-base", "arith", "direct.seed1", 256)
    assert study.template("mini-base", guesses.sampling) == "mini-direct"


def test_filtered_cells_are_compared_with_filtered_ones(config):
    _, exhibit = study_of(config, "difference", {}, {"filter": "guessable"})
    assert [(cell.verifier, base.verifier) for cell, base in exhibit.pairs] == [
        ("boundary", "boundary"),
        ("boundary/guessable", "boundary/guessable"),
    ]


@pytest.mark.parametrize("kind", ["verdicts", "samples", "majority_at_k"])
def test_what_counts_do_not_hold_is_not_filtered(config, kind):
    with pytest.raises(BoundaryError, match=rf"found the filter 'guessable', and {kind}"):
        study_of(config, kind, {"filter": "guessable"}, of="tables")


def test_a_misspelt_filter_is_told(config):
    with pytest.raises(BoundaryError, match=r"unknown filter 'gues'\. Did you mean 'guessable'"):
        study_of(config, "pass_at_k", {"filter": "gues"})
    change = {"model": "mini-bas", "sampling": "direct", "n": 128}
    edit(config / "studies/miniature.yaml", lambda d: d["filters"].update(other=change))
    with pytest.raises(BoundaryError, match=r"filters\.other: unknown model 'mini-bas'"):
        load_study("miniature", config, SCHEMAS)


THEIRS = {"arith": {"files": ["theirs.csv"], "format": "counts", "name": "their model"}}


def test_counts_are_imported_for_their_benchmark(config):
    add_model(config, "theirs", base="mini-base", counts=THEIRS)
    study, exhibit = study_of(config, "difference", {"models": ["mini-base", "theirs"]})
    model = study.catalogue.models["theirs"]
    assert model.imported_files("arith") == ["theirs.csv"]
    assert model.import_arguments("arith") == ["counts", "theirs.csv", "--model=their model"]
    assert study.describe(exhibit.cells[1])["verifier"] == "imported"
    assert study.describe(exhibit.cells[0])["verifier"] == "boundary"


def test_n_of_counts_is_the_files_own(config):
    add_model(config, "theirs", base="mini-base", counts=THEIRS)
    _, exhibit = study_of(config, "pass_at_k", {"models": ["theirs"], "n": 100})
    assert exhibit.cells[0].n == 100
    with pytest.raises(BoundaryError, match="found 100; expected a multiple of shard_size 128"):
        study_of(config, "pass_at_k", {"models": ["mini-base"], "n": 100})


@pytest.mark.parametrize(
    ("of", "kind", "group", "message"),
    [
        ("tables", "samples", {}, "there are counts alone"),
        ("tables", "verdicts", {}, "there are counts alone"),
        ("figures", "majority_at_k", {}, "there are counts alone"),
        ("figures", "pass_at_k", {"verifiers": ["published"]}, "there are counts alone"),
        ("figures", "pass_at_k", {"benchmarks": ["arith-long"]}, "has no counts for arith-long"),
    ],
)
def test_what_counts_cannot_show_is_refused(config, of, kind, group, message):
    add_model(config, "theirs", counts=THEIRS)
    with pytest.raises(BoundaryError, match=message):
        study_of(config, kind, {"models": ["theirs"]} | group, of=of)


def test_a_benchmark_known_from_counts_alone_is_not_sampled(config):
    add_model(config, "theirs", counts={"far": THEIRS["arith"]})
    edit(
        config / "benchmarks.yaml",
        lambda d: d.update(far={"label": "far", "counts_only": True}),
    )
    _, exhibit = study_of(config, "pass_at_k", {"models": ["theirs"], "benchmarks": ["far"]})
    assert exhibit.cells[0].benchmark == "far"
    with pytest.raises(BoundaryError, match="far is known from counts alone"):
        study_of(config, "pass_at_k", {"models": ["mini-base"], "benchmarks": ["far"]})


def test_samples_drawn_elsewhere_are_verified_as_ours(config):
    add_model(config, "theirs", samples={"arith": {"files": ["a.jsonl"], "format": "jsonl"}})
    study, exhibit = study_of(config, "majority_at_k", {"models": ["theirs"]})
    assert study.describe(exhibit.cells[0])["verifier"] == "boundary"
    assert statistic_path(exhibit.cells[0], "samples") == (
        "analyse/theirs/arith/standard.seed1/n128/samples.csv"
    )


def test_a_template_may_begin_the_answer(config):
    template = Template("{question}= ", begins="\\boxed{")
    assert template.render("1+1") == "1+1= \\boxed{"
    others = {Template("{question}= \\boxed{{").digest, Template("{question}= ", "\\boxed{").digest}
    assert template.digest not in others
    assert Template("{question}").digest == Template("{question}", begins="").digest
    study = load_study("miniature", config, SCHEMAS)
    assert study.catalogue.prompts["mini-direct"] == template
