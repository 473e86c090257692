"""What cannot be made is told before anything runs, and nothing judges it by other rules."""

import importlib

import pandas as pd
import pytest
from boundary.benchmarks import formats
from boundary.cli import main
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.study import jobs
from boundary.study.load import load_study
from boundary.study.obstacles import obstacles
from boundary.verification.verifiers import VERIFIERS, check_textual, verifier_module
from config_files import ROOT, SCHEMAS, edit

GROUP = {"models": ["mini-base"], "benchmarks": ["arith"], "sampling": "standard", "n": 128}
OWN = {"label": "own", "family": "f", "role": "rlvr", "base": "mini-base", "template": "mini"}


def exhibit_of(config, models, kind="pass_at_k", entries=(), **group):
    """The miniature with one more figure, and that figure."""
    edit(config / "models.yaml", lambda known: known.update(entries))
    entry = {"kind": kind, "cells": [GROUP | {"models": models} | group]}
    edit(config / "studies/miniature.yaml", lambda study: study["figures"].update(mine=entry))
    study = load_study("miniature", config, SCHEMAS)
    return study, study.exhibits["mine"]


def test_a_model_that_nobody_has_is_an_obstacle_until_a_path_takes_its_place(config, tmp_path):
    entry = OWN | {"available": False, "reason": "lost at sea"}
    study, exhibit = exhibit_of(config, ["mini-base", "own"], entries={"own": entry})
    (told,) = obstacles(study, exhibit)
    assert told.startswith("own is not available: lost at sea.") and "`path: FOLDER`" in told
    assert exhibit not in jobs.default_exhibits(study) and "mine" in jobs.left_out(study)
    with pytest.raises(BoundaryError, match="mine cannot be made:\n  own is not available"):
        jobs.exhibit_statistics(study, {"exhibit": "mine"})
    checkpoint = tmp_path / "checkpoint"
    study, exhibit = exhibit_of(config, ["own"], entries={"own": entry | {"path": str(checkpoint)}})
    (told,) = obstacles(study, exhibit)
    assert f"there is no {checkpoint}/config.json" in told
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text("{}")
    assert obstacles(study, exhibit) == [] and exhibit in jobs.default_exhibits(study)
    assert jobs.left_out(study) == ""


def test_an_exhibit_is_made_without_references_that_nobody_has_unless_it_has_nothing_else(config):
    entry = OWN | {"role": "reference", "available": False, "reason": "not released"}
    del entry["base"]
    study, exhibit = exhibit_of(config, ["mini-base", "own"], entries={"own": entry})
    assert [cell.model for cell in exhibit.cells] == ["mini-base"]
    assert exhibit.caption == "Without own: not released." and not obstacles(study, exhibit)
    study, exhibit = exhibit_of(config, ["own"])
    (told,) = obstacles(study, exhibit)
    assert told.startswith("own is not available")


def test_problems_of_every_format_can_be_judged_by_the_studys_own_verifier():
    for name in formats.MODULES:
        importlib.import_module(verifier_module("boundary", formats.domain_of(name)))


def test_pictures_are_no_obstacle_and_have_majorities_and_second_opinions(config):
    for kind, verifiers in (("pass_at_k", list(VERIFIERS)), ("majority_at_k", ["boundary"])):
        study, exhibit = exhibit_of(
            config, ["mini-vl-base"], kind, benchmarks=["mathvista"], verifiers=verifiers
        )
        assert obstacles(study, exhibit) == [] and len(exhibit.cells) == len(verifiers)


def test_programs_are_none_but_have_no_majority_and_no_second_opinion(config):
    study, exhibit = exhibit_of(config, ["mini-base"], benchmarks=["humaneval-plus"])
    assert obstacles(study, exhibit) == []
    with pytest.raises(BoundaryError, match="the answers of humaneval-plus are programs"):
        exhibit_of(config, ["mini-base"], "majority_at_k", benchmarks=["humaneval-plus"])
    with pytest.raises(BoundaryError, match="'published' judges no problems of domain code"):
        exhibit_of(config, ["mini-base"], benchmarks=["humaneval-plus"], verifiers=["published"])


def test_no_teacher_is_shown_pictures(config):
    edit(
        config / "models.yaml",
        lambda models: models["mini-distill"]["finetune"]["teacher"].update(problems="mathvista"),
    )
    with pytest.raises(
        BoundaryError, match="'mathvista' has problems of domain visual, whose pictures"
    ):
        load_study("miniature", config, SCHEMAS)


@pytest.mark.parametrize("found", [["visual"], ["code", "visual"], ["sound"], []])
def test_what_looks_at_texts_alone_refuses_pictures(found):
    with pytest.raises(BoundaryError, match=r"^p\.parquet: holds problems of "):
        check_textual(found, "p.parquet", "training")
    assert check_textual(["code", "code"], "p.parquet", "training") == "code"


def test_no_command_poses_or_judges_what_it_does_not_know(tmp_path, capsys):
    problems, output = tmp_path / "problems.parquet", tmp_path / "out.parquet"
    frame = pd.DataFrame({"problem_id": ["a"], "domain": "sound", "question": "?", "gold": "null"})
    write_records(problems, "problem", frame, {"benchmark": "b", "protocol": 1})
    samples = tmp_path / "samples.parquet"
    columns = {"text": "5", "token_ids": None, "n_tokens": 1, "finish_reason": "stop"}
    drawn = pd.DataFrame({"problem_id": ["a"], "sample_index": 0, **columns, "logprob_sum": 0.0})
    write_records(samples, "sample", drawn, {})
    model = tmp_path / "model.json"
    model.write_text('{"name": "m", "revision": "r", "checkpoint": "checkpoint"}')
    common = ["--problems", str(problems), "--output", str(output)]
    prompts = ["--template", "mini", "--prompts", str(ROOT / "config/prompts.yaml")]
    for command in (
        ["verify", "--samples", str(samples), *common],
        ["sample", "--model", str(model), *prompts, *common],
    ):
        assert main(command) == 1
        assert "holds problems of domain sound, which nothing judges" in capsys.readouterr().err
    assert not output.exists()
