"""Sampling groups of rollouts from the policy and rewarding them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from boundary.data.records import read_records
from boundary.errors import BoundaryError
from boundary.sampling.context import context_length
from boundary.sampling.decoding import decode
from boundary.training.reward import Reward
from boundary.verification.judge import Posed
from boundary.verification.posing import posed_problems

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from boundary.sampling.prompts import Template
    from boundary.verification.policy import Policy


class Problem(NamedTuple):
    """What the trainer needs of a problem: its rendered prompt, and what responses are judged by."""

    prompt: str
    posed: Posed


def training_problems(path: Path, domain: str, template: Template, policy: Policy) -> list[Problem]:
    """The problems of a file, of one domain, as the trainer poses them."""
    posed = posed_problems(path, domain, policy)
    rows = read_records(path, "problem", ["problem_id", "question"]).itertuples(index=False)
    return [Problem(template.render(question), posed(problem)) for problem, question in rows]


class Rollouts(NamedTuple):
    """``groups`` x ``size`` rollouts as rows, group after group.

    ``token_ids`` [rows, tokens] is prompt and response, right-padded; ``log_probabilities`` and
    ``response_mask`` [rows, tokens - 1] speak of the token after each position; ``rewards`` is
    [groups, size]; ``lengths`` [rows] counts response tokens; ``finished`` [rows] is the share that
    ended by itself.
    """

    token_ids: torch.Tensor
    log_probabilities: torch.Tensor
    response_mask: torch.Tensor
    rewards: torch.Tensor
    lengths: torch.Tensor
    finished: torch.Tensor


def problem_batches(
    problems: Sequence[Problem], size: int, generator: torch.Generator
) -> Iterator[list[Problem]]:
    """Endless batches of distinct problems: shuffled passes, an incomplete last batch left out.

    Raises BoundaryError if there are fewer problems than one batch holds.
    """
    if len(problems) < size:
        raise BoundaryError(
            f"there are {len(problems)} problems to train on and the recipe's problems_per_step is "
            f"{size}; lower it or train on a larger benchmark"
        )
    while True:
        order = torch.randperm(len(problems), generator=generator).tolist()
        for start in range(0, len(order) - size + 1, size):
            yield [problems[at] for at in order[start : start + size]]


def draw_groups(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: Sequence[Problem],
    reward: Reward,
    *,
    group_size: int,
    max_tokens: int,
    generator: torch.Generator,
) -> Rollouts:
    """Sample ``group_size`` responses to every problem and reward each.

    At temperature 1 and without nucleus sampling, so that the stored log-probabilities are those that
    the tokens were drawn with. Raises BoundaryError if a response could outgrow the context.
    """
    prompts = [tokenizer(problem.prompt)["input_ids"] for problem in problems]
    longest, context = max(map(len, prompts)), context_length(model.config)
    if longest + max_tokens > context:
        raise BoundaryError(
            f"a prompt of {longest} tokens and the recipe's max_tokens {max_tokens} exceed the model's "
            f"context of {context}; lower max_tokens"
        )
    uniforms = [torch.rand(group_size, max_tokens, generator=generator) for _ in prompts]
    rows = len(prompts) * group_size
    tokens: list[torch.Tensor] = [torch.empty(0)] * rows
    scores: list[torch.Tensor] = [torch.empty(0)] * rows
    masks: list[torch.Tensor] = [torch.empty(0)] * rows
    lengths, finished = torch.zeros(rows), torch.zeros(rows)
    texts = [""] * rows
    decoded = decode(
        model,
        prompts,
        uniforms,
        temperature=1.0,
        top_p=1.0,
        end_ids=[tokenizer.eos_token_id],
    )
    for row in chain.from_iterable(decoded):
        group = row.row // group_size
        prompt = prompts[group]
        before = torch.zeros(len(prompt) - 1)
        tokens[row.row] = torch.tensor(prompt + row.token_ids)
        scores[row.row] = torch.cat([before, torch.tensor(row.log_probabilities)])
        masks[row.row] = torch.cat([before, torch.ones(len(row.token_ids))])
        texts[row.row] = tokenizer.decode(row.token_ids, skip_special_tokens=True)
        lengths[row.row] = len(row.token_ids)
        finished[row.row] = row.finished
    judged_by = [problem.posed for problem in problems for _ in range(group_size)]
    rewards = torch.tensor(reward(list(zip(judged_by, texts, strict=True))))
    padding = tokenizer.pad_token_id
    return Rollouts(
        token_ids=pad_sequence(tokens, batch_first=True, padding_value=padding),
        log_probabilities=pad_sequence(scores, batch_first=True),
        response_mask=pad_sequence(masks, batch_first=True),
        rewards=rewards.view(len(prompts), group_size),
        lengths=lengths,
        finished=finished,
    )
