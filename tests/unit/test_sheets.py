"""Sheets of a study: what lays them out, and of which cells."""

import pytest
from boundary.cli import STAGES
from boundary.errors import BoundaryError
from boundary.exhibits.kinds import SHEETS
from boundary.study import jobs
from boundary.study.load import load_study
from boundary.study.paths import guessable_path
from config_files import SCHEMAS, edit

CELLS = {"models": ["mini-grpo"], "benchmarks": ["arith"], "sampling": "standard", "n": 128}


def study_with(config, entry, name="mine"):
    """The miniature with one more sheet."""
    edit(config / "studies/miniature.yaml", lambda d: d["sheets"].update({name: entry}))
    return load_study("miniature", config, SCHEMAS)


def chains(*groups, **more):
    return {"kind": "chains", "cells": [CELLS | group for group in groups or ({},)]} | more


def test_every_kind_is_a_command_that_draws():
    assert set(SHEETS) <= set(STAGES)


def test_a_sheet_is_made_by_its_name_alone_and_has_a_folder_for_each_cell(config):
    study = study_with(config, chains({"benchmarks": ["arith", "arith-long"]}))
    sheet = study.exhibits["mine"]
    assert sheet.by_name and sheet.below == 0.05 and sheet in study.exhibits_of("sheet")
    assert sheet not in jobs.default_exhibits(study)
    assert jobs.exhibit_files(sheet) == [
        f"sheets/mine/mini-grpo/{benchmark}/standard.seed1/n128/boundary/instructions.txt"
        for benchmark in ("arith", "arith-long")
    ]
    study = study_with(config, chains(by_name=False, below=0.2), "other")
    assert study.exhibits["other"] in jobs.default_exhibits(study)
    assert study.exhibits["other"].below == 0.2


def test_what_is_drawn_is_read_off_the_cell(config):
    study = study_with(config, chains({"filter": "guessable"}))
    (file,) = jobs.exhibit_files(study.exhibits["mine"])
    assert file.endswith("/n128/boundary/guessable/instructions.txt")
    job = {"exhibit": "mine", "model": "mini-grpo", "benchmark": "arith", "n": "128"}
    job |= {"sampling": "standard.seed1"}
    for judged in ("boundary", "boundary/guessable"):
        assert jobs.sheet_verdicts(study, job | {"judged": judged}) == [
            "verify/mini-grpo/arith/standard.seed1/boundary/shard-0000.parquet"
        ]
    assert jobs.sheet_guessable(study, job | {"judged": "boundary"}) == []
    left_out = jobs.sheet_guessable(study, job | {"judged": "boundary/guessable"})
    assert left_out == [guessable_path("guessable", "arith")]
    assert left_out == ["analyse/filters/guessable/arith.csv"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**chains(), "kind": "chain"}, r"sheets\.mine\.kind: unknown kind 'chain'.*'chains'"),
        ({**chains(), "kind": "pass_at_k"}, "unknown kind 'pass_at_k'"),
        (chains(below=0), r"sheets\.mine\.below: 0 is less than or equal to the minimum of 0"),
        (chains(subset="scored"), "unknown key 'subset'"),
        (chains(models=["mini-grpo"]), "unknown key 'models'"),
        ({"kind": "chains"}, "missing the key 'cells'"),
        (chains({"models": ["mini-grp"]}), "unknown model 'mini-grp'"),
        (chains({"n": 100}), "found 100; expected a multiple of shard_size 128"),
    ],
)
def test_mistakes_are_told_before_any_job(config, entry, message):
    with pytest.raises(BoundaryError, match=message):
        study_with(config, entry)


def test_counts_have_no_responses_to_judge(config):
    counts = {"arith": {"files": ["theirs.csv"], "format": "counts"}}
    theirs = {"label": "t", "family": "f", "role": "rlvr", "template": "mini", "counts": counts}
    edit(config / "models.yaml", lambda models: models.update(theirs=theirs))
    with pytest.raises(BoundaryError, match=r"there are counts alone.*found chains by boundary"):
        study_with(config, chains({"models": ["theirs"]}))


def test_targets_need_different_names_of_whatever_type(config):
    with pytest.raises(BoundaryError, match=r"sheets\.claims: a table has this name"):
        study_with(config, chains(), "claims")


def test_a_sheet_of_a_model_that_nobody_has_says_so(config):
    none = {"label": "t", "family": "f", "role": "rlvr", "template": "mini"}
    none |= {"available": False, "reason": "it was never released"}
    edit(config / "models.yaml", lambda models: models.update(none=none))
    study = study_with(config, chains({"models": ["none"]}))
    job = {"exhibit": "mine", "model": "none", "benchmark": "arith", "n": "128"}
    job |= {"sampling": "standard.seed1", "judged": "boundary"}
    with pytest.raises(BoundaryError, match="none is not available: it was never released"):
        jobs.sheet_verdicts(study, job)
