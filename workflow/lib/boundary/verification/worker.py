"""A worker: decides what may take long, in a process that the kernel ends at its limits.

It reads one JSON document a line from standard input and answers each with one line. Its limit of time is
CPU time, which a busy machine does not flip: the kernel's own timer, whose signal no Python code handles.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from boundary.verification.policy import Policy, read_policy
from boundary.verification.verdict import Decision

MEGABYTE = 1 << 20


def request(gold: tuple[str, ...], answer: str, policy: Policy) -> str:
    """The line that asks a worker."""
    return json.dumps({"gold": gold, "answer": answer, "policy": _settings(policy)}) + "\n"


@lru_cache(maxsize=1024)
def _settings(policy: Policy) -> str:
    return json.dumps(asdict(policy))


@lru_cache(maxsize=1024)
def _policy(settings: str) -> Policy:
    return read_policy(json.loads(settings))


def _limit_memory(megabytes: int) -> None:
    """Let the address space grow by so much from here on."""
    with open("/proc/self/statm") as statm:  # noqa: PTH123
        now = int(statm.read().split()[0]) * resource.getpagesize()
    most = now + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _decide(
    verifier: Any, question: tuple[tuple[str, ...], str, Policy], megabytes: int
) -> Decision:
    try:
        return verifier.decide(*question)
    except MemoryError:
        return Decision("error", "limit", f"more than {megabytes} MB of memory")
    except RecursionError:
        return Decision("error", "limit", "nested too deeply")
    except Exception as error:  # whatever a model wrote, it is one answer's verdict and no more
        return Decision("error", "limit", type(error).__name__)


def main(name: str, seconds: float, megabytes: int) -> None:
    """Serve until standard input ends, or memory runs out."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    verifier = importlib.import_module(f"boundary.verification.verifiers.{name}")
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    _limit_memory(megabytes)
    for line in sys.stdin:
        asked = json.loads(line)
        question = (tuple(asked["gold"]), asked["answer"], _policy(asked["policy"]))
        verifier.prepare(*question)  # what is imported is not on the question's time
        signal.setitimer(signal.ITIMER_PROF, seconds)
        decision = _decide(verifier, question, megabytes)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(json.dumps(decision) + "\n")
        answers.flush()
        if decision.rung == "limit":
            return  # what it holds may be damaged


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
