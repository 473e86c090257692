"""Workers that are killed at their limits and replaced, and one decision for every question asked."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, Protocol

import boundary
from boundary.errors import BoundaryError
from boundary.verification.policy import Policy
from boundary.verification.verdict import Decision
from boundary.verification.worker import request

LIBRARY = Path(boundary.__file__).parents[1]
SERVED_AT_MOST = 2_000  # questions to one worker: what libraries cache must not add up
PATIENCE = 60  # times the limit of CPU time, by the clock: a worker that waits for nothing
ATTEMPTS = 3  # at a question whose worker is killed from elsewhere, or was not fresh
KILLED = "the worker ended, three times"
ASKED_AHEAD = 64  # questions under way for each worker, so that a million are not held at once


@dataclass(frozen=True)
class Limits:
    """What one question may take: seconds of CPU time, megabytes of memory."""

    seconds: float = 5.0
    megabytes: int = 1024


class Question(NamedTuple):
    """An answer to compare with the gold answer, under a policy."""

    gold: tuple[str, ...]
    answer: str
    policy: Policy


class Worker(Protocol):
    """What decides questions, one at a time. ``closed`` is set before it is stopped for good."""

    closed: bool

    def ask(self, question: Question) -> Decision:
        """The decision."""
        ...

    def stop(self) -> None:
        """End what it runs."""
        ...


class ProcessWorker:
    """One process, started when it is first asked, and again after each end."""

    def __init__(self, verifier: str, limits: Limits) -> None:
        self.verifier = verifier
        self.limits = limits
        self.process: subprocess.Popen[bytes] | None = None
        self.served = 0
        self.closed = False

    def start(self) -> None:
        """Start a process."""
        if self.closed:
            raise BoundaryError("the workers are stopped")
        command = [sys.executable, "-m", "boundary.verification.worker", self.verifier,
                   str(self.limits.seconds), str(self.limits.megabytes)]  # fmt: skip
        # One hash seed, since the order of sets must not decide an answer; and none of our secrets.
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=keep | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(LIBRARY), "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self.served = 0

    def ask(self, question: Question) -> Decision:
        """The worker's decision. What a worn worker could not decide, a fresh one is asked again."""
        for attempt in range(ATTEMPTS):
            if self.process is None or self.served >= SERVED_AT_MOST:
                self.stop()
                self.start()
            worn = self.served > 0
            decision = self._ask_once(question)
            if decision.rung != "limit":
                return decision
            self.stop()
            by_itself = decision.reason != KILLED
            if decision.outcome == "timeout" or (by_itself and not worn) or attempt + 1 == ATTEMPTS:
                return decision
        raise AssertionError("the last attempt returns")

    def _ask_once(self, question: Question) -> Decision:
        assert self.process is not None and self.process.stdin and self.process.stdout
        self.served += 1
        try:
            self.process.stdin.write(request(*question).encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            return self._ended()
        answered = select.poll()
        answered.register(self.process.stdout)
        if not answered.poll(1000 * PATIENCE * max(self.limits.seconds, 1)):
            self.process.kill()
            return Decision("timeout", "limit", "no decision, and no CPU time used")
        line = self.process.stdout.readline()
        return Decision(*json.loads(line)) if line.endswith(b"\n") else self._ended()

    def _ended(self) -> Decision:
        assert self.process is not None
        code = self.process.wait()
        if code == -signal.SIGPROF:
            return Decision("timeout", "limit", f"more than {self.limits.seconds:g} s of CPU time")
        if code > 0 and self.served <= 1:
            raise BoundaryError(
                f"a worker of the verifier {self.verifier} does not start (exit code {code}); what it "
                "said stands above"
            )
        return Decision("error", "limit", KILLED)

    def stop(self) -> None:
        """End the process; the next question starts another."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
            self.process = None


class WorkerPool:
    """``workers`` workers of a verifier, while the ``with`` block lasts."""

    def __init__(
        self,
        verifier: str,
        workers: int,
        limits: Limits,
        make_worker: Callable[[str, Limits], Worker] = ProcessWorker,
    ) -> None:
        self.ahead = ASKED_AHEAD * workers
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._workers = [make_worker(verifier, limits) for _ in range(workers)]
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(workers)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *raised: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.closed = True
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown(wait=True)
        for worker in self._workers:  # one that was being started just then
            worker.stop()

    def decide(self, questions: Iterable[Question]) -> Iterator[Decision]:
        """Decisions in the order of the questions."""
        pending: list[Future[Decision]] = []
        for question in questions:
            pending.append(self._threads.submit(self._ask, question))
            if len(pending) >= self.ahead:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()

    def _ask(self, question: Question) -> Decision:
        worker = self._idle.get()
        try:
            return worker.ask(question)
        finally:
            self._idle.put(worker)
