import itertools
import json

import pytest
from boundary.errors import BoundaryError
from boundary.miniature.corpus import write_documents
from boundary.miniature.problems import draw_problems
from transformers import AutoTokenizer

HABITS = {"precedence": 0.2, "left_to_right": 0.5, "right_to_left": 0.3}


def test_problems_are_distinct_seeded_and_right():
    problems = draw_problems("arith", (3, 4), 100, "test", seed=1)
    assert problems.equals(draw_problems("arith", (3, 4), 100, "test", seed=1))
    assert not problems.equals(draw_problems("arith", (3, 4), 100, "test", seed=2))
    assert problems["question"].is_unique and problems["problem_id"].is_unique
    for question, gold in zip(problems["question"], problems["gold"], strict=True):
        assert set(question) <= set("123456789+-*")
        assert json.loads(gold) == str(eval(question))  # only digits and operators


def test_no_training_text_poses_a_test_problem():
    tested = set(draw_problems("arith", (3, 4), 200, "test", seed=1)["question"])
    trained = set(draw_problems("arith-train", (3, 4), 2_000, "train", seed=3)["question"])
    read = {q for q, _ in itertools.islice(write_documents(1, (2, 5), HABITS), 20_000)}
    assert not tested & trained
    assert not tested & read
    assert trained & read  # the corpus does hold such problems: the check above can fail


def test_habits_have_their_shares():
    documents = list(
        itertools.islice(write_documents(3, (4, 4), {"precedence": 0.0, "left_to_right": 1.0}), 50)
    )
    for question, solution in documents:
        first = question[1]
        value = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[first](
            int(question[0]), int(question[2])
        )
        assert solution.startswith(f"{value}{question[3:]}=")


def test_too_few_expressions_is_a_message():
    with pytest.raises(BoundaryError, match=r"arith: found only \d+ distinct test expressions"):
        draw_problems("arith", (2, 2), 1_000, "test", seed=1)


@pytest.mark.parametrize("text", ["3+4*2=3+8=11 \\boxed{11}", "-12", "} \\boxed{", "9*8--7"])
def test_tokenizer_round_trips_through_its_file(tokenizer, tmp_path, text):
    tokenizer.save_pretrained(tmp_path)
    reloaded = AutoTokenizer.from_pretrained(tmp_path)
    ids = reloaded(text)["input_ids"]
    assert ids == tokenizer(text)["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert reloaded.decode(ids, skip_special_tokens=True) == text
    assert tokenizer.unk_token_id not in ids


def test_a_box_is_one_token(tokenizer):
    assert len(tokenizer("\\boxed{1}")["input_ids"]) == 4
