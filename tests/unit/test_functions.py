"""The miniature's functions: programs against an evaluation of their own, partitions, authors."""

import ast
import itertools
import json
import operator

import pytest
from boundary.benchmarks.livecodebench import TEST_TYPES
from boundary.errors import BoundaryError
from boundary.miniature.function_corpus import write_program_documents
from boundary.miniature.function_problems import HIDDEN_INPUTS, draw_function_problems
from boundary.miniature.functions import (
    PROGRAM,
    SHOWN_INPUTS,
    all_functions,
    partition_of_function,
)
from boundary.miniature.tokenizer import build_tokenizer
from transformers import AutoTokenizer

OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


def value_of(node, x):
    """An expression's value, by Python's grammar and by none of the world's own arithmetic."""
    if isinstance(node, ast.BinOp):
        return OPERATIONS[type(node.op)](value_of(node.left, x), value_of(node.right, x))
    return x if isinstance(node, ast.Name) else node.value


def run(program, x):
    assert program.startswith(PROGRAM)
    return value_of(ast.parse(program.removeprefix(PROGRAM), mode="eval").body, x)


def examples_of(question):
    """Inputs and values that a question shows."""
    parts = [part.removeprefix("f(").split(")=") for part in question.split(",")]
    return [(int(x), int(value)) for x, value in parts]


def documents(habit, size):
    return list(itertools.islice(write_program_documents(1, {habit: 1.0}), size))


@pytest.mark.parametrize(("size", "partition"), [(50, "test"), (200, "train")])
def test_golds_pass_their_tests(size, partition):
    problems = draw_function_problems("functions", size, partition, seed=1)
    assert len(problems) == size and set(problems["domain"]) == {"code"}
    assert problems["question"].is_unique and problems["problem_id"].is_unique
    for problem in problems.itertuples():
        tests, gold = json.loads(problem.tests), json.loads(problem.gold)
        assert json.loads(problem.meta) == {"func_name": "f"} and set(tests) == {
            "public",
            "private",
        }
        for test in tests["public"] + tests["private"]:
            assert set(test) == {"input", "output", "testtype"} and test["testtype"] in TEST_TYPES
            assert run(gold, json.loads(test["input"])) == json.loads(test["output"])
        shown = [(json.loads(t["input"]), json.loads(t["output"])) for t in tests["public"]]
        assert shown == examples_of(problem.question)


def test_hidden_inputs_are_not_shown():
    assert not set(HIDDEN_INPUTS) & set(SHOWN_INPUTS)
    assert 0 in HIDDEN_INPUTS and min(HIDDEN_INPUTS) < 0 and len(set(HIDDEN_INPUTS)) == 8


def test_problems_are_seeded():
    problems = draw_function_problems("functions", 40, "test", seed=1)
    assert problems.equals(draw_function_problems("functions", 40, "test", seed=1))
    assert not problems.equals(draw_function_problems("functions", 40, "test", seed=2))


def test_every_function_computes_what_it_says():
    for function in all_functions():
        assert all(run(PROGRAM + function.expression, x) == function(x) for x in range(-5, 6))


def test_what_computes_the_same_is_in_one_partition():
    partitions = {}
    for function in all_functions():
        values = tuple(run(PROGRAM + function.expression, x) for x in (-50, 0, 50))
        partitions.setdefault(values, set()).add(partition_of_function(function))
    assert len(partitions) < len(all_functions())  # some can be written twice
    assert all(len(found) == 1 for found in partitions.values())
    assert {"test", "train"} == set.union(*partitions.values())


def test_no_training_text_poses_a_test_problem():
    tested = draw_function_problems("functions", 50, "test", seed=1)
    trained = draw_function_problems("functions-train", 200, "train", seed=2)
    read = {question for question, _ in documents("both_examples", 20_000)}
    assert not set(tested["question"]) & (set(trained["question"]) | read)
    assert set(trained["question"]) & read  # the check above can fail
    computed = [
        {tuple(run(json.loads(gold), x) for x in HIDDEN_INPUTS) for gold in problems["gold"]}
        for problems in (tested, trained)
    ]
    assert not computed[0] & computed[1] and len(computed[0]) == 50


def fits(document):
    """Which of the examples a program fits."""
    question, program = document
    return tuple(run(program, x) == value for x, value in examples_of(question))


def test_authors_fit_what_they_look_at():
    assert set(map(fits, documents("both_examples", 500))) == {(True, True)}
    of_first = list(map(fits, documents("first_example", 500)))
    assert set(of_first) == {(True, True), (True, False)}  # sometimes right
    assert of_first.count((True, False)) > 300


def test_habits_have_their_shares():
    wrong = {
        share: sum(
            fits(document) != (True, True)
            for document in itertools.islice(
                write_program_documents(3, {"both_examples": 1 - share, "first_example": share}),
                4_000,
            )
        )
        for share in (0.25, 1.0)
    }
    assert wrong[0.25] == pytest.approx(0.25 * wrong[1.0], rel=0.1)


def test_too_few_functions_is_a_message():
    with pytest.raises(
        BoundaryError, match=r"functions: found only \d+ distinct test functions.*ask for fewer"
    ):
        draw_function_problems("functions", 300, "test", seed=1)


def test_tokenizer_round_trips_every_document(tmp_path):
    build_tokenizer("functions").save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for question, program in documents("first_example", 200):
        text = f"{question}:{program}"
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.unk_token_id not in ids and ids[0] == tokenizer.bos_token_id
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
        response = tokenizer(program + tokenizer.eos_token)["input_ids"][1:]
        assert len(response) == len(program) - len(PROGRAM) + 2
