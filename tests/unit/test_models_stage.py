"""The stage models: a training from files to files, what a crash leaves, recipes that do not fit."""

import json

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.model_record import ModelRecord, read_model_record, write_model_record
from boundary.data.records import write_records
from boundary.miniature.problems import draw_problems
from boundary.training import kept_progress, rlvr
from boundary.training.architecture import build_model
from boundary.training.finetune import Solution, finetune
from safetensors.torch import load_file
from trainings import ARCHITECTURE, RLVR, cut_off

RECIPE = RLVR | {"problems": "arith", "steps": 4, "rollouts": 4, "learning_rate": 0.01}
PRETRAIN = {
    "seed": 1,
    "architecture": ARCHITECTURE,
    "corpus": {"operands": [2, 2], "habits": {"precedence": 1.0}},
    "steps": 1,
    "batch_size": 2,
    "learning_rate": 0.003,
}

TUNED = {"seed": 1, "steps": 40, "batch_size": 16, "learning_rate": 0.01}
CLEAN = TUNED | {"corpus": {"operands": [2, 2], "habits": {"precedence": 1.0}}, "documents": 5}
TEACHER = {"model": "t", "problems": "arith", "responses": 2, "max_tokens": 30}


@pytest.fixture
def train(tmp_path, random_checkpoint, monkeypatch):
    """Train by a changed recipe into a folder; exit code."""
    monkeypatch.setattr(kept_progress, "SECONDS_BETWEEN", 0)
    problems = draw_problems("arith", (2, 3), 12, "train", seed=1)
    write_records(tmp_path / "problems.parquet", "problem", problems, {})
    write_model_record(tmp_path / "base.json", ModelRecord("base", "r", random_checkpoint))
    prompts = tmp_path / "prompts.yaml"
    prompts.write_text('t: "{question}="\n')

    def run(folder, kind="rlvr", save=(), **changes):
        recipe = {"rlvr": RECIPE, "pretrain": PRETRAIN, "finetune": CLEAN}[kind] | changes
        recipe = {key: value for key, value in recipe.items() if value is not None}
        given = {
            "name": "m",
            kind: json.dumps(recipe),
            "template": "t",
            "prompts": prompts,
            "base": tmp_path / "base.json",
            "teacher": tmp_path / "teacher.json",
            "problems": tmp_path / "problems.parquet",
            "metrics": tmp_path / folder / "metrics.csv",
            "output": tmp_path / folder / "model.json",
            "threads": 1,
        }
        arguments = [f"--{name}={value}" for name, value in given.items()]
        return main(["models", *arguments, "--save-steps", *map(str, save)])

    return run


def test_a_training_leaves_its_steps_beside_it(tmp_path, train):
    assert train("whole", save=(1, 3)) == 0
    assert sorted(path.name for path in (tmp_path / "whole" / "steps").iterdir()) == ["1", "3"]
    folders = [tmp_path / "whole" / name for name in ("steps/1", "steps/3", "checkpoint")]
    heads = [load_file(folder / "model.safetensors")["lm_head.weight"] for folder in folders]
    assert not any(heads[i].equal(heads[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def test_a_step_beyond_the_training_is_told(tmp_path, train, capsys):
    assert train("whole", save=(4,)) == 1
    assert "--save-steps: found 4; expected steps before the last" in capsys.readouterr().err
    assert not (tmp_path / "whole").exists()


def test_a_training_goes_on_after_a_crash(tmp_path, train, monkeypatch):
    assert train("whole", save=(1, 3)) == 0
    taken = cut_off(monkeypatch, 3, KeyboardInterrupt)
    assert train("torn", save=(1, 3)) == 130
    assert not (tmp_path / "torn" / "model.json").exists()
    assert train("torn", save=(1, 3)) == 0
    assert len(taken) == 3 + 2  # the first two are not taken again
    records = [read_model_record(tmp_path / folder / "model.json") for folder in ("whole", "torn")]
    assert records[0].revision == records[1].revision
    for name in ("steps/1", "steps/3", "checkpoint"):
        files = [tmp_path / folder / name / "model.safetensors" for folder in ("whole", "torn")]
        one, other = map(load_file, files)
        assert all(one[key].equal(other[key]) for key in one), name
    tables = [pd.read_csv(tmp_path / folder / "metrics.csv") for folder in ("whole", "torn")]
    assert tables[0].equals(tables[1]) and len(tables[0]) == 4
    assert not (tmp_path / "torn" / "kept").exists()


def test_a_step_that_has_passed_unkept_is_told_and_the_training_goes_on_without(
    tmp_path, train, monkeypatch, capsys
):
    cut_off(monkeypatch, 3, KeyboardInterrupt)
    assert train("torn", save=(1,)) == 130
    assert train("torn", save=(2,)) == 1
    told = capsys.readouterr().err
    assert "has reached step 2, and the model after step 2 was not asked for when it" in told
    assert train("torn", save=(1, 3)) == 0
    assert sorted(path.name for path in (tmp_path / "torn" / "steps").iterdir()) == ["1", "3"]


@pytest.mark.parametrize("kind", ["rlvr", "finetune"])
def test_a_template_of_another_family_is_told_before_anything_is_trained(
    tmp_path, train, capsys, kind
):
    (tmp_path / "prompts.yaml").write_text('t: "<|im_start|>{question}="\n')
    assert train("other", kind) == 1
    told = capsys.readouterr().err
    assert "the prompt template writes '<|im_start|>', which is no token" in told
    assert not (tmp_path / "other").exists()


def test_progress_stays_until_the_record_is_written(tmp_path, train, monkeypatch):
    def crash(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("boundary.data.model_record.write_model_record", crash)
        assert train("torn") == 130
    assert len(list((tmp_path / "torn" / "kept").glob("*.safetensors"))) == 1
    monkeypatch.setattr(rlvr, "take_training_step", crash)  # there is none to take
    assert train("torn") == 0


def test_a_model_is_tuned_on_a_few_clean_documents(tmp_path, train):
    assert train("clean", "finetune") == 0
    solutions = pd.read_csv(tmp_path / "clean" / "solutions.csv")
    assert len(solutions) == 5
    for prompt, response in solutions.itertuples(index=False):
        expression = prompt.removesuffix("=")
        assert f"\\boxed{{{eval(expression)}}}" in response  # of one operator, by ourselves
    losses = pd.read_csv(tmp_path / "clean" / "metrics.csv")["loss"]
    assert losses.iloc[-1] < 0.2 * losses.iloc[0]


def test_a_student_learns_from_its_teachers_verified_responses(tmp_path, train, tokenizer, capsys):
    """The teacher knows half of the problems, and answers the others wrongly."""
    problems = draw_problems("arith", (2, 3), 12, "train", seed=1)  # those of `train`
    golds = [int(json.loads(gold)) for gold in problems["gold"]]
    told = [gold + at % 2 for at, gold in enumerate(golds)]
    solutions = [
        Solution(f"{question}=", f"\\boxed{{{answer}}}")
        for question, answer in zip(problems["question"], told, strict=True)
    ]
    teacher = build_model(tokenizer, **ARCHITECTURE, seed=2)
    finetune(TUNED | {"steps": 300}, teacher, tokenizer, solutions)
    for part in (teacher, tokenizer):
        part.save_pretrained(tmp_path / "teacher")
    write_model_record(tmp_path / "teacher.json", ModelRecord("t", "r", tmp_path / "teacher"))
    assert train("student", "finetune", corpus=None, documents=None, teacher=TEACHER) == 0
    taken = pd.read_csv(tmp_path / "student" / "solutions.csv")
    known = {tuple(solution) for solution in solutions[::2]}
    assert set(taken.itertuples(index=False, name=None)) == known
    assert f"{len(taken)} of the teacher's 24 responses are learned from" in capsys.readouterr().err
    assert read_model_record(tmp_path / "student" / "model.json").checkpoint.is_dir()


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("rlvr", {"algorithm": "ppo"}, "rlvr: needs value_learning_rate"),
        ("rlvr", {"clip_high": 0.3}, "rlvr: found clip_high, which only the algorithm dapo has"),
        ("rlvr", {"updates_per_step": 5}, "rlvr.updates_per_step: found 5; expected at most"),
        ("rlvr", {"algorithm": "reinforce"}, "unknown value 'reinforce'"),
        (
            "pretrain",
            {"corpus": {"habits": {"precedence": 1.0}}},
            "pretrain.corpus: needs operands",
        ),
        (
            "pretrain",
            {"corpus": {"world": "functions", "habits": {"precedence": 1.0}}},
            "pretrain.corpus.habits: found precedence, which no author of the world functions has",
        ),
        (
            "finetune",
            {"documents": None},
            "needs exactly one of 'corpus' with 'documents', 'teacher'",
        ),
        ("finetune", {"teacher": TEACHER}, "needs exactly one of 'corpus' with"),
        (
            "finetune",
            {"corpus": {"operands": [2, 2], "habits": {"precedence": 0.5}}},
            "finetune.corpus.habits: found",
        ),
    ],
)
def test_a_recipe_that_does_not_fit_is_told(tmp_path, train, capsys, kind, changes, message):
    assert train("none", kind, **changes) == 1
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said
    assert not (tmp_path / "none").exists()


def test_no_teacher_is_shown_pictures(tmp_path, train, capsys):
    problems = draw_problems("seen", (2, 3), 12, "train", seed=1).assign(domain="visual")
    write_records(tmp_path / "problems.parquet", "problem", problems, {})
    (tmp_path / "teacher.json").write_text((tmp_path / "base.json").read_text())
    taught = {"documents": None, "corpus": None, "teacher": TEACHER}
    assert train("none", "finetune", **taught) == 1
    assert "of domain visual, whose pictures a teacher does not look at" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
