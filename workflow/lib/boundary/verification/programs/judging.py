"""Judging one program: its tests, in order, until one fails."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

from boundary.sandbox.client import Ending, Run, Sandbox
from boundary.sandbox.inside.isolation import Limits
from boundary.sandbox.inside.plain_data import NotPlainError, decode
from boundary.sandbox.process import SandboxError
from boundary.sandbox.tester import Tester
from boundary.verification.policy import Policy
from boundary.verification.programs.outputs import same_text, same_value
from boundary.verification.programs.tests import Called, Printed, Tests
from boundary.verification.verdict import Decision

RUNG = "tests"
PATIENCE = 4.0  # times the CPU time, by the clock: a program that waits
LEAST_OUTPUT = 1 << 20  # bytes that may come out, and as many again for each that should
TESTER_SECONDS = 30.0  # that a benchmark's own assertions may take beside the program
MOST_SHOWN = 60
REFUSED = "[Errno 1] "  # what the filter of system calls answers


def decide(tests: Tests, program: str, policy: Policy, solver: Sandbox, tester: Tester) -> Decision:
    """Run ``program`` against ``tests``. Raises SandboxError where a sandbox ended.

    ``solver`` runs the program, and ``tester`` a benchmark's own assertions: the two share no process.
    """
    if tests.assertions is not None:
        return _assert(tests, program, policy, solver, tester)
    if tests.called:
        failed = _call(tests.function, tests.called, program, policy, solver)
        if failed is not None:
            return failed
    for case in tests.printed:
        failed = _print(case, program, policy, solver)
        if failed is not None:
            return failed
    return Decision("correct", RUNG, f"{len(tests.called) + len(tests.printed)} tests passed")


def _limits(policy: Policy, expected: int) -> Limits:
    output = LEAST_OUTPUT + 2 * expected
    return Limits(policy.program_seconds, policy.program_megabytes, _patience(policy), output)


def _patience(policy: Policy) -> float:
    """Seconds by the clock that a program has: a program that waits takes no CPU time."""
    return PATIENCE * policy.program_seconds + 2


def _print(case: Printed, program: str, policy: Policy, solver: Sandbox) -> Decision | None:
    limits = _limits(policy, len(case.output))
    ending = solver.run(Run(program, "main", limits, stdin=case.input, is_contest=True))
    test = f"test {case.number}"
    failed = _stopped(ending, test, policy) or _raised(ending, test)
    if failed is None and ending.status != 0:
        failed = _gone(ending, test)
    if failed is not None:
        return failed
    printed = ending.stdout.decode("utf-8", "replace")
    if same_text(printed, case.output, policy):
        return None
    return Decision("wrong", RUNG, f"{test}: printed {printed.strip()!r:.{MOST_SHOWN}}")


def _call(
    function: str, cases: Sequence[Called], program: str, policy: Policy, solver: Sandbox
) -> Decision | None:
    """All calls in one process, as LiveCodeBench has it; each in its own where that takes too long."""
    stdin = f"[{', '.join(case.arguments for case in cases)}]"
    limits = _limits(policy, sum(case.size for case in cases))
    ending = solver.run(Run(program, "call", limits, function, stdin, is_contest=True))
    if ending.ended in ("cpu", "clock") and len(cases) > 1:
        for case in cases:
            failed = _call(function, [case], program, policy, solver)
            if failed is not None:
                return failed
        return None
    test = f"test {cases[0].number}" if len(cases) == 1 else "the tests"
    failed = _stopped(ending, test, policy)
    if failed is not None:
        return failed
    report = ending.report if isinstance(ending.report, dict) else {}
    returned = report.get("returned")
    returned = returned if isinstance(returned, list) else []
    for case, data in zip(cases, returned, strict=False):
        if not _is_expected(data, case, policy):
            shown = json.dumps(data)
            return Decision("wrong", RUNG, f"test {case.number}: returned {shown:.{MOST_SHOWN}}")
    if len(returned) >= len(cases):
        return None
    test = f"test {cases[len(returned)].number}"
    return _raised(ending, test) or _gone(ending, test)


def _is_expected(data: Any, case: Called, policy: Policy) -> bool:
    try:
        return same_value(decode(data), case.expected, policy)
    except (NotPlainError, RecursionError):
        return False


def _assert(
    tests: Tests, program: str, policy: Policy, solver: Sandbox, tester: Tester
) -> Decision:
    """A benchmark's assertions in one sandbox, the program in another, and a line between the two."""
    assert tests.assertions is not None
    entry = tests.assertions.entry_point
    limits = _limits(policy, 0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        solving = solver.begin(Run(program, "serve", limits, entry), ours)
        try:
            tester.begin(tests.assertions.document, entry, theirs)
            # Both ends are closed here, so that each side notes when the other is gone.
            ours.close()
            theirs.close()
            told = tester.finish(limits.patience + TESTER_SECONDS)
        except SandboxError:
            solving.abandon()
            raise
    solving.stop()
    ending = solving.finish()
    if told is None and tests.reference:
        # With the reference program's answers the test ended, or nothing would be judged (canaries).
        return Decision("program_timeout", RUNG, "with its answers, the assertions did not end")
    return _asserted(told, ending, policy)


def _asserted(told: dict[str, Any] | None, ending: Ending, policy: Policy) -> Decision:
    if told is None:
        return Decision("error", "limit", "the benchmark's own test did not end")
    if "passed" in told:
        return Decision("correct", RUNG, f"{told['calls']} calls passed")
    call = f"call {told['call']}"
    failed = _stopped(ending, call, policy)
    if failed is not None:
        return failed
    if told["broken"]:
        return _raised(ending, call) or _gone(ending, call)
    if told["by_the_program"]:
        return _raised_with(told["failed"], told["text"], call)
    if told["failed"] == "AssertionError":
        return Decision("wrong", RUNG, f"{call}: an assertion failed")
    return Decision("wrong", RUNG, f"{call}: {told['failed']} in the assertion")


def _stopped(ending: Ending, test: str, policy: Policy) -> Decision | None:
    """The decision on a program that was ended at a limit."""
    reasons: dict[str, tuple[Any, str]] = {
        "cpu": ("program_timeout", f"more than {policy.program_seconds:g} s of CPU time"),
        "clock": ("program_timeout", f"no end after {_patience(policy):g} s by the clock"),
        "memory": ("memory", f"more than {policy.program_megabytes} MB of memory"),
        "output": ("output_limit", "more output than it may write"),
        "processes": ("forbidden", "more processes than it may start"),
    }
    if ending.ended not in reasons:
        return None
    outcome, reason = reasons[ending.ended]
    return Decision(outcome, RUNG, f"{test}: {reason}")


def _raised(ending: Ending, test: str) -> Decision | None:
    """The decision on a program that raised an exception, by its own report."""
    report = ending.report if isinstance(ending.report, dict) else {}
    if "raised" not in report:
        return None
    return _raised_with(str(report["raised"]), str(report.get("text", "")), test)


def _raised_with(raised: str, text: str, test: str) -> Decision:
    if raised == "MemoryError":
        return Decision("memory", RUNG, f"{test}: MemoryError")
    if text.startswith(REFUSED):
        return Decision("forbidden", RUNG, f"{test}: {raised:.40}: {text:.{MOST_SHOWN}}")
    return Decision("program_error", RUNG, f"{test}: {raised:.40}: {text:.{MOST_SHOWN}}")


def _gone(ending: Ending, test: str) -> Decision:
    """The decision on a program whose process ended without a word."""
    how = f"signal {-ending.status}" if ending.status < 0 else f"exit code {ending.status}"
    if ending.status == -31:
        return Decision("forbidden", RUNG, f"{test}: a system call that no program may make")
    return Decision("program_error", RUNG, f"{test}: its process ended ({how})")
