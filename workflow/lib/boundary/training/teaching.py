"""What a student is given of its teacher: verified responses to the training problems."""

from __future__ import annotations

from collections.abc import Sequence

from boundary.errors import BoundaryError
from boundary.progress import track
from boundary.sampling.tokens import response_text
from boundary.training.finetune import Solution
from boundary.training.problems import Batch, Problem
from boundary.training.rollouts import Sampler

PROBLEMS_AT_ONCE = 128


def verified_solutions(teacher: Sampler, problems: Sequence[Problem]) -> list[Solution]:
    """The teacher's responses (at temperature 1) that ended by themselves and are correct, as they fall.

    This is rejection sampling: problems that the teacher solves more often are among them more often.
    Raises BoundaryError if there are none, and before any is drawn as ``Sampler.check`` does.
    """
    teacher.check(problems)
    batches = range(0, len(problems), PROBLEMS_AT_ONCE)
    solutions: list[Solution] = []
    for number, start in enumerate(track(batches, "teacher's responses", "batch")):
        asked = problems[start : start + PROBLEMS_AT_ONCE]
        drawn = teacher.groups(Batch(number, list(asked)))
        wanted = drawn.rewards.flatten().bool() & drawn.drawn.finished.bool()
        for row in wanted.nonzero().flatten().tolist():
            response = drawn.token_ids[row, 1:][drawn.response_mask[row].bool()].tolist()
            text = response_text(teacher.tokenizer, response, ended=True)
            solutions.append(Solution(asked[row // teacher.group_size].prompt, text))
    if not solutions:
        raise BoundaryError(
            f"none of the teacher's {len(problems) * teacher.group_size} responses is correct and "
            "finished, and there is nothing to learn from; take another teacher, problems that it "
            "solves, or a larger max_tokens"
        )
    return solutions
