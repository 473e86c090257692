"""Judging: from a response to a verdict, with its memo, its shards and its crashes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.provenance import questions_digest
from boundary.data.records import read_records, write_records
from boundary.errors import BoundaryError
from boundary.training.reward import verified_reward
from boundary.verification.judge import Judge, Response, pose
from boundary.verification.memo import shared_memo
from boundary.verification.policy import Policy, read_policy
from boundary.verification.shard import check_questions, judge_samples

LIBRARY = Path(__file__).parents[2] / "workflow" / "lib"
HEADER = {"verifier": "boundary"}


def judge_one(gold, text, finish="stop", **settings):
    with Judge("boundary") as judge:
        posed = pose(json.dumps(gold), read_policy(settings))
        (judgement,) = judge.judge([Response(posed, text, finish)])
    return judgement


@pytest.mark.parametrize(
    ("text", "finish", "verdict", "answer", "found"),
    [
        ("3+8=11 \\boxed{11}", "stop", "correct", "11", "box"),
        ("\\boxed{12}", "stop", "wrong", "12", "box"),
        ("\\boxed{12} <answer>11</answer>", "stop", "wrong", "12", "box"),
        ("so <answer>11</answer>.", "stop", "correct", "11", "tag"),
        ("**Answer:** 11", "length", "correct", "11", "line"),
        ("eleven, 11", "stop", "no_answer", None, None),
        ("eleven", "length", "truncated", None, None),
        ("\\boxed{11} and on", "length", "correct", "11", "box"),
        ("\\boxed{11", "length", "truncated", None, None),
        ("\\boxed{11}", "error", "error", None, None),
    ],
)
def test_judgements(text, finish, verdict, answer, found):
    judgement = judge_one("11", text, finish)
    assert judgement[:3] == (verdict, answer, found)
    assert judgement.detail


def test_what_counts_as_an_answer_is_a_setting():
    text = "\\boxed{12} <answer>11</answer>\nAnswer: 13"
    for places, answer in ((["tag"], "11"), (["line", "box"], "13"), (["box", "line"], "12")):
        assert judge_one("11", text, answer_in=places).answer == answer
    assert judge_one("11", "\\boxed{11}", answer_in=["line"]).verdict == "no_answer"


def test_a_problems_own_settings_stand_before_the_benchmarks():
    meta = json.dumps({"verification": {"tolerance": 0.1, "unit": "%"}})
    with Judge("boundary") as judge:
        strict = pose('"4.2"', Policy())
        loose = pose('"4.2"', Policy(), meta)
        responses = [Response(posed, "\\boxed{4.25}", "stop") for posed in (strict, loose)]
        assert [j.verdict for j in judge.judge(responses)] == ["wrong", "correct"]


def test_several_golds_are_all_needed():
    for text, verdict in (("2 \\text{ and } 1", "correct"), ("1", "wrong"), ("1,2,3", "wrong")):
        assert judge_one(["1", "2"], f"\\boxed{{{text}}}").verdict == verdict


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"percents": "scales"},
            "unknown setting of a verification 'percents'. Did you mean 'percent'",
        ),
        ({"percent": "maybe"}, "percent: unknown value 'maybe'"),
        ({"digits": 0}, "digits: found 0; expected a number of 1 or more"),
        ({"tolerance": "0.1"}, "tolerance: found '0.1'; expected a number"),
        ({"answer_in": ["boxes"]}, "answer_in: found ['boxes']"),
        ({"unit": 3}, "unit: found 3; expected a text"),
    ],
)
def test_a_setting_that_is_none_is_told(settings, said):
    with pytest.raises(BoundaryError) as refused:
        read_policy(settings)
    assert said in str(refused.value)


def test_reward_is_the_verdict():
    eleven, root = pose('"11"', Policy()), pose('"\\\\sqrt{8}"', Policy())
    lenient = pose('"11"', read_policy({"unevaluated": "accept"}))
    rollouts = [
        (eleven, "\\boxed{11}"),
        (eleven, "\\boxed{1}"),
        (eleven, "11"),
        (eleven, "\\boxed{3+8}"),  # a copied question earns nothing
        (root, "\\boxed{2\\sqrt{2}}"),  # in a worker
        (lenient, "\\boxed{3+8}"),
    ]
    with verified_reward() as reward:
        assert reward(rollouts) == [1.0, 0.0, 0.0, 0.0, 1.0, 1.0]


def test_each_pair_is_decided_once_and_by_all_processes_together(tmp_path, monkeypatch):
    posed = pose(json.dumps("\\sqrt{8}"), Policy())
    answers = ["2\\sqrt{2}", "2\\sqrt{3}", "\\sqrt{2}+\\sqrt{2}"]
    responses = [Response(posed, f"\\boxed{{{a}}}", "stop") for a in answers * 5]
    with shared_memo(tmp_path, "first", HEADER) as memo, Judge("boundary", memo) as judge:
        asked = count_questions(judge, monkeypatch)
        first = judge.judge(responses)
        assert judge.judge(responses) == first and len(asked) == 3
    with shared_memo(tmp_path, "second", HEADER) as memo, Judge("boundary", memo) as judge:
        asked = count_questions(judge, monkeypatch)
        assert judge.judge(responses[::-1])[::-1] == first and asked == []
        other = pose(json.dumps("\\sqrt{8}"), read_policy({"digits": 3}))
        judge.judge([Response(other, "\\boxed{2\\sqrt{2}}", "stop")])
        assert len(asked) == 1  # another policy is another question
    with shared_memo(tmp_path, "third", {"verifier": "newer"}) as memo:
        assert memo.get(bytes.fromhex("00" * 16)) is None and memo._known == {}


def count_questions(judge, monkeypatch):
    asked = []
    decide = judge.pool.decide

    def counted(questions):
        questions = list(questions)
        asked.extend(questions)
        return decide(questions)

    monkeypatch.setattr(judge.pool, "decide", counted)
    return asked


def test_a_torn_or_foreign_journal_is_no_harm(tmp_path):
    posed = pose(json.dumps("\\sqrt{8}"), Policy())
    responses = [Response(posed, "\\boxed{2\\sqrt{2}}", "stop")]
    with shared_memo(tmp_path, "first", HEADER) as memo, Judge("boundary", memo) as judge:
        judge.judge(responses)
    whole = (tmp_path / "first.jsonl").read_bytes()
    (tmp_path / "torn.jsonl").write_bytes(whole + b'{"key": "00')
    (tmp_path / "garbage.jsonl").write_bytes(b"\x00\xff\n\n")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with shared_memo(tmp_path, "fourth", HEADER) as memo:
        assert len(memo._known) == 1


def test_samples_of_other_questions_are_refused():
    problems = pd.DataFrame(
        {"problem_id": ["a", "b"], "question": ["1+1", "2+2"], "images": None, "gold": ["2", "4"]}
    )
    drawn = {
        "questions_sha256": questions_digest(problems),
        "shard": 3,
        "model": "m",
    }
    check_questions(drawn, problems)
    check_questions(drawn, problems.assign(gold=["3", "5"]))
    for change in ({"question": ["1+1", "2+3"]}, {"problem_id": ["a", "c"]}):
        with pytest.raises(BoundaryError, match=r"shard 3 of m .* other questions"):
            check_questions(drawn, problems.assign(**change))


def test_judge_samples_keeps_rows_and_refuses_strangers():
    posed = {"a": pose('"1"', Policy()), "b": pose('"2"', Policy())}
    samples = pd.DataFrame(
        {
            "problem_id": ["b", "a", "a"],
            "sample_index": [0, 0, 1],
            "text": ["\\boxed{2}", "\\boxed{2}", "none"],
            "finish_reason": ["stop", "stop", "length"],
        }
    )
    with Judge("boundary") as judge:
        groups = [samples[:2], samples[2:]]
        verdicts = pd.concat(judge_samples(groups, 3, posed.__getitem__, posed, judge))
        assert list(verdicts["problem_id"]) == ["b", "a", "a"]
        assert list(verdicts["finish_reason"]) == ["stop", "stop", "length"]
        assert list(verdicts["verdict"]) == ["correct", "wrong", "truncated"]
        with pytest.raises(
            BoundaryError, match="problem a: it has samples but is not in the benchmark"
        ):
            list(judge_samples(groups, 3, posed.__getitem__, ["b"], judge))


# A cell whose answers need workers: enough of them for a kill to find one at work.
ROOTS = [f"\\sqrt{{{n}}}" for n in range(2, 122)]
SLOW = "\\sum_{{k=1}}^{{{n}}} k"  # read by math-verify alone


def write_cell(folder, shards=2, size=12):
    """Problems and shards of samples in ``folder``, as the stage sample leaves them."""
    ids = [f"p/{i:02d}" for i in range(len(ROOTS))]
    questions = [f"the root of {i}" for i in ids]
    problems = pd.DataFrame(
        {"problem_id": ids, "domain": "math", "question": questions, "meta": "{}",
         "gold": [json.dumps(gold) for gold in ROOTS]}
    )  # fmt: skip
    write_records(folder / "problems.parquet", "problem", problems, {"benchmark": "roots"})
    for shard in range(shards):
        rows = [
            {"problem_id": problem, "sample_index": index, "token_ids": None, "n_tokens": 9,
             "text": f"\\boxed{{{answer(number + 2, index)}}}", "finish_reason": "stop",
             "logprob_sum": None}
            for number, problem in enumerate(ids)
            for index in range(shard * size, (shard + 1) * size)
        ]  # fmt: skip
        drawn = {"shard": shard, "shard_size": size, "model": "m", "benchmark": "roots",
                 "questions_sha256": questions_digest(problems.assign(images=None))}  # fmt: skip
        write_records(folder / f"samples-{shard}.parquet", "sample", pd.DataFrame(rows), drawn)


def answer(n, index):
    kinds = [f"\\sqrt{{{n}}}", f"{n}^{{1/2}}", f"{n}^{{0.5}}", f"\\frac{{{n}}}{{\\sqrt{{{n}}}}}",
             f"\\sqrt{{{n + 1}}}", "0", f"\\sqrt{{{index}}}", SLOW.format(n=n)]  # fmt: skip
    return kinds[index % len(kinds)]


def verify_arguments(folder, shard, output, *options):
    return ["verify", "--samples", folder / f"samples-{shard}.parquet", "--output", output,
            "--problems", folder / "problems.parquet", *options]  # fmt: skip


def verify(*arguments):
    assert main([str(a) for a in verify_arguments(*arguments)]) == 0
    return Path(arguments[2]).read_bytes()


def test_a_cell_verified_again_in_any_way_is_the_same_to_the_byte(tmp_path):
    """On one worker and on two, in another order, with and without what others decided, after a kill."""
    write_cell(tmp_path)
    memo = tmp_path / "memo"
    plain = [verify(tmp_path, s, tmp_path / "plain" / f"{s}.parquet") for s in (0, 1)]
    verdicts = read_records(tmp_path / "plain" / "0.parquet", "verdict")
    assert {"correct", "wrong"} == set(verdicts["verdict"])
    assert {"identity", "math-verify", "text"} <= set(verdicts["rung"])

    two = [
        verify(tmp_path, s, tmp_path / "two" / f"{s}.parquet", "--workers", "2", "--memo", memo)
        for s in (1, 0)
    ][::-1]
    assert two == plain

    killed = tmp_path / "killed" / "0.parquet"
    journals = tmp_path / "memo-of-killed"
    command = verify_arguments(tmp_path, 0, killed, "--memo", journals)
    for attempt in range(3):
        kill_after(command, journals, 0.2 + attempt)
        assert not killed.exists()
    assert verify(tmp_path, 0, killed, "--memo", journals) == plain[0]
    assert [file for file in killed.parent.iterdir() if not file.name.startswith(".tmp-")] == [
        killed
    ]


def kill_after(command, journals, seconds):
    """Run the stage and kill it, with all that it started, once it has been at work for a while."""
    process = subprocess.Popen(
        [sys.executable, "-m", "boundary", *map(str, command)],
        env=os.environ | {"PYTHONPATH": str(LIBRARY)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not any(journals.glob("*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(seconds)
    assert process.poll() is None, "it ended before it could be killed: give it more to do"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
