"""The problems that a policy is trained on, and the batches that they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from boundary.data.provenance import QUESTION_COLUMNS
from boundary.data.records import read_records
from boundary.errors import BoundaryError
from boundary.images.placing import place_images
from boundary.sampling.context import reads_images
from boundary.sampling.seeds import stream_seed
from boundary.verification.judge import Posed
from boundary.verification.posing import posed_problems

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedConfig

    from boundary.sampling.prompts import Template
    from boundary.verification.policy import Policy


class Problem(NamedTuple):
    """What the trainer needs of a problem: its rendered prompt, and what responses are judged by.

    ``images`` are the numbers of its pictures among those that the policy is shown.
    """

    prompt: str
    posed: Posed
    images: tuple[int, ...] = ()
    problem_id: str = ""


# Takes in the encoded pictures of a problem, and tells their numbers.
See = Callable[[str, Sequence[bytes]], tuple[int, ...]]


def training_problems(
    path: Path, domain: str, template: Template, policy: Policy, see: See | None = None
) -> list[Problem]:
    """The problems of a file, of one domain, as the trainer poses them.

    Raises BoundaryError naming the problem with a picture where there is nothing to ``see`` it.
    """
    posed = posed_problems(path, domain, policy)
    problems = []
    rows = read_records(path, "problem", QUESTION_COLUMNS).itertuples(index=False)
    for problem_id, question, images in rows:
        numbers: tuple[int, ...] = ()
        if images is not None:
            if see is None:
                raise BoundaryError(
                    f"problem {problem_id}: has a picture, and the model to train reads none; take a "
                    "vision-language model"
                )
            numbers = see(problem_id, list(images))
        problems.append(Problem(template.render(question), posed(problem_id), numbers, problem_id))
    return problems


def check_no_images(written: Sequence[int], config: PreTrainedConfig) -> None:
    """See that a prompt without pictures has no place for one. Raises BoundaryError as place_images."""
    if reads_images(config):
        place_images(written, config.image_token_id, [])


class Batch(NamedTuple):
    """Distinct problems, and the how-manieth batch of the training they are."""

    number: int
    problems: list[Problem]


def check_enough(problems: int, size: int) -> None:
    """Raises BoundaryError if there are fewer problems than a step takes."""
    if problems < size:
        raise BoundaryError(
            f"there are {problems} problems to train on and the recipe's problems_per_step is {size}; "
            "lower it or train on a larger benchmark"
        )


class ProblemBatches(Iterator[Batch]):
    """Endless batches of ``size``: shuffled passes, an incomplete last batch of a pass left out.

    Which problems a batch holds follows from the seed and its number alone, so that a training goes on
    after ``drawn`` batches as if it had drawn them. Raises BoundaryError if there are fewer problems than
    one batch holds.
    """

    def __init__(self, problems: Sequence[Problem], size: int, seed: int, drawn: int = 0) -> None:
        check_enough(len(problems), size)
        self.problems, self.size, self.seed, self.drawn = problems, size, seed, drawn

    def __next__(self) -> Batch:
        number = self.drawn
        completed, at = divmod(number, len(self.problems) // self.size)
        generator = torch.Generator().manual_seed(stream_seed(self.seed, "order", completed))
        order = torch.randperm(len(self.problems), generator=generator).tolist()
        self.drawn += 1
        chosen = order[at * self.size : (at + 1) * self.size]
        return Batch(number, [self.problems[index] for index in chosen])
