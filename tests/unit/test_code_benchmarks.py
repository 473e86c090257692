"""Readers of code benchmarks."""

import base64
import gzip
import json
import pickle
import tracemalloc
import zlib

import pytest
from boundary.benchmarks import humaneval_plus, livecodebench, mbpp_plus
from boundary.errors import BoundaryError
from made_up_rows import DROPPED, changed
from real_golds import BENCHMARK_FILES

PLACE = "benchmark lcb: test.jsonl, row 12"
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

# LiveCodeBench

STDIN_TESTS = [{"input": "3\n1 2 3\n", "output": "6\n", "testtype": "stdin"}]
FUNCTIONAL_TESTS = [{"input": "[1, 2]\n3", "output": "6", "testtype": "functional"}]
STARTER_CODE = (
    "class Solution:\n    def total(self, numbers: List[int], more: int) -> int:\n        "
)


def packed(tests, protocol=4):
    """Tests as LiveCodeBench packs those that are large."""
    return base64.b64encode(
        zlib.compress(pickle.dumps(json.dumps(tests), protocol=protocol))
    ).decode()


def stdin_row(**changes):
    row = {
        "question_title": "Sum",
        "question_content": "Read n and n numbers. Print their sum.\n\nInput: {n} \\ {a_i}",
        "platform": "atcoder",
        "question_id": "abc999_a",
        "contest_id": "abc999",
        "contest_date": "2024-08-03T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "public_test_cases": json.dumps(STDIN_TESTS),
        "private_test_cases": packed(STDIN_TESTS * 2),
        "metadata": "{}",
    }
    return changed(row, changes)


def test_a_problem_of_standard_input():
    problem = livecodebench.read_problem(stdin_row(), PLACE)
    assert livecodebench.DOMAIN == "code"
    assert problem.problem_id == "abc999_a" and problem.gold is None and problem.images is None
    assert problem.tests == {"public": STDIN_TESTS, "private": STDIN_TESTS * 2}
    assert problem.meta == {
        "date": "2024-08-03",
        "platform": "atcoder",
        "difficulty": "easy",
        "starter_code": "",
    }
    turn = (
        "You will be given a question.\n\nQuestion: {question}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert turn.format(question=problem.question) == (
        "You will be given a question.\n"
        "\n"
        "Question: Read n and n numbers. Print their sum.\n"
        "\n"
        "Input: {n} \\ {a_i}\n"
        "\n"
        "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly "
        "test on the sample inputs). Enclose your code within delimiters as follows.\n"
        "```python\n"
        "# YOUR CODE HERE\n"
        "```<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_problem_with_starter_code():
    row = stdin_row(
        starter_code=STARTER_CODE,
        public_test_cases=json.dumps(FUNCTIONAL_TESTS),
        private_test_cases=json.dumps(FUNCTIONAL_TESTS),  # small ones are not packed
        metadata='{"func_name": "total"}',
    )
    problem = livecodebench.read_problem(row, PLACE)
    assert problem.question.endswith(
        "{a_i}\n\n"
        "You will use the following starter code to write the solution to the problem and enclose your "
        "code within delimiters.\n"
        "```python\n"
        "class Solution:\n"
        "    def total(self, numbers: List[int], more: int) -> int:\n"
        "        \n"
        "```"
    )
    assert problem.meta["func_name"] == "total" and problem.meta["starter_code"] == STARTER_CODE
    assert problem.tests["private"] == FUNCTIONAL_TESTS


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_private_tests_of_every_protocol(protocol):
    tests = [{"input": "é" * 100_000, "output": '"\\\n', "testtype": "stdin"}] * 3
    row = stdin_row(private_test_cases=packed(tests, protocol))
    assert livecodebench.read_problem(row, PLACE).tests["private"] == tests


def packed_bytes(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"question_content": DROPPED}, "no key 'question_content'; its keys are question_title"),
        ({"question_content": " \n"}, "'question_content' is empty"),
        ({"question_content": "half \ud83d"}, "'question_content' is .*; expected a text"),
        ({"question_id": None}, "'question_id' is None; expected a text"),
        ({"starter_code": None}, "'starter_code' is None; expected a text"),
        ({"contest_date": "last year"}, "'contest_date' is 'last year'; expected an ISO date"),
        ({"public_test_cases": "[{"}, "'public_test_cases' is .*; expected JSON"),
        ({"public_test_cases": "[" * 10**5}, "'public_test_cases' is .*; expected JSON"),
        ({"public_test_cases": "{}"}, "'public_test_cases' holds an object .*; expected a list"),
        ({"public_test_cases": STDIN_TESTS}, "'public_test_cases' is a list of 1; expected a text"),
        ({"public_test_cases": "[7]"}, "public_test_cases, test 1: 7; expected an object"),
        (
            {"public_test_cases": json.dumps([*STDIN_TESTS, {"input": "", "output": 6}])},
            "public_test_cases, test 2: 'output' is 6; expected a text",
        ),
        (
            {"public_test_cases": json.dumps([{**STDIN_TESTS[0], "testtype": "shell"}])},
            "test 1: 'testtype' is 'shell'; expected 'stdin' or 'functional'",
        ),
        (
            {"public_test_cases": "[]", "private_test_cases": "[]"},
            "no test, public or private; expected at least one",
        ),
        ({"private_test_cases": "no base64!"}, "neither JSON nor base64"),
        ({"private_test_cases": packed_bytes(b"no zlib")}, "neither JSON nor base64.*incorrect"),
        ({"private_test_cases": packed(STDIN_TESTS)[:-8]}, "neither JSON nor base64.*cut off"),
        (
            {"private_test_cases": packed_bytes(zlib.compress(b"no pickle"))},
            "neither JSON nor base64 of zlib of a pickle",
        ),
        (
            {"private_test_cases": packed_bytes(zlib.compress(pickle.dumps([1])))},
            "the pickle holds a list; expected a text",
        ),
        (
            {"private_test_cases": packed_bytes(zlib.compress(pickle.dumps("no JSON")))},
            "neither JSON nor base64 of zlib of a pickle of JSON",
        ),
        ({"metadata": "[]"}, "'metadata' is a list of 0; expected a JSON object"),
        ({"metadata": '{"func_name": 3}'}, "metadata: 'func_name' is 3; expected a text"),
    ],
)
def test_bad_rows_of_livecodebench(changes, said):
    with pytest.raises(BoundaryError, match=f"(?s)^{PLACE}.*{said}"):
        livecodebench.read_problem(stdin_row(**changes), PLACE)


def test_a_hostile_pickle_among_the_private_tests_runs_nothing(tmp_path):
    made = tmp_path / "made"
    hostile = b"cos\nmkdir\n(V%s\ntR." % bytes(made)
    row = stdin_row(private_test_cases=packed_bytes(zlib.compress(hostile)))
    with pytest.raises(BoundaryError, match=f"^{PLACE}: 'private_test_cases' .*opcode GLOBAL"):
        livecodebench.read_problem(row, PLACE)
    assert not made.exists()
    pickle.loads(hostile)  # it is one that works
    assert made.is_dir()


def test_a_decompression_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(livecodebench, "MAX_PICKLE_BYTES", 2**20)
    bomb = packed_bytes(zlib.compress(b"\0" * 2**28))
    tracemalloc.start()
    try:
        with pytest.raises(BoundaryError, match="more than 1048576 bytes"):
            livecodebench.read_problem(stdin_row(private_test_cases=bomb), PLACE)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


# HumanEval+ and MBPP+

EVALPLUS = (
    "Please provide a self-contained Python script that solves the following problem in a markdown code "
    "block:\n```\n{question}\n```\n<|im_end|>\n"
)


def humaneval_row(**changes):
    row = {
        "task_id": "HumanEval/999",
        "prompt": '\n\ndef double(x: int) -> int:\n    """ Twice x\n    >>> double(2)\n    4\n    """\n',
        "canonical_solution": "    return 2 * x\n",
        "entry_point": "double",
        "test": "def check(candidate):\n    assert candidate(2) == 4\n",
    }
    return changed(row, changes)


def test_a_problem_of_humaneval_plus():
    problem = humaneval_plus.read_problem(humaneval_row(), PLACE)
    assert problem.problem_id == "HumanEval/999" and humaneval_plus.DOMAIN == "code"
    assert EVALPLUS.format(question=problem.question) == (
        "Please provide a self-contained Python script that solves the following problem in a markdown "
        "code block:\n"
        "```\n"
        "def double(x: int) -> int:\n"
        '    """ Twice x\n'
        "    >>> double(2)\n"
        "    4\n"
        '    """\n'
        "```\n"
        "<|im_end|>\n"
    )
    scope = {}
    exec(problem.gold + problem.tests["code"], scope)  # the test's own row
    scope["check"](scope[problem.tests["entry_point"]])
    assert problem.tests["imports"] == [] and problem.meta == {"entry_point": "double"}


@pytest.mark.parametrize("key", ["task_id", "prompt", "canonical_solution", "entry_point", "test"])
@pytest.mark.parametrize("value", [DROPPED, None, "", " \n", 3.5, ["a"]])
def test_bad_rows_of_humaneval_plus(key, value):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: .*'{key}'"):
        humaneval_plus.read_problem(humaneval_row(**{key: value}), PLACE)


def test_an_entry_point_that_the_reference_program_lacks():
    with pytest.raises(
        BoundaryError, match=f"^{PLACE}: .*no function 'doubl', which 'entry_point'"
    ):
        humaneval_plus.read_problem(humaneval_row(entry_point="doubl"), PLACE)


@pytest.mark.skipif(BENCHMARK_FILES is None, reason="BENCHMARK_FILES names no folder")
def test_the_real_humaneval():
    with gzip.open(BENCHMARK_FILES / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as file:
        problems = [humaneval_plus.read_problem(json.loads(line), PLACE) for line in file]
    assert [problem.problem_id for problem in problems] == [f"HumanEval/{i}" for i in range(164)]
    for problem in problems:
        assert problem.question == problem.question.strip()
        assert f"def {problem.tests['entry_point']}(" in problem.question
        assert "def check(candidate)" in problem.tests["code"]
        compile(problem.gold + problem.tests["code"], problem.problem_id, "exec")


def mbpp_row(**changes):
    row = {
        "task_id": "9999",
        "code": "def helper(x):\n    return x\n\ndef common(a, b):\n    return tuple(set(a) & set(b))",
        "prompt": "Write a function to find what two tuples share.",
        "source_file": "Made up.ipynb",
        "test_imports": ["import math"],
        "test_list": [
            "assert set(common((1, 2), helper((2, 3)))) == set((2,))",
            "assert common((), ()) == ()",
        ],
        "test": "inputs = [[(1, 2), (2, 3)]]\nassert set(common(*inputs[0])) == {2}\n",
    }
    return changed(row, changes)


def test_a_problem_of_mbpp_plus():
    problem = mbpp_plus.read_problem(mbpp_row(), PLACE)
    assert problem.problem_id == "Mbpp/9999" and mbpp_plus.DOMAIN == "code"
    assert EVALPLUS.format(question=problem.question) == (
        "Please provide a self-contained Python script that solves the following problem in a markdown "
        "code block:\n"
        "```\n"
        '"""\n'
        "Write a function to find what two tuples share.\n"
        "assert set(common((1, 2), helper((2, 3)))) == set((2,))\n"
        '"""\n'
        "```\n"
        "<|im_end|>\n"
    )
    assert problem.gold == mbpp_row()["code"]
    assert problem.tests == {
        "code": mbpp_row()["test"],
        "imports": ["import math"],
        "entry_point": "common",
    }
    assert problem.meta == {"entry_point": "common"}


@pytest.mark.parametrize("key", ["task_id", "code", "prompt", "test"])
@pytest.mark.parametrize("value", [DROPPED, None, "", " \n", 3.5, ["a"]])
def test_bad_rows_of_mbpp_plus(key, value):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: .*'{key}'"):
        mbpp_plus.read_problem(mbpp_row(**{key: value}), PLACE)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"task_id": "Mbpp/2"}, "'task_id' is 'Mbpp/2'; expected a number"),
        ({"test_list": []}, "'test_list' has no assertion"),
        ({"test_list": [" "]}, "'test_list' has no assertion"),
        ({"test_list": "assert True"}, "'test_list' is 'assert True'; expected a list of texts"),
        ({"test_imports": [None]}, "'test_imports' is a list of 1; expected a list of texts"),
        ({"code": "def f(:"}, "'code' is not Python"),
        ({"code": "f = " + "(" * 10**5}, "'code' is not Python"),
        ({"code": "def f():\n    '\0'"}, "'code' is not Python"),
        (
            {"test_list": ["assert other(1) == 1"]},
            "'assert other.* calls no function of 'code', which has common, helper",
        ),
    ],
)
def test_rows_of_mbpp_plus_that_name_no_function(changes, said):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: {said}"):
        mbpp_plus.read_problem(mbpp_row(**changes), PLACE)
