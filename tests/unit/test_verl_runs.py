"""Trainings with VeRL, as far as they go without it: recipes, refusals, what is kept and made of it."""

import fcntl
import json
import tempfile

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.checkpoint import checkpoint_digest
from boundary.data.model_record import ModelRecord, read_model_record, write_model_record
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.miniature.problems import draw_problems
from boundary.sampling import gpus
from boundary.study.load import load_study
from boundary.training.verl_runs import launch
from boundary.training.verl_runs.exported import export_steps, last_step
from boundary.training.verl_runs.kept_run import KeptRun
from boundary.training.verl_runs.metrics import training_metrics
from config_files import SCHEMAS, edit

RECIPE = {
    "algorithm": "grpo",
    "problems": "arith-train",
    "seed": 1,
    "steps": 4,
    "problems_per_step": 4,
    "rollouts": 8,
    "updates_per_step": 2,
    "max_tokens": 6,
    "learning_rate": 1e-6,
    "clip": 0.2,
    "gpus": 2,
    "save_every": 2,
}
# In the place of VeRL: a program that writes what that would, where its settings say. It dies after the
# first checkpoint of its first run.
STAND_IN = """
import json, os, pathlib, shutil, sys
settings = dict(setting.lstrip("+").split("=", 1) for setting in sys.argv[1:])
text = lambda key: json.loads(settings[key])
checkpoints = pathlib.Path(text("trainer.default_local_dir"))
tracker = checkpoints / "latest_checkpointed_iteration.txt"
begun = int(tracker.read_text()) if tracker.exists() else 0
assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1" and pathlib.Path(text("data.train_files")[0]).exists()
inherited = [os.readlink(fd) for fd in pathlib.Path("/proc/self/fd").iterdir() if fd.exists()]
assert any(file.endswith("/kept/lock") for file in inherited)
assert sum("/gpu-" in file for file in inherited) == 2
log = open(os.environ["VERL_FILE_LOGGER_PATH"], "w")
for old in checkpoints.glob("global_step_*") if begun else ():
    shutil.rmtree(old)
for step in range(begun + 1, int(settings["trainer.total_training_steps"]) + 1):
    if step % int(settings["trainer.save_freq"]) == 0:
        folder = checkpoints / f"global_step_{step}" / "actor" / "huggingface"
        shutil.copytree(text("actor_rollout_ref.model.path"), folder)
        (folder / "config.json").write_text(json.dumps({"step": step}))
        (folder / "tokenizer.json").write_text("with another chat template")
        tracker.write_text(str(step))
        if not begun:
            print("out of memory", file=sys.stderr)
            sys.exit(3)
    names = ["critic/score/mean", "response_length/mean", "actor/pg_loss", "actor/entropy"]
    log.write(json.dumps({"step": step, "data": dict.fromkeys(names, step / 2)}) + "\\n")
"""


@pytest.fixture
def train(tmp_path, random_checkpoint, monkeypatch):
    """Train by a changed recipe into the folder ``out``; exit code."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where the locks of GPUs are
    monkeypatch.setattr(gpus, "_held", {})
    problems = draw_problems("arith", (2, 3), 12, "train", seed=1)
    write_records(tmp_path / "problems.parquet", "problem", problems, {})
    write_model_record(tmp_path / "base.json", ModelRecord("base", "r", random_checkpoint))
    (tmp_path / "prompts.yaml").write_text(
        't: "{question}="\nended: {text: "{question}", end: "}"}\n'
    )

    def run(save=(2,), template="t", **changes):
        given = {
            "name": "m",
            "recipe": json.dumps(RECIPE | changes),
            "template": template,
            "prompts": tmp_path / "prompts.yaml",
            "base": tmp_path / "base.json",
            "problems": tmp_path / "problems.parquet",
            "metrics": tmp_path / "out" / "metrics.csv",
            "output": tmp_path / "out" / "model.json",
        }
        arguments = [f"--{name}={value}" for name, value in given.items()]
        return main(["train", *arguments, "--save-steps", *map(str, save)])

    return run


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A program in the place of VeRL, which takes GPUs."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(launch, "MODULE", "stand_in")


def test_a_training_that_was_killed_goes_on_and_becomes_a_model(
    tmp_path, random_checkpoint, train, stand_in, capfd
):
    out = tmp_path / "out"
    assert train() == 1
    told = capfd.readouterr().err
    assert "out of memory" in told and "exit code 3 before step 4" in told
    assert "the same command goes on after step 2" in told and not (out / "model.json").exists()
    assert train() == 0
    record = read_model_record(out / "model.json")
    assert record.revision == checkpoint_digest(out / "checkpoint") and record.name == "m"
    for folder, step in ((out / "checkpoint", 4), (out / "steps" / "2", 2)):
        assert json.loads((folder / "config.json").read_text()) == {"step": step}
        own = (random_checkpoint / "tokenizer.json").read_text()
        assert (folder / "tokenizer.json").read_text() == own
    metrics = pd.read_csv(out / "metrics.csv")
    assert list(metrics["step"]) == [1, 3, 4]  # VeRL saves a step before it logs it
    assert list(metrics["reward"]) == [0.5, 1.5, 2]
    assert sorted(path.name for path in out.iterdir()) == [
        *("checkpoint", "metrics.csv", "model.json", "steps")
    ]


def test_a_step_is_not_lost_when_nobody_was_there_to_take_it(
    tmp_path, train, stand_in, monkeypatch
):
    """The stage and VeRL are killed at once, and VeRL clears up when it goes on."""

    def killed(*arguments):
        launch_verl(*arguments)
        raise KeyboardInterrupt

    launch_verl = launch.run_verl
    with monkeypatch.context() as patched:
        patched.setattr(launch, "run_verl", killed)
        assert train() == 130
    assert not (tmp_path / "out" / "kept" / "exported").exists()
    assert train() == 0 and (tmp_path / "out" / "steps" / "2" / "config.json").exists()


def test_a_training_that_was_killed_at_its_very_end_is_not_taken_further(
    tmp_path, train, stand_in, monkeypatch
):
    """The stage and VeRL are killed after its last checkpoint, before the stage has taken that."""
    assert train() == 1
    launch_verl = launch.run_verl

    def killed(*arguments):
        launch_verl(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(launch, "run_verl", killed)
        assert train() == 130
    monkeypatch.setattr(launch, "run_verl", lambda *arguments: pytest.fail("trained further"))
    assert train() == 0
    assert list(pd.read_csv(tmp_path / "out" / "metrics.csv")["step"]) == [1, 3, 4]


def test_a_step_that_verl_has_removed_is_told_at_once(
    tmp_path, train, stand_in, capfd, monkeypatch
):
    assert train(save=(), steps=6) == 1
    (tmp_path / "out" / "kept" / "checkpoints" / "global_step_2").rename(tmp_path / "removed")
    monkeypatch.setattr(launch, "run_verl", lambda *arguments: pytest.fail("trained further"))
    assert train(save=(2,), steps=6) == 1
    told = capfd.readouterr().err
    assert (
        "out/kept: the training kept here has reached step 2, and its checkpoint of step 2" in told
    )
    with pytest.raises(pytest.fail.Exception, match="trained further"):  # it is still to come
        train(save=(4,), steps=6)


def test_a_full_disk_does_not_end_a_training(tmp_path, train, stand_in, capfd, monkeypatch):
    monkeypatch.setattr(launch, "PAUSE", 0.01)
    exported = []

    def full(*arguments):
        exported.append(1)
        if 1 < len(exported) < 4:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("boundary.training.verl_runs.exported.export_steps", full)
    assert train() == 1
    told = capfd.readouterr().err
    assert "a checkpoint could not be taken yet" in told and "exit code 3" not in told
    assert "its checkpoint of step 2 is not kept" in told


def test_a_verl_that_outlived_its_stage_is_left_alone(tmp_path, train, stand_in, capfd):
    (tmp_path / "out" / "kept").mkdir(parents=True)
    with (tmp_path / "out" / "kept" / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert train() == 1
    assert "out/kept: a training is under way here already" in capfd.readouterr().err


def test_another_configuration_does_not_go_on_from_it(train, stand_in, tmp_path, capfd):
    assert train() == 1
    kept = tmp_path / "out" / "kept"
    before = sorted(kept.rglob("*"))
    assert train(clip=0.3) == 1
    told = capfd.readouterr().err
    assert f"{kept}: a training of another configuration is kept here (of another recipe;" in told
    assert sorted(kept.rglob("*")) == before
    (kept / "identity.json").unlink()  # the way out that the message names
    assert train(clip=0.3) == 0


def test_what_was_trained_is_not_trained_again_when_its_record_could_not_be_written(
    train, stand_in, monkeypatch, tmp_path
):
    def crash(*arguments):
        raise KeyboardInterrupt

    train()
    with monkeypatch.context() as patched:
        patched.setattr("boundary.data.model_record.write_model_record", crash)
        assert train() == 130
    monkeypatch.setattr(launch, "run_verl", crash)
    assert train() == 0 and not (tmp_path / "out" / "kept").exists()


@pytest.mark.parametrize(
    ("visible", "changes", "message"),
    [
        ("", {}, "takes 2 GPUs at once, and this process sees 0: train on a machine that has"),
        ("0", {}, "takes 2 GPUs at once, and this process sees 1"),
        ("0,1", {}, "VeRL is not installed here; envs/verl.yaml is its environment"),
        ("0,1", {"algorithm": "reinforce"}, "unknown value 'reinforce'"),
        ("0,1", {"updates_per_step": 3}, "expected a divisor of problems_per_step, 4"),
        (
            "0,1",
            {"gpus": 3},
            "verl.gpus: found 3; expected a divisor of the 16 rollouts of an update",
        ),
        ("0,1", {"algorithm": "ppo"}, "verl: needs value_learning_rate, which"),
        ("0,1", {"save": (3,)}, "--save-steps: found 3; expected multiples of save_every, 2"),
        (
            "0,1",
            {"save": (4,)},
            "--save-steps: found 4; expected multiples of save_every, 2, below 4",
        ),
        ("0,1", {"template": "ended"}, "ended has end, which no training is told of"),
        ("0,1", {"overrides": ["--multirun"]}, "overrides.0: "),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_is_written(
    train, tmp_path, monkeypatch, capsys, visible, changes, message
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert train(**changes) == 1
    told = capsys.readouterr().err
    assert message in told and "Traceback" not in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems_per_step": 16}, "there are 12 problems to train on and the recipe's problems"),
        (
            {"max_tokens": 60},
            "its context is 64 tokens, and the longest prompt with max_tokens takes",
        ),
    ],
)
def test_so_are_problems_that_do_not_fit(train, stand_in, tmp_path, capsys, changes, message):
    assert train(**changes) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_and_problems_with_pictures(train, stand_in, tmp_path, capsys):
    problems = draw_problems("seen", (2, 3), 12, "train", seed=1).assign(domain="visual")
    write_records(tmp_path / "problems.parquet", "problem", problems, {})
    assert train() == 1
    assert "of domain visual, whose pictures training does not look at" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


VERL_MODEL = {
    "label": "own",
    "family": "f",
    "role": "rlvr",
    "base": "mini-base",
    "template": "mini",
}


@pytest.mark.parametrize(
    ("recipe", "step", "message"),
    [
        ({"gpus": None}, None, r"own\.verl: missing the key 'gpus'"),
        ({"algorithm": "gae"}, None, r"own\.verl\.algorithm: unknown value 'gae'"),
        ({"problems": "arith"}, None, r"own\.verl\.problems: 'arith' holds test problems"),
        (
            {"updates_per_step": 3},
            None,
            r"own\.verl\.updates_per_step: found 3; expected a divisor",
        ),
        ({}, 3, r"early\.step_of\.step: found 3; expected a multiple of the save_every of own, 2"),
        ({}, 4, r"early\.step_of\.step: found 4; expected fewer than the 4 steps of own"),
    ],
)
def test_the_catalogue_tells_what_does_not_fit(config, recipe, step, message):
    changed = {key: value for key, value in (RECIPE | recipe).items() if value is not None}
    entries = {"own": VERL_MODEL | {"verl": changed}}
    if step:
        entries["early"] = VERL_MODEL | {"step_of": {"model": "own", "step": step}}
    edit(config / "models.yaml", lambda models: models.update(entries))
    with pytest.raises(BoundaryError, match=message):
        load_study("miniature", config, SCHEMAS)


@pytest.mark.parametrize("model", ["qwen2.5-7b-grpo-450", "qwen2.5-7b-remax"])
def test_a_folder_takes_the_place_of_a_training(config, model):
    """In the text of the catalogue, as a person would put it there."""
    file = config / "models.yaml"
    begin, entry = file.read_text().split(f"\n{model}:\n")
    recipe = entry[entry.index("  verl: {") : entry.index("  }\n") + 4]
    file.write_text(f"{begin}\n{model}:\n{entry.replace(recipe, '  path: own' + chr(10), 1)}")
    if model.endswith("450"):
        with pytest.raises(BoundaryError, match=r"grpo-450 is not trained on verified"):
            load_study("miniature", config, SCHEMAS)
        text = file.read_text()
        for step in (150, 300):
            text = text.replace(f"step_of: {{model: {model}, step: {step}}}", "path: own")
        file.write_text(text)
    models = load_study("miniature", config, SCHEMAS).catalogue.models
    assert models[model].source == "path"
    assert models["qwen2.5-7b-rloo"].source == "verl"


def test_a_model_of_verl_says_how_it_is_trained_and_so_does_a_step_of_it(config):
    entries = {
        "own": VERL_MODEL | {"verl": RECIPE | {"kl": 0.001}},
        "early": VERL_MODEL | {"step_of": {"model": "own", "step": 2}},
    }
    edit(config / "models.yaml", lambda models: models.update(entries))
    models = load_study("miniature", config, SCHEMAS).catalogue.models
    known = {"algorithm": "grpo", "rollouts": 8, "kl": 0.001}
    assert models["own"].training == known | {"steps": 4}
    assert models["early"].training == known | {"steps": 2}
    assert models["own"].training_benchmarks == ["arith-train"]
    assert (models["own"].gpus, models["own"].training_gpus) == (1, 2)


def log_line(step, **other):
    told = {"critic/score/mean": 0.25, "response_length/mean": 7.5, "actor/pg_loss": -0.5}
    told |= {"actor/entropy": 0.75, "perf/mfu/actor": 0.4} | other
    return json.dumps({"step": step, "data": told}) + "\n"


def test_the_logs_of_all_attempts_are_one_table(tmp_path):
    first, second = tmp_path / "0000.jsonl", tmp_path / "0001.jsonl"
    first.write_text(log_line(1) + log_line(2) + log_line(3)[:30])
    second.write_text(log_line(2, **{"actor/kl_loss": 0.125, "critic/vf_loss": 2.0}))
    table = training_metrics([first, second])
    assert list(table["step"]) == [1, 2]
    assert table.iloc[1].to_dict() == {
        "step": 2,
        "reward": 0.25,
        "response_length": 7.5,
        "loss": -0.5,
        "entropy": 0.75,
        "kl": 0.125,
        "value_loss": 2.0,
    }
    assert pd.isna(table["kl"][0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "VeRL logged no step"),
        ("{}\n" + log_line(1), r"0000\.jsonl: line 1 is damaged"),
        (log_line(1).replace("actor/entropy", "x"), r"step 1: VeRL did not log actor/entropy"),
    ],
)
def test_a_log_that_is_none_is_told(tmp_path, text, message):
    (tmp_path / "0000.jsonl").write_text(text)
    with pytest.raises(BoundaryError, match=message):
        training_metrics([tmp_path / "0000.jsonl"])


def test_each_attempt_has_a_log_of_its_own(tmp_path):
    kept = KeptRun(tmp_path / "kept", {"recipe": {"clip": 0.2}, "policy": ("a",)})
    for _ in range(11):
        kept.new_log().write_text("")
    assert [log.stem for log in kept.logs] == [f"{i:04d}" for i in range(11)]
    kept.begin()
    kept.check()  # a tuple is a list in JSON


def test_a_model_is_taken_when_its_checkpoint_is_finished_and_outlives_it(tmp_path):
    base, checkpoints, exported = (tmp_path / name for name in ("base", "checkpoints", "exported"))
    written = checkpoints / "global_step_2" / "actor" / "huggingface"
    for folder, content in ((base, "base"), (written, "trained")):
        folder.mkdir(parents=True)
        for name in (
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "generation_config.json",
        ):
            (folder / name).write_text(content)
    export_steps(checkpoints, base, exported, [2])
    assert last_step(checkpoints) == 0 and not exported.exists()
    tracker = checkpoints / "latest_checkpointed_iteration.txt"
    tracker.write_text("")
    assert last_step(checkpoints) == 0
    tracker.write_text("2")
    export_steps(checkpoints, base, exported, [2, 4])
    assert [path.name for path in exported.iterdir()] == ["2"]
    (written / "model.safetensors").unlink()
    found = {path.name: path.read_text() for path in (exported / "2").iterdir()}
    assert found == {
        "config.json": "trained",
        "model.safetensors": "trained",
        "tokenizer.json": "base",
        "generation_config.json": "base",
    }
