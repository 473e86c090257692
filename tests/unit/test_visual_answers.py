"""Answers to pictures: from a published file by the loader and the rules to verdicts."""

import io
import json

import pandas as pd
import pytest
from boundary.benchmarks import mathvision, mathvista
from boundary.cli import main
from boundary.data.provenance import questions_digest
from boundary.data.records import read_records, write_records
from boundary.verification.judge import Judge, Response, pose
from boundary.verification.policy import Policy
from boundary.verification.posing import posed_problems
from PIL import Image
from visual_rows import mathvision_row, mathvista_row

BUFFER = io.BytesIO()
Image.new("RGB", (4, 3), "white").save(BUFFER, "PNG")
PICTURE = {"bytes": BUFFER.getvalue(), "path": "7.png"}
FLOAT = {"answer_type": "float", "precision": "1.0", "unit": None}
CENTS = {"answer_type": "float", "precision": "2.0", "unit": "$"}
WHOLE = {"answer_type": "integer", "precision": None, "unit": None}
LIST = {"answer_type": "list", "precision": None, "unit": None}
CM = {"unit": "cm"}


@pytest.fixture(scope="module")
def judge():
    with Judge("boundary", domain="visual") as judge:
        yield judge


def verdict(judge, read, row, text, finish_reason="stop"):
    problem = read(row, "row 1")
    posed = pose(json.dumps(problem.gold), Policy(), json.dumps(problem.meta))
    (judgement,) = judge.judge([Response(posed, text, finish_reason)])
    return judgement.verdict


# gold, the row's settings, and answers: those that are right, and those that are not
MATHVISTA = [
    ("0.6", FLOAT, ["0.6", ".6", "0.60", "3/5", "\\frac{3}{5}", "0.64", "0.55", "60\\%", "6e-1"],
     ["0.66", "0.5499", "0.7", "60", "-0.6", "0,6", "0.6, 0.7", "3+3", "0.6x", "six tenths"]),
    ("1.0", FLOAT, ["1", "1.04", "0.96", "1.0"], ["1.06", "0.9", "10", "1.0, 2.0"]),
    ("0.3", FLOAT, ["1/3", "0.333", "\\frac{1}{3}"], ["2/5", "1/5"]),
    ("-2.5", FLOAT, ["-2.5", "−2.5", "-2.54", "-5/2"], ["2.5", "-2.56"]),
    ("3", FLOAT, ["3", "3.0", "3.04"], ["3.06", "2.9"]),  # a gold with fewer decimals than it says
    ("1.45", CENTS, ["1.45", "\\$1.45", "$1.45$", "1.45 dollars", "1.454"],
     ["1.4", "1.46", "145 cents", "€1.45", "145"]),
    ("1.2", FLOAT | CM, ["1.2", "1.2 cm", "1.2cm", "1.2\\text{ cm}", "1.23 centimeters"],
     ["12 mm", "1.2 m", "1.2 s", "cm"]),
    ("83", WHOLE | {"unit": "million"},
     ["83 Million", "83 millions", "83\\text{ millions}", "\\text{83 Million}", "83\\text{ (million)}",
      "x = 83\\text{ million}", "x = 83{,}000{,}000",
      "83", "83 million", "83\\text{ million}", "83,000,000", "83000000", "0.083 billion", "\\$83 million"],
     ["83 billion", "83 thousand", "83000", "84 million", "0.83", "x = 83\\text{ billion}"]),
    ("83 million", WHOLE | {"unit": "million"},
     ["83", "83 Million", "83,000,000"], ["83 trillion", "83 thousand"]),
    ("83", WHOLE | {"unit": "millions of dollars"},
     ["83\\text{ millions of dollars}", "\\$83 Million"], ["83\\text{ billions of dollars}"]),
    ("83", WHOLE | {"unit": "Million dollars"},
     ["83", "\\$83", "83 million", "83 million dollars", "83\\text{ million dollars}", "\\$83{,}000{,}000"],
     ["83 million euros", "83 billion dollars", "83 thousand dollars"]),
    ("83.5", FLOAT | {"unit": "million"},
     ["83.5", "83,512,345", "83.49 million"], ["83,570,000", "83.5 billion"]),
    ("12", WHOLE | {"unit": "m^2"}, ["12", "12 m^2", "12\\,\\mathrm{m^2}"], ["12 cm^2", "12^2"]),
    ("30", WHOLE | {"unit": "°"}, ["30", "30^\\circ", "30 degrees"], ["30\\%", "\\pi/6"]),
    ("14", WHOLE, ["14", "14.0", "14.", "14,", "28/2", "14 people"],
     ["14.9", "14.2", "13.999999999", "7+7", "15", "14, 15", "-14", "fourteen", "", "1 4"]),
    ("10000", WHOLE, ["10,000", "10000.0", "10^4", "10\\,000"], ["10001", "10,00", "1.0001e4"]),
    ("[2012, 2016]", LIST,
     ["[2012, 2016]", "[2012,2016]", "[2012.0, 2016]", "(2012, 2016)", "2012, 2016",
      "2012 and 2016", "\\left[2012, 2016\\right]", "\\{2012, 2016\\}", "[2012; 2016]"],
     ["[2016, 2012]", "(2016, 2012)", "2016, 2012", "2012", "[2012]", "[2012, 2016, 2016]",
      "[2012, 2017]", "2012-2016", "20122016", "2012 \\le x \\le 2016", "[2012, 2016)", "[]",
      "[\"2012\", \"2016\"]", "[2012, 2012]", "[[2012, 2016]]", "]2012, 2016["]),
    ("[1, 200]", LIST, ["[1, 200]", "1, 200"], ["1200", "[1200]", "[200, 1]", "201"]),
    ("[0.5, 1.5]", LIST, ["[0.5, 1.5]", "[1/2, 3/2]"], ["[0.52, 1.5]", "[0.5]"]),
    ("[[1, 2], [3, 4]]", LIST, ["[[1, 2], [3, 4]]"], ["[1, 2, 3, 4]", "[[3, 4], [1, 2]]"]),
]  # fmt: skip
MATHVISION = [
    ("6", ["6", "6.0", "12/2", "6 bricks", "x = 6"], ["5", "6 or 7", "3+3", "B", "-6", "66"]),
    ("0.33", ["0.33", "33/100"], ["1/3", "0.334", "0.3", "0.33+x"]),
    ("\\frac{1}{3}", ["1/3", "\\frac13", "2/6", "0.333333"], ["0.33", "1:3", "3"]),
    ("36 \\pi", ["36\\pi", "\\pi \\cdot 36", "36\\pi \\text{ cm}^2"], ["113.1", "36", "36p"]),
    ("2 \\sqrt{3}", ["2\\sqrt{3}", "\\sqrt{12}"], ["3.46", "\\sqrt{6}", "2"]),
    ("3:00", ["3:00"], ["3", "3:30", "0:03"]),
    ("(8,10)", ["(8, 10)", "\\left(8,10\\right)"], ["(10, 8)", "[8, 10]"]),
    ("Saturday", ["Saturday", "saturday", "\\text{Saturday}"], ["Sunday", "Sat", "6"]),
    ("B", ["B", "(B)", "\\text{B}", "\\textbf{(B)}", "\\mathrm{B}", "B."],
     ["b", "A", "A, B", "AB", "\\text{Option B}", "2"]),
    ("DCBA", ["DCBA", "\\text{DCBA}", "\\mathrm{DCBA}"], ["ABCD", "DCAB", "DCB", "D, C, B, A"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "answer", "right"),
    [
        ("million dollars", "83 million dollars", "correct"),
        ("million dollars", "83{,}000{,}000\\text{ dollars}", "correct"),
        ("million dollars", "83 dollars", "wrong"),
        ("million dollars", "83 million", "wrong"),
        ("million", "83 million", "correct"),
        ("million", "83.0", "wrong"),
        ("million", "83 people", "wrong"),
    ],
)
def test_a_million_that_is_required_is_not_left_out(judge, unit, answer, right):
    posed = pose('"83"', Policy(unit=unit, units="required"))
    (judgement,) = judge.judge([Response(posed, f"\\boxed{{{answer}}}", "stop")])
    assert judgement.verdict == right


@pytest.mark.parametrize("gold, settings, right, wrong", MATHVISTA, ids=lambda v: str(v)[:20])
def test_answers_of_mathvista(judge, gold, settings, right, wrong):
    row = mathvista_row(answer=gold, **settings)
    for answers, expected in ((right, "correct"), (wrong, "wrong")):
        for answer in answers:
            text = f"<think>It may be \\boxed{{77}}.</think>\nSo it is \\boxed{{{answer}}}."
            assert verdict(judge, mathvista.read_problem, row, text) == expected, answer


@pytest.mark.parametrize("gold, right, wrong", MATHVISION, ids=lambda v: str(v)[:20])
def test_answers_of_mathvision(judge, gold, right, wrong):
    row = mathvision_row(answer=gold)
    for answers, expected in ((right, "correct"), (wrong, "wrong")):
        for answer in answers:
            text = f"<think>It may be \\boxed{{77}}.</think>\nSo it is \\boxed{{{answer}}}."
            assert verdict(judge, mathvision.read_problem, row, text) == expected, answer


@pytest.mark.parametrize(
    "text, expected",
    [
        ("<think>six</think> \\boxed{6}", "correct"),
        ("<think>\\boxed{6}? no.</think> \\boxed{5}", "wrong"),
        ("<think>\\boxed{5}? no.</think> \\boxed{6}", "correct"),
        ("<think>so \\boxed{6}</think>\n", "correct"),  # all that it says
        ("<think>so \\boxed{6}</think> I cannot see the picture.", "no_answer"),
        ("<think>so \\boxed{6}", "correct"),  # it never ended its thought
        ("6", "no_answer"),
        ("The answer is 6.", "no_answer"),
        ("<answer>6</answer>", "correct"),
        ("Answer: 6", "correct"),
        ("\\boxed{6} \\boxed{5} \\boxed{6}", "correct"),
        ("\\boxed{6} <think>or \\boxed{5}</think>", "wrong"),
        ("\\boxed{\\text{six}}", "wrong"),
        ("\\boxed{6" + "0" * 50_000 + "}", "wrong"),
        ("\\boxed{" * 5_000 + "6", "no_answer"),
        ("</think>" * 50_000 + "\\boxed{6}", "correct"),
        ("\\boxed{__import__('os').abort()}", "wrong"),
        ("<|image_pad|>\\boxed{<image1>}", "wrong"),
        ("", "no_answer"),
    ],
)
def test_where_a_response_states_its_answer(judge, text, expected):
    row = mathvista_row(answer="6", **WHOLE)
    assert verdict(judge, mathvista.read_problem, row, text) == expected


def test_a_thought_that_is_cut_off_is_truncated_unless_it_has_a_box(judge):
    row = mathvision_row()
    for text, expected in (("<think>so", "truncated"), ("<think>\\boxed{6} or", "correct")):
        assert verdict(judge, mathvision.read_problem, row, text, "length") == expected


# Of gold 6: what the study's own verifier, math-verify and the published rules say. Each looks for the
# answer in its own way, and so a curve of pictures depends on who looks.
OPINIONS = [
    ("\\boxed{6}", "correct", "correct", "correct"),
    ("<think>\\boxed{6}</think> \\boxed{5}", "wrong", "wrong", "wrong"),
    ("<think>\\boxed{6}</think> It is five.", "no_answer", "correct", "correct"),
    ("There are 6 bricks missing.", "no_answer", "correct", "correct"),
    ("So the answer is 6.", "no_answer", "correct", "correct"),
    ("<answer>6</answer> of 10", "correct", "wrong", "wrong"),
    ("\\boxed{6.0004}", "wrong", "wrong", "correct"),
    ("\\boxed{6", "no_answer", "wrong", "correct"),
    ("\\boxed{3+3}", "wrong", "correct", "correct"),
]


@pytest.mark.parametrize("place, name", [(1, "boundary"), (2, "math_verify"), (3, "published")])
def test_second_opinions_differ_by_what_they_take_for_the_answer(place, name):
    problem = mathvision.read_problem(mathvision_row(), "row 1")
    posed = pose(json.dumps(problem.gold), Policy(), json.dumps(problem.meta))
    with Judge(name, domain="visual") as judge:
        judged = judge.judge([Response(posed, text, "stop") for text, *_ in OPINIONS])
    assert [one.verdict for one in judged] == [opinion[place] for opinion in OPINIONS]


ROWS = {
    "mathvista": [
        mathvista_row(pid="1", answer="1.2", decoded_image=PICTURE),
        mathvista_row(pid="2", answer="14", decoded_image=PICTURE, **WHOLE),
        mathvista_row(pid="3", question_type="multi_choice", answer_type="text", answer="two",
                      choices=["one", "two"], precision=None, decoded_image=PICTURE),
        mathvista_row(pid="4", answer="[2012, 2016]", decoded_image=PICTURE, **LIST),
    ],
    "mathvision": [
        mathvision_row(id="1", answer="6", decoded_image=PICTURE),
        mathvision_row(id="2", options=["A", "B"], answer="A", decoded_image=PICTURE),
        mathvision_row(id="3", answer="\\frac{1}{2}", decoded_image=PICTURE),
        mathvision_row(id="4", answer="B", decoded_image=PICTURE),
    ],
}  # fmt: skip
# By problem: a response that is right, and one that is not.
RESPONSES = {
    "mathvista": {"1": ("1.21 cm", "12 mm"), "2": ("14.0", "14.9"), "4": ("2012, 2016", "2016")},
    "mathvision": {"1": ("6", "7"), "3": ("0.5", "0.51"), "4": ("(B)", "C")},
}


@pytest.mark.parametrize("name", ROWS)
def test_from_a_published_file_to_verdicts(tmp_path, name):
    published, output = tmp_path / "testmini.parquet", tmp_path / "problems.parquet"
    pd.DataFrame(ROWS[name]).to_parquet(published)
    read = ["--path", str(published), "--format", name, "--rows", "3"]
    assert main(["benchmarks", "--name", name, *read, "--output", str(output)]) == 0
    problems = read_records(output, "problem")
    assert list(problems["problem_id"]) == list(RESPONSES[name])
    assert set(problems["domain"]) == {"visual"}
    assert [list(images) for images in problems["images"]] == [[PICTURE["bytes"]]] * 3
    posed = posed_problems(output, "visual", Policy())
    with Judge("boundary", domain="visual") as judge:
        for problem, (right, wrong) in RESPONSES[name].items():
            asked = [
                Response(posed(problem), f"\\boxed{{{text}}}", "stop") for text in (right, wrong)
            ]
            assert [one.verdict for one in judge.judge(asked)] == ["correct", "wrong"], problem


def test_the_stage_judges_them_by_their_own_settings(tmp_path):
    published, problems = tmp_path / "testmini.parquet", tmp_path / "problems.parquet"
    pd.DataFrame(ROWS["mathvista"]).to_parquet(published)
    read = ["--path", str(published), "--format", "mathvista"]
    assert main(["benchmarks", "--name", "mv", *read, "--output", str(problems)]) == 0
    texts = [f"\\boxed{{{text}}}" for pair in RESPONSES["mathvista"].values() for text in pair]
    ids = [problem for problem in RESPONSES["mathvista"] for _ in range(2)]
    drawn = pd.DataFrame(
        {"problem_id": ids, "sample_index": [0, 1] * 3, "text": texts, "token_ids": None,
         "n_tokens": 1, "finish_reason": "stop", "logprob_sum": 0.0}
    )  # fmt: skip
    asked = read_records(problems, "problem")
    digest = questions_digest(asked)
    drawn_from = {"questions_sha256": digest, "model": "m", "shard": 0, "shard_size": 2}
    write_records(tmp_path / "samples.parquet", "sample", drawn, drawn_from)
    for name, expected in (("boundary", [True, False]), ("published", None), ("math_verify", None)):
        output = tmp_path / f"{name}.parquet"
        files = ["--samples", str(tmp_path / "samples.parquet"), "--problems", str(problems)]
        assert main(["verify", *files, "--verifier", name, "--output", str(output)]) == 0
        verdicts = read_records(output, "verdict")["verdict"] == "correct"
        assert expected is None or list(verdicts) == expected * 3
