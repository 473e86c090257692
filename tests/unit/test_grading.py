"""``boundary grade``: lines in, lines out, in the same order."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from boundary.cli import main

LIBRARY = Path(__file__).parents[2] / "workflow" / "lib"


def write_lines(path, *documents):
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return str(path)


def grade(tmp_path, *documents, options=()):
    file, output = write_lines(tmp_path / "in.jsonl", *documents), tmp_path / "out.jsonl"
    assert main(["grade", file, "--output", str(output), *options]) == 0
    return [json.loads(line) for line in output.read_text().splitlines()]


def test_lines_keep_their_order_and_say_why(tmp_path):
    graded = grade(
        tmp_path,
        {"id": 7, "domain": "math", "gold": "\\frac{1}{2}", "text": "so $\\boxed{0.5}$."},
        {"id": "b", "gold": 2, "text": "\\boxed{3}"},
        {"id": None, "gold": "\\sqrt{8}", "text": "2\\sqrt{2}"},
        {"id": [1], "gold": ["1", "2"], "text": "x = 2 or x = 1"},
        {"id": 7, "gold": 1e-7, "text": "4 \\times 10^{-7}"},
        {"id": 8, "gold": "5", "text": "I do\nnot know"},
        {"id": 9, "gold": "4.5e33", "text": "4.52e33", "policy": {"rounding": "gold"}},
        {"id": 10, "gold": "10000", "text": "10001", "policy": "published"},
        {"id": 11, "domain": "sound", "gold": "5", "text": "5"},
        {"id": 12, "gold": "\\text{no}", "text": "on"},
        {"id": 13, "gold": "5", "text": "Answer: 5", "policy": {"answer_in": ["box"]}},
        {"id": 14, "domain": "visual", "gold": "5", "text": "so \\boxed{5}"},
        {"id": 15, "domain": "visual", "gold": "10000", "text": "10001", "policy": "published"},
    )
    assert [line["id"] for line in graded] == [7, "b", None, [1], 7, 8, 9, 10, 11, 12, 13, 14, 15]
    verdicts = [line["verdict"] for line in graded]
    assert verdicts == ["correct", "wrong", "correct", "correct", "wrong", "no_answer", "correct",
                        "correct", "error", "wrong", "wrong", "correct", "correct"]  # fmt: skip
    assert all(set(line) == {"id", "verdict", "answer", "reason"} for line in graded)
    assert graded[0] | {"reason": ""} == {
        "id": 7,
        "verdict": "correct",
        "answer": "0.5",
        "reason": "",
    }
    assert graded[0]["reason"].startswith("number: ") and "'sound'" in graded[8]["reason"]


def test_order_holds_over_blocks_and_workers(tmp_path, monkeypatch):
    monkeypatch.setattr("boundary.verification.grading.LINES_AT_ONCE", 7)
    lines = [
        {"id": n, "gold": f"\\sqrt{{{n}}}", "text": f"\\boxed{{{n + n % 2}^{{1/2}}}}",
         "policy": "math_verify" if n % 5 == 0 else {}}
        for n in range(1, 40)
    ]  # fmt: skip
    graded = grade(tmp_path, *lines, options=["--workers", "2"])
    assert [line["id"] for line in graded] == list(range(1, 40))
    assert all((line["verdict"] == "correct") == (line["id"] % 2 == 0) for line in graded)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: not a JSON object"),
        ('{"id": 1, "text": "5"}', "line 2: no key 'gold'; its keys are id, text"),
        ('{"id": 1, "gold": "", "text": "5"}', "line 2: 'gold' is ''"),
        ('{"id": 1, "gold": {"a": 1}, "text": "5"}', "line 2: 'gold' is {'a': '1'}"),
        ('{"id": 1, "gold": "5", "text": 5}', "line 2: 'text' is 5; expected a text"),
        ('{"id": 1, "gold": "5", "text": "5", "policy": "publishd"}', "Did you mean 'published'?"),
        ('{"id": 1, "gold": "5", "text": "5", "policy": {"percent": 1}}', "percent: unknown value"),
    ],
)
def test_a_line_that_cannot_be_graded_is_told_before_any_is(tmp_path, capsys, line, said):
    file = tmp_path / "in.jsonl"
    file.write_text('{"id": 0, "gold": "5", "text": "5"}\n' + line + "\n")
    assert main(["grade", str(file), "--output", str(tmp_path / "out.jsonl")]) == 1
    told = capsys.readouterr().err
    assert str(file) in told and said in told and "Traceback" not in told
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["grade", str(tmp_path / "none.jsonl")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_half_a_surrogate_pair_does_no_harm(tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_text('{"id": 1, "gold": "\\\\sqrt{2}", "text": "\\\\boxed{\\ud800+\\\\sqrt{2}}"}\n')
    assert main(["grade", str(file), "--output", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out").read_text())["verdict"] == "wrong"


def test_standard_output_holds_the_lines_alone(tmp_path):
    file = write_lines(tmp_path / "in.jsonl", {"id": 1, "gold": "x^2+1", "text": "1+x^2"})
    done = subprocess.run(
        [sys.executable, "-m", "boundary", "grade", file],
        capture_output=True, text=True, env={"PYTHONPATH": str(LIBRARY), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0 and json.loads(done.stdout)["verdict"] == "correct"
    assert "grading" in done.stderr
