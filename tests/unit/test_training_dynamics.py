"""The figure of a training: where its logs come from, what is refused of them, and what is drawn."""

import json

import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.errors import BoundaryError
from boundary.exhibits.training_dynamics import QUANTITIES, WINDOW, draw, gather_logs
from boundary.study import jobs
from boundary.study.load import load_study
from boundary.study.obstacles import obstacles
from config_files import SCHEMAS, edit
from matplotlib.colors import to_hex

FIGURE = {"kind": "training_dynamics", "models": ["mini-grpo"]}


def model(number, label=None, family="f"):
    label = label or f"model {number}"
    return {"model": f"m{number}", "label": label, "family": family, "role": "rlvr"}


def write_log(path, steps=40, seed=0):
    rng = np.random.default_rng(seed)
    log = pd.DataFrame({"step": range(1, steps + 1), "loss": 0.0})
    for quantity in QUANTITIES:
        log[quantity] = rng.normal(seed, 1, steps)
    log.to_csv(path, index=False)
    return log


def test_the_average_is_of_the_steps_around(tmp_path):
    logs = [write_log(tmp_path / f"{i}.csv", steps, i) for i, steps in enumerate((40, 5))]
    table = gather_logs([tmp_path / "0.csv", tmp_path / "1.csv"], [model(0), model(1)])
    assert len(table) == 3 * 45
    half = WINDOW // 2
    for number, log in enumerate(logs):
        for quantity in QUANTITIES:
            rows = table[(table["model"] == f"m{number}") & (table["quantity"] == quantity)]
            values = log[quantity].to_numpy()
            assert rows["step"].tolist() == log["step"].tolist()
            np.testing.assert_allclose(rows["value"], values)
            around = [values[max(0, at - half) : at + half + 1].mean() for at in range(len(values))]
            np.testing.assert_allclose(rows["smoothed"], around)


HEADER = "step,reward,response_length,entropy\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,reward,entropy\n1,2,3\n", "found the columns step, reward, entropy.*Add response_l"),
        (HEADER, "has no rows; expected one for each step"),
        ("", "cannot be read as CSV"),
        (HEADER + "1,2,3,4,5\n1,2\n1,2,3,4,5,6,7\n", "cannot be read as CSV|expected"),
        (HEADER + "1,2,3,4\n2,,3,4\n", "row 3: reward is nan; expected a number"),
        (HEADER + "1,2,3,inf\n", "row 2: entropy is inf; expected a number"),
        (HEADER + "1,2,3,4\n2,3,high,4\n", "row 3: response_length is high; expected a number"),
        (HEADER + "5,2,3,4\n5,2,3,4\n", "row 3: step 5 stands after 5; expected steps that rise"),
        (HEADER + "5,2,3,4\n4,2,3,4\n", "row 3: step 4 stands after 5; expected steps that rise"),
        (b"\xff\xfe\x00\x01", "cannot be read as CSV"),
        (b"PAR1\x15\x04\x15", "found the columns|cannot be read as CSV"),
    ],
)
def test_what_is_no_log_is_one_message_with_its_file(tmp_path, capsys, text, message):
    path, output = tmp_path / "log.csv", tmp_path / "figure.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BoundaryError, match=message) as caught:
        gather_logs([path], [model(0)])
    assert str(caught.value).startswith(str(path))
    arguments = ["--statistics", str(path), "--cells", json.dumps([model(0)])]
    assert main(["figures", "training_dynamics", *arguments, "--output", str(output)]) == 1
    said = capsys.readouterr().err
    assert str(path) in said and "Traceback" not in said and not output.exists()


def drawn(tmp_path, *models, steps=40):
    paths = [tmp_path / f"{number}.csv" for number in range(len(models))]
    for number, path in enumerate(paths):
        write_log(path, steps, number)
    table = gather_logs(paths, models)
    return table, draw(table)


def test_a_panel_for_each_quantity_and_a_line_for_each_model(tmp_path):
    table, figure = drawn(tmp_path, model(0), model(1))
    assert [axes.get_title() for axes in figure.axes] == list(QUANTITIES.values())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["model 0", "model 1"]
    assert "one run" in figure.get_supxlabel() and f"{WINDOW} steps" in figure.get_supxlabel()
    for axes, quantity in zip(figure.axes, QUANTITIES, strict=True):
        assert len(axes.lines) == 4
        for number, (pale, smooth) in enumerate(
            zip(axes.lines[::2], axes.lines[1::2], strict=True)
        ):
            rows = table[(table["model"] == f"m{number}") & (table["quantity"] == quantity)]
            assert pale.get_alpha() < 0.5 and smooth.get_alpha() is None
            assert pale.get_ydata().tolist() == rows["value"].tolist()
            assert smooth.get_ydata().tolist() == rows["smoothed"].tolist()
            assert to_hex(pale.get_color()) == to_hex(smooth.get_color())


def test_models_of_one_label_are_lines_of_their_own_whatever_their_families(tmp_path):
    models = [model(0, "GRPO", "small"), model(1, "GRPO", "large"), model(2, "PPO", "large")]
    _, figure = drawn(tmp_path, *models)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["m0", "m1", "PPO"]
    assert len(figure.axes) == 3 and all(len(axes.lines) == 6 for axes in figure.axes)
    assert len({to_hex(line.get_color()) for line in figure.axes[0].lines}) == 3


def test_a_model_has_the_colour_that_it_has_beside_its_base(tmp_path):
    import seaborn as sns

    _, figure = drawn(tmp_path, model(0))
    assert to_hex(figure.axes[0].lines[0].get_color()) == to_hex(sns.color_palette("colorblind")[1])


@pytest.mark.parametrize("steps", [1, 2, 450])
def test_from_logs_to_files(tmp_path, steps):
    write_log(tmp_path / "log.csv", steps)
    outputs = [tmp_path / f"figure.{ending}" for ending in ("pdf", "png", "csv")]
    arguments = ["--statistics", str(tmp_path / "log.csv"), "--cells", json.dumps([model(0)])]
    arguments += ["--output", *map(str, outputs)]
    assert main(["figures", "training_dynamics", *arguments]) == 0
    assert outputs[0].read_bytes().startswith(b"%PDF")
    assert outputs[1].read_bytes().startswith(b"\x89PNG")
    data = pd.read_csv(outputs[2])
    assert len(data) == 3 * steps
    assert list(data) == [*model(0), "step", "quantity", "value", "smoothed"]


# In a study


def study_with(config, figure, **models):
    described = {"label": "l", "family": "f", "role": "rlvr", "template": "mini"}
    added = {name: described | entry for name, entry in models.items()}
    edit(config / "models.yaml", lambda d: d.update(added))
    edit(config / "studies/miniature.yaml", lambda d: d["figures"].update(mine=figure))
    return load_study("miniature", config, SCHEMAS)


def test_logs_are_those_of_trainings_here_and_those_that_entries_name(config):
    training = {"steps": 100, "metrics": "logs/theirs.csv"}
    theirs = {"path": "somewhere", "training": training}
    gone = {"available": False, "reason": "never released", "training": training}
    figure = FIGURE | {"models": ["theirs", "mini-grpo", "gone"]}
    study = study_with(config, figure, theirs=theirs, gone=gone)
    exhibit = study.exhibits["mine"]
    assert exhibit.models == ("theirs", "mini-grpo", "gone") and exhibit.cells == ()
    assert jobs.exhibit_statistics(study, {"exhibit": "mine"}) == [
        "logs/theirs.csv",
        "<results>/models/mini-grpo/metrics.csv",
        "logs/theirs.csv",
    ]
    described = json.loads(jobs.exhibit_cells(study, {"exhibit": "mine"}))
    assert described[1] == {
        "model": "mini-grpo", "label": "GRPO", "family": "miniature", "role": "rlvr",
    }  # fmt: skip
    assert study.catalogue.models["theirs"].training == {"steps": 100}  # of what claims compare


def test_a_step_of_a_training_may_have_a_log_of_its_own(config):
    step = {"model": "mini-grpo", "step": 3}
    entry = {"base": "mini-base", "step_of": step, "training": {"metrics": "logs/early.csv"}}
    study = study_with(config, FIGURE | {"models": ["early"]}, early=entry)
    assert jobs.exhibit_statistics(study, {"exhibit": "mine"}) == ["logs/early.csv"]
    assert study.catalogue.models["early"].training["steps"] == 3


@pytest.mark.parametrize(
    "entry", [{"path": "somewhere"}, {"available": False, "reason": "never released"}]
)
def test_a_model_without_a_log_is_told_with_the_key_to_add(config, entry):
    study = study_with(config, FIGURE | {"models": ["mini-grpo", "mini-base", "own"]}, own=entry)
    found = obstacles(study, study.exhibits["mine"])
    assert [text.split()[0] for text in found] == ["mini-base", "own"]
    assert all("training: {metrics: FILE.csv}" in text for text in found)
    assert study.exhibits["mine"] not in jobs.default_exhibits(study)
    with pytest.raises(BoundaryError, match=r"(?s)mine cannot be made:\n.*own has no log"):
        jobs.exhibit_statistics(study, {"exhibit": "mine"})


CELLS = [{"models": ["mini-grpo"], "benchmarks": ["arith"], "sampling": "standard", "n": 128}]


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (
            FIGURE | {"cells": CELLS},
            r"mine\.cells: training_dynamics is shown of models by themselv",
        ),
        ({"kind": "training_dynamics", "cells": CELLS}, "name its `models` in place of `cells`"),
        ({"kind": "training_dynamics"}, "mine: missing the key 'models'"),
        ({"kind": "pass_at_k"}, "mine: missing the key 'cells'"),
        (
            FIGURE | {"kind": "pass_at_k"},
            r"mine\.models: pass_at_k is shown of cells; name its `ce",
        ),
        (
            FIGURE | {"models": ["mini-grp"]},
            r"mine\.models: unknown model 'mini-grp'\. Did you mean",
        ),
        (FIGURE | {"models": []}, r"mine\.models: \[\] (is too short|should be non-empty)"),
        (FIGURE | {"subset": "scored"}, r"mine\.subset: training_dynamics shows no scores"),
    ],
)
def test_mistakes_are_told_before_any_job(config, figure, message):
    with pytest.raises(BoundaryError, match=message):
        study_with(config, figure)
