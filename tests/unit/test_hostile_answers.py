"""Answers made to hang, crash or fool the verifier: each ends within its limits, the next is right."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from boundary.verification.judge import Judge, Response, pose
from boundary.verification.policy import Policy
from boundary.verification.pool import Limits, Question, WorkerPool
from boundary.verification.verdict import Decision
from boundary.verification.verifiers import boundary
from hostile import HOSTILE

LIMITS = Limits(seconds=0.5, megabytes=400)
CLEARLY_TOO_MUCH = ["tower of powers", "sum to a huge bound", "factorial of a huge number"]


def boxed(gold, answer):
    return Response(pose(json.dumps(gold), Policy()), f"so \\boxed{{{answer}}}", "stop")


@pytest.mark.parametrize("gold", ["5", "\\sqrt{2}", "x^2+1"])
def test_every_hostile_answer_ends_and_the_next_is_right(gold):
    """One worker: whatever one answer does to it, it is there for the next."""
    with Judge("boundary", workers=1, limits=LIMITS) as judge:
        for number, (name, answer) in enumerate(HOSTILE.items(), start=1):
            right = boxed(
                "\\sqrt{8}", f"\\frac{{{2 * number} \\sqrt{{2}}}}{{{number}}}"
            )  # never asked yet
            hostile, after = judge.judge([boxed(gold, answer), right])
            assert hostile.verdict in ("wrong", "timeout", "error", "no_answer"), (name, hostile)
            assert after.verdict == "correct", (name, after)


@pytest.mark.parametrize("gold", ["\\frac{1}{3}", "(1,2)", "\\text{no}", "4.5e33", "1 \\pm x"])
def test_what_is_decided_cheaply_is_cheap(gold):
    """In the caller's own process there is no limit to end it."""
    start = time.process_time()
    for name, answer in HOSTILE.items():
        decision = boundary.decide_cheaply((gold,), answer, Policy())
        assert decision is None or decision.outcome == "wrong", (name, decision)
    assert time.process_time() - start < 0.2 * len(
        HOSTILE
    )  # a regular expression's bomb takes minutes


def test_order_and_number_of_workers_change_no_verdict():
    golds = ["\\sqrt{2}", "\\frac{\\pi}{3}", "x^2+1"]
    answers = [HOSTILE[name] for name in CLEARLY_TOO_MUCH] + ["2^{1/2}", "1+x^2", "\\pi/3", "--"]
    responses = [boxed(gold, answer) for gold in golds for answer in answers]
    with Judge("boundary", workers=2, limits=LIMITS) as judge:
        forwards = judge.judge(responses)
    with Judge("boundary", workers=1, limits=LIMITS) as judge:
        backwards = judge.judge(responses[::-1])[::-1]
    assert forwards == backwards
    assert [j.verdict for j in forwards].count("correct") == len(golds)


def test_memory_is_capped_and_time_is_cpu_time():
    start = time.monotonic()
    with WorkerPool("boundary", 1, Limits(seconds=0.5, megabytes=300)) as pool:
        questions = [
            Question(("\\sqrt{2}",), "\\sum_{k=1}^{10^9} \\frac{1}{k}", Policy()),
            Question(("\\sqrt{2}",), "9^{9^{9^{9^9}}}", Policy()),
            Question(("\\sqrt{2}",), "2^{1/2}", Policy()),
        ]
        slow, large, right = pool.decide(questions)
    assert slow == Decision("timeout", "limit", "more than 0.5 s of CPU time")
    assert large == Decision("error", "limit", "more than 300 MB of memory")
    assert right.outcome == "correct"
    assert time.monotonic() - start < 60


def test_a_worker_that_is_killed_is_replaced():
    with WorkerPool("boundary", 1, Limits()) as pool:
        question = Question(("\\sqrt{2}",), "2^{1/2}", Policy())
        assert next(pool.decide([question])).outcome == "correct"
        os.kill(pool._workers[0].process.pid, signal.SIGKILL)
        assert next(pool.decide([question])).outcome == "correct"


def test_a_worker_that_is_killed_at_work_is_asked_again(monkeypatch):
    """What ended it may be the machine's fault: no verdict for ever comes of it."""
    with WorkerPool("boundary", 1, Limits()) as pool:
        worker = pool._workers[0]
        start = worker.start

        def start_and_be_killed():
            start()
            if worker.starts < 2:
                os.kill(worker.process.pid, signal.SIGKILL)
                worker.process.wait()
            worker.starts += 1

        worker.starts = 0
        monkeypatch.setattr(worker, "start", start_and_be_killed)
        question = Question(("\\sqrt{2}",), "2^{1/2}", Policy())
        assert next(pool.decide([question])).outcome == "correct" and worker.starts == 3


def test_what_fails_in_the_cheap_stage_is_left_to_a_worker(monkeypatch):
    def broken(*_):
        raise RecursionError

    monkeypatch.setattr(boundary, "decide_cheaply", broken)
    with Judge("boundary") as judge:
        (judgement,) = judge.judge([boxed("5", "5.0")])
    assert judgement.verdict == "correct"


def test_libraries_are_imported_before_time_counts():
    """sympy takes longer to import than this allows for an answer."""
    with WorkerPool("boundary", 1, Limits(seconds=0.4)) as pool:
        question = Question(("\\frac{n(n+1)}{2}",), "\\sum_{k=1}^{n} k", Policy())
        assert next(pool.decide([question])).outcome == "correct"


def test_no_worker_outlives_its_judge():
    """Whether the block ends, or the whole process is killed."""
    code = (
        "from boundary.verification.pool import *; from boundary.verification.policy import Policy\n"
        "pool = WorkerPool('boundary', 1, Limits())\n"
        "next(pool.decide([Question(('x^2+1',), '1+x^2', Policy())]))\n"
        "print(pool._workers[0].process.pid, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


def test_nothing_that_a_model_writes_is_evaluated(tmp_path):
    touched = tmp_path / "touched"
    payload = f"__import__('os').system('touch {touched}')"
    golds = ["5", payload.replace("touch", "true"), "\\sum_{k=1}^{n} k"]
    with Judge("boundary") as judge:
        judge.judge(
            [boxed(gold, text) for gold in golds for text in (payload, f"\\text{{{payload}}}")]
        )
    for verifier in ("math_verify", "published"):
        with Judge(verifier) as judge:
            judge.judge([boxed(gold, payload) for gold in golds])
    assert not touched.exists()


def test_workers_get_no_secrets(monkeypatch):
    monkeypatch.setenv("MY_SECRET_KEY", "key-0123456789")
    with WorkerPool("boundary", 1, Limits()) as pool:
        next(pool.decide([Question(("x^2+1",), "1+x^2", Policy())]))
        environment = Path(f"/proc/{pool._workers[0].process.pid}/environ").read_bytes()
    assert b"key-0123456789" not in environment
