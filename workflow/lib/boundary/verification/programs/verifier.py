"""The study's own verifier of programs: find the program, run it against its tests in a sandbox.

See boundary.verification.verifiers for what a verifier's module has.
"""

from __future__ import annotations

from boundary.sandbox.client import Sandbox
from boundary.sandbox.probe import check_contained
from boundary.sandbox.process import SandboxError
from boundary.sandbox.tester import Tester
from boundary.sandbox.turns import Turns
from boundary.verification.extraction import Found
from boundary.verification.policy import Policy
from boundary.verification.pool import Limits, Question
from boundary.verification.programs.extraction import find_program
from boundary.verification.programs.judging import decide
from boundary.verification.programs.tests import read_tests
from boundary.verification.verdict import Decision

ATTEMPTS = 3  # at a program whose sandbox ended


def find(text: str, policy: Policy) -> Found | None:
    """The program of a response."""
    return find_program(text)


def decide_cheaply(gold: tuple[str, ...], answer: str, policy: Policy) -> Decision | None:
    """None: what a program does is known when it has run."""
    return None


class Worker:
    """A sandbox for programs and one for a benchmark's assertions, each started when it is needed."""

    def __init__(self, verifier: str, limits: Limits) -> None:
        self.closed = False
        self.solver, self.tester = Sandbox(), Tester()
        self.turns = Turns()
        self.probed = False

    def ask(self, question: Question) -> Decision:
        """The decision; a time-out stands when the program had the machine to itself, and ran out again."""
        if not self.probed:
            check_contained(self.solver)
            self.probed = True
        with self.turns.shared():
            decision = self._decide(question)
        if decision.outcome == "program_timeout":
            with self.turns.alone():
                decision = self._decide(question)
        return decision

    def _decide(self, question: Question) -> Decision:
        tests = read_tests(*question.gold)
        why = ""
        for _ in range(ATTEMPTS):
            try:
                return decide(tests, question.answer, question.policy, self.solver, self.tester)
            except SandboxError as error:
                why = str(error)
        return Decision("error", "limit", f"{why}, {ATTEMPTS} times")

    def stop(self) -> None:
        """End the sandboxes; for good, once the pool has closed this worker."""
        for sandbox in (self.solver, self.tester):
            if self.closed:
                sandbox.close()
            else:
                sandbox.stop()
        if self.closed:
            self.turns.close()
