import json

import pandas as pd
import pytest
from boundary.data.provenance import questions_digest
from boundary.errors import BoundaryError
from boundary.training.reward import verified_reward
from boundary.verification.mathematics import compare
from boundary.verification.shard import check_questions, judge_samples
from boundary.verification.verdict import judge


@pytest.mark.parametrize(
    ("gold", "answer", "outcome", "decided_by"),
    [
        ("11", "11", "correct", "same text"),
        ("11", "+11", "correct", "integers"),
        ("11", "0011", "correct", "integers"),
        ("-4", "4", "wrong", "integers"),
        ("10000", "10001", "wrong", "integers"),
        ("11", "3+4*2", "wrong", "not evaluated"),
        ("11", "12=11", "wrong", "not evaluated"),
        ("5+6", "11", "correct", "math-verify"),
        ("\\frac{1}{2}", "0.5", "correct", "math-verify"),
        ("2", "\\frac{4}{2}", "correct", "math-verify"),
        ("x^2+1", "1+x^2", "correct", "math-verify"),
        ("11", "12.0", "wrong", "math-verify"),
        ("11", "", "wrong", "math-verify"),
        ("11", "--", "wrong", "math-verify"),
        ("11", "1" * 5000, "wrong", None),
    ],
)
def test_compare(gold, answer, outcome, decided_by):
    comparison = compare(gold, answer)
    assert comparison.outcome == outcome
    assert decided_by is None or comparison.decided_by == decided_by


def test_a_verifier_that_runs_out_of_time_has_not_said_wrong(monkeypatch):
    import math_verify
    from math_verify.errors import TimeoutException

    def slow(*_, **__):
        raise TimeoutException

    monkeypatch.setattr(math_verify, "verify", slow)
    assert compare("\\frac{1}{3}", "\\frac{2}{7}").outcome == "timeout"


@pytest.mark.parametrize(
    ("text", "finish", "verdict", "answer"),
    [
        ("3+8=11 \\boxed{11}", "stop", "correct", "11"),
        ("\\boxed{12}", "stop", "wrong", "12"),
        ("eleven", "stop", "no_answer", None),
        ("eleven", "length", "truncated", None),
        ("\\boxed{11} and on", "length", "correct", "11"),
        ("", "error", "error", None),
    ],
)
def test_judge(text, finish, verdict, answer):
    judgement = judge(json.dumps("11"), text, finish)
    assert (judgement.verdict, judgement.answer) == (verdict, answer)


def test_reward_is_the_verdict():
    assert verified_reward('"11"', "\\boxed{11}") == 1.0
    assert verified_reward('"11"', "\\boxed{1}") == 0.0
    assert verified_reward('"11"', "11") == 0.0


def test_samples_of_other_questions_are_refused():
    problems = pd.DataFrame(
        {"problem_id": ["a", "b"], "question": ["1+1", "2+2"], "gold": ["2", "4"]}
    )
    drawn = {
        "questions_sha256": questions_digest(["a", "b"], ["1+1", "2+2"]),
        "shard": 3,
        "model": "m",
    }
    check_questions(drawn, problems)
    check_questions(drawn, problems.assign(gold=["3", "5"]))
    for change in ({"question": ["1+1", "2+3"]}, {"problem_id": ["a", "c"]}):
        with pytest.raises(BoundaryError, match=r"shard 3 of m .* other questions"):
            check_questions(drawn, problems.assign(**change))


def test_judge_samples_keeps_rows_and_refuses_strangers():
    problems = pd.DataFrame({"problem_id": ["a", "b"], "gold": ['"1"', '"2"']})
    samples = pd.DataFrame(
        {
            "problem_id": ["b", "a", "a"],
            "sample_index": [0, 0, 1],
            "text": ["\\boxed{2}", "\\boxed{2}", "none"],
            "finish_reason": ["stop", "stop", "length"],
        }
    )
    verdicts = judge_samples(samples, problems)
    assert list(verdicts["problem_id"]) == ["b", "a", "a"]
    assert list(verdicts["finish_reason"]) == ["stop", "stop", "length"]
    assert list(verdicts["verdict"]) == ["correct", "wrong", "truncated"]
    with pytest.raises(
        BoundaryError, match="problem a: it has samples but is not in the benchmark"
    ):
        judge_samples(samples, problems[problems["problem_id"] == "b"])
