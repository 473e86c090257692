"""Canaries: a benchmark's own right programs, which must pass before any model's is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from boundary.errors import BoundaryError
from boundary.progress import progress_bar
from boundary.verification.judge import Judge, Posed
from boundary.verification.programs.tests import read_tests

NAMED = 5


def check_canaries(
    problem_ids: Sequence[str], posed: Callable[[str], Posed], judge: Judge, place: str
) -> None:
    """See that every problem's reference program passes its own tests, where the benchmark tells one.

    Raises BoundaryError, beginning with ``place``: tests that a right program fails, here and now, say
    nothing of a model's. What a passed canary said is kept with the other decisions.
    """
    failed: list[str] = []
    with progress_bar(len(problem_ids), "reference programs", "problem") as bar:
        for problem_id in problem_ids:
            by = posed(problem_id)
            reference = read_tests(*by.gold).reference
            if reference:
                (decision,) = judge.decide([(by, reference)])
                if decision.outcome != "correct":
                    failed.append(f"{problem_id} ({decision.outcome}: {decision.reason})")
            bar.update()
    if failed:
        more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
        raise BoundaryError(
            f"{place}: the reference programs of {len(failed)} problems do not pass their own tests here: "
            f"{'; '.join(failed[:NAMED])}{more}. Nothing is verified with such tests. Is a package missing "
            "in the environment (envs/verify.yaml), or the limit of time too low (verification: "
            "{program_seconds: ...} in config/benchmarks.yaml)?"
        )
