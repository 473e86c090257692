"""Sampling groups of rollouts from the policy and rewarding them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from boundary.errors import BoundaryError, of_problem
from boundary.sampling.context import context_length
from boundary.sampling.decoding import Decoded, decode
from boundary.sampling.seeds import stream_seed
from boundary.sampling.tokens import end_ids, prompt_ids, response_text
from boundary.training.checkpoint import padding_of
from boundary.training.problems import Batch, Problem, check_no_images
from boundary.training.reward import Reward

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Drawn(NamedTuple):
    """All that a step drew, its rollouts and the groups that were dropped alike.

    ``rewards`` [groups, size]; ``lengths`` [rows] counts response tokens; ``finished`` [rows] is 1 for
    those that ended by themselves. ``greedy`` responses were drawn beside them.
    """

    rewards: torch.Tensor
    lengths: torch.Tensor
    finished: torch.Tensor
    greedy: int = 0


class Rollouts(NamedTuple):
    """``groups`` x ``size`` rollouts as rows, group after group.

    ``token_ids`` [rows, tokens] is prompt and response, right-padded; ``log_probabilities`` and
    ``response_mask`` [rows, tokens - 1] speak of the token after each position; ``rewards`` is
    [groups, size]; ``baselines`` [groups] are the rewards of greedy responses, where they were drawn.
    """

    token_ids: torch.Tensor
    log_probabilities: torch.Tensor
    response_mask: torch.Tensor
    rewards: torch.Tensor
    drawn: Drawn
    baselines: torch.Tensor | None = None


def are_mixed(rewards: torch.Tensor) -> torch.Tensor:
    """Which groups of rewards [groups, size] differ in themselves: only they say what to prefer."""
    return rewards.amax(1) > rewards.amin(1)


def choose_groups(rollouts: Rollouts, groups: torch.Tensor) -> Rollouts:
    """The rollouts of ``groups`` (indices) alone, which were no less to draw."""
    size = rollouts.rewards.shape[1]
    rows = (groups[:, None] * size + torch.arange(size)).flatten()
    per_row = ("token_ids", "log_probabilities", "response_mask")
    return rollouts._replace(
        rewards=rollouts.rewards[groups],
        **{name: getattr(rollouts, name)[rows] for name in per_row},
    )


def join_rollouts(parts: Sequence[Rollouts], padding: int) -> Rollouts:
    """Groups after groups; ``padding`` is the token that fills rows up."""
    width = max(part.token_ids.shape[1] for part in parts)

    def rows(name: str, value: int = 0) -> torch.Tensor:
        tensors = [getattr(part, name) for part in parts]
        end = width - (name != "token_ids")
        return torch.cat([pad(t, (0, end - t.shape[1]), value=value) for t in tensors])

    return Rollouts(
        token_ids=rows("token_ids", padding),
        log_probabilities=rows("log_probabilities"),
        response_mask=rows("response_mask"),
        rewards=torch.cat([part.rewards for part in parts]),
        drawn=Drawn(
            torch.cat([part.drawn.rewards for part in parts]),
            torch.cat([part.drawn.lengths for part in parts]),
            torch.cat([part.drawn.finished for part in parts]),
        ),
    )


@dataclass(frozen=True)
class Sampler:
    """Draws responses from the policy and rewards them."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    reward: Reward
    seed: int
    group_size: int
    max_tokens: int

    def check(self, problems: Iterable[Problem]) -> None:
        """See that all prompts can be read and leave room, before hours are spent on some.

        Raises BoundaryError naming the problem whose response could outgrow the context, or that has
        another number of pictures than its prompt has places for.
        """
        context = context_length(self.model.config)
        for problem in problems:
            tokens = len(self._prompt(problem))
            if tokens + self.max_tokens > context:
                smaller = ", or give the model a smaller max_pixels" if problem.images else ""
                raise BoundaryError(
                    f"problem {problem.problem_id}: its prompt of {tokens} tokens and the recipe's "
                    f"max_tokens {self.max_tokens} exceed the model's context of {context}; lower "
                    f"max_tokens, leave the problem out of the benchmark (`without`){smaller}"
                )

    def groups(self, batch: Batch) -> Rollouts:
        """A group of responses to every problem, each rewarded; ``check`` has passed them.

        At temperature 1 and without nucleus sampling, so that the stored log-probabilities are those that
        the tokens were drawn with.
        """
        generator = torch.Generator().manual_seed(stream_seed(self.seed, "rollouts", batch.number))
        prompts = [self._prompt(problem) for problem in batch.problems]
        uniforms = [
            torch.rand(self.group_size, self.max_tokens, generator=generator) for _ in prompts
        ]
        rows = self._decode(prompts, uniforms, temperature=1.0)
        repeated = [problem for problem in batch.problems for _ in range(self.group_size)]
        rewards = self._rewards(repeated, rows).view(len(prompts), self.group_size)
        before = [len(prompts[row.row // self.group_size]) - 1 for row in rows]
        return Rollouts(
            token_ids=pad_sequence(
                [torch.tensor(prompts[row.row // self.group_size] + row.token_ids) for row in rows],
                batch_first=True,
                padding_value=padding_of(self.tokenizer),
            ),
            log_probabilities=_behind(before, (row.log_probabilities for row in rows)),
            response_mask=_behind(before, ([1.0] * len(row.token_ids) for row in rows)),
            rewards=rewards,
            drawn=Drawn(
                rewards,
                torch.tensor([float(len(row.token_ids)) for row in rows]),
                torch.tensor([float(row.finished) for row in rows]),
            ),
        )

    def greedy_rewards(self, problems: Sequence[Problem]) -> torch.Tensor:
        """The reward [problems] of the response of most probable tokens to each."""
        prompts = [self._prompt(problem) for problem in problems]
        uniforms = [torch.zeros(1, self.max_tokens)] * len(prompts)
        return self._rewards(problems, self._decode(prompts, uniforms, temperature=0.0))

    def _prompt(self, problem: Problem) -> list[int]:
        written = prompt_ids(self.tokenizer, problem.prompt)
        shown = getattr(self.model, "shown_images", None)
        with of_problem(problem.problem_id):
            if shown is not None:
                return shown.write(written, problem.images)
            check_no_images(written, self.model.config)
            return written

    def _decode(
        self, prompts: list[list[int]], uniforms: list[torch.Tensor], temperature: float
    ) -> list[Decoded]:
        """All rows, in their order."""
        decoded = decode(
            self.model,
            prompts,
            uniforms,
            temperature=temperature,
            top_p=1.0,
            end_ids=sorted(end_ids(self.model.generation_config.eos_token_id, self.tokenizer)),
        )
        return sorted(chain.from_iterable(decoded), key=lambda row: row.row)

    def _rewards(self, problems: Sequence[Problem], rows: Sequence[Decoded]) -> torch.Tensor:
        texts = [response_text(self.tokenizer, row.token_ids, row.finished) for row in rows]
        judged_by = [problem.posed for problem in problems]
        return torch.tensor(self.reward(list(zip(judged_by, texts, strict=True))))


def _behind(before: Sequence[int], rows: Iterable[Sequence[float]]) -> torch.Tensor:
    """Rows of numbers [rows, tokens], each behind as many zeros as its prompt has tokens to be scored."""
    return pad_sequence(
        [torch.tensor([0.0] * zeros + list(row)) for zeros, row in zip(before, rows, strict=True)],
        batch_first=True,
    )
