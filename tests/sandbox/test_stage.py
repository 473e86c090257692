"""Programs through the stages verify and grade, from files to files."""

import json

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.provenance import questions_digest
from boundary.data.records import read_provenance, read_records, write_records
from boundary.sampling.prompts import Template
from boundary.training.problems import training_problems
from boundary.training.reward import verified_reward
from boundary.verification.policy import Policy

TESTS = {
    "public": [{"input": "2", "output": "4", "testtype": "functional"}],
    "private": [{"input": "-3", "output": "9", "testtype": "functional"}],
}
ASSERTIONS = {"code": "def check(c):\n    assert c(3) == 6", "entry_point": "twice", "imports": []}
SQUARE, TWICE = "def square(n): return n * n", "def twice(n): return 2 * n"
RESPONSES = {
    "square": [f"```python\n{SQUARE}\n```", "```python\ndef square(n): return 4\n```"],
    "twice": ["I do not know.", TWICE],
}


def write_cell(folder, gold=SQUARE):
    """Two problems and a shard of two samples of each."""
    problems = pd.DataFrame(
        {
            "problem_id": ["square", "twice"],
            "domain": "code",
            "question": ["n squared", "n doubled"],
            "gold": [json.dumps(gold), json.dumps(TWICE)],
            "tests": [json.dumps(TESTS), json.dumps(ASSERTIONS)],
            "meta": [json.dumps({"func_name": "square"}), "{}"],
        }
    )
    write_records(folder / "problems.parquet", "problem", problems, {"benchmark": "b"})
    keys = [(name, index) for name in RESPONSES for index in (0, 1)]
    samples = pd.DataFrame(keys, columns=["problem_id", "sample_index"]).assign(
        text=[text for texts in RESPONSES.values() for text in texts],
        token_ids=None,
        n_tokens=1,
        finish_reason="stop",
        logprob_sum=0.0,
    )
    drawn = {
        "model": "m",
        "benchmark": "b",
        "shard": 0,
        "shard_size": 2,
        "questions_sha256": questions_digest(problems.assign(images=None)),
    }
    write_records(folder / "samples.parquet", "sample", samples, drawn)


def test_training_rewards_what_the_stage_calls_correct(tmp_path):
    write_cell(tmp_path)
    problems = training_problems(
        tmp_path / "problems.parquet", "code", Template("{question}"), Policy()
    )
    assert [problem.prompt for problem in problems] == ["n squared", "n doubled"]
    answered = [
        (problem.posed, text)
        for problem, texts in zip(problems, RESPONSES.values(), strict=True)
        for text in texts
    ]
    with verified_reward("code") as reward:
        assert reward(answered) == [1.0, 0.0, 0.0, 1.0]


def verify(folder, *more):
    files = [f"--{name}={folder / name}.parquet" for name in ("samples", "problems")]
    return main(["verify", *files, "--output", str(folder / "verdicts.parquet"), *more])


def test_a_shard_of_programs_is_judged(tmp_path):
    write_cell(tmp_path)
    assert verify(tmp_path, "--memo", str(tmp_path / "memo")) == 0
    verdicts = read_records(tmp_path / "verdicts.parquet", "verdict")
    assert list(verdicts["verdict"]) == ["correct", "wrong", "no_answer", "correct"]
    assert list(verdicts["found"])[:2] == ["fence", "fence"] and verdicts["found"][3] == "whole"
    assert verdicts["detail"][1] == "test 2: returned 4" and verdicts["answer"][0] == SQUARE
    assert "numpy" in read_provenance(tmp_path / "verdicts.parquet")["versions"]
    first = (tmp_path / "verdicts.parquet").read_bytes()
    (tmp_path / "verdicts.parquet").unlink()
    assert verify(tmp_path, "--memo", str(tmp_path / "memo")) == 0
    assert (tmp_path / "verdicts.parquet").read_bytes() == first


def test_nothing_is_verified_where_a_right_program_fails(tmp_path, capsys):
    write_cell(tmp_path, gold="def square(n): return n + n")
    assert verify(tmp_path) == 1
    said = capsys.readouterr().err
    assert (
        "the reference programs of 1 problems do not pass their own tests here: square (wrong: "
        in said
    )
    assert not (tmp_path / "verdicts.parquet").exists()


def test_a_second_opinion_on_programs_is_refused(tmp_path, capsys):
    write_cell(tmp_path)
    assert verify(tmp_path, "--verifier", "published") == 1
    assert "'published' judges no problems of domain code" in capsys.readouterr().err


def test_programs_are_graded_beside_formulas(tmp_path):
    lines = [
        {"id": 1, "domain": "code", "tests": TESTS, "function": "square", "text": SQUARE},
        {"id": 2, "gold": "4", "text": "\\boxed{4}"},
        {"id": 3, "domain": "code", "tests": ASSERTIONS, "gold": "", "text": SQUARE},
        {"id": 4, "domain": "code", "tests": TESTS, "function": "square", "text": "no idea"},
    ]
    file, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["grade", str(file), "--output", str(output)]) == 0
    graded = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["verdict"] for line in graded] == [
        "correct",
        "correct",
        "program_error",
        "no_answer",
    ]


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ([], "found a list"),
        ({}, "found the keys none"),
        ({"public": [{"input": "1"}]}, "test 1 is {'input': '1'}"),
        ({"public": [{"input": "x", "output": "1", "testtype": "functional"}]}, "not JSON"),
    ],
)
def test_tests_that_are_none_are_told_with_their_line(tmp_path, capsys, tests, said):
    line = {"id": 1, "domain": "code", "tests": tests, "function": "f", "text": "x"}
    (tmp_path / "in.jsonl").write_text(json.dumps(line) + "\n")
    assert main(["grade", str(tmp_path / "in.jsonl")]) == 1
    error = capsys.readouterr().err
    assert "in.jsonl, line 1: tests: " in error and said in error
