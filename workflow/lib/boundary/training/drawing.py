"""Ways of drawing the groups of a step: from a sampler and batches of problems, its rollouts."""

from __future__ import annotations

from collections.abc import Iterator

from boundary.errors import BoundaryError
from boundary.training.checkpoint import padding_of
from boundary.training.problems import Batch
from boundary.training.rollouts import (
    Rollouts,
    Sampler,
    are_mixed,
    choose_groups,
    join_rollouts,
)

MOST_BATCHES = 10  # that one step draws


def draw_batch(sampler: Sampler, batches: Iterator[Batch]) -> Rollouts:
    """One batch as it falls."""
    return sampler.groups(next(batches))


def draw_with_greedy(sampler: Sampler, batches: Iterator[Batch]) -> Rollouts:
    """ReMax: beside each group the greedy response to its problem (arXiv 2310.10505, algorithm 1)."""
    batch = next(batches)
    rollouts = sampler.groups(batch)
    return rollouts._replace(
        baselines=sampler.greedy_rewards(batch.problems),
        drawn=rollouts.drawn._replace(greedy=len(batch.problems)),
    )


def draw_mixed_groups(sampler: Sampler, batches: Iterator[Batch]) -> Rollouts:
    """DAPO's dynamic sampling: batch after batch, until one is full of groups whose rewards differ.

    Groups that were all right or all wrong are dropped, and so are those beyond the size of a batch
    (arXiv 2503.14476, section 3.2); ``drawn`` counts them. After ``MOST_BATCHES`` the groups found have
    to do. Raises BoundaryError if there are none.
    """
    parts: list[Rollouts] = []
    wanted = found = 0
    for _ in range(MOST_BATCHES):
        batch = next(batches)
        rollouts = sampler.groups(batch)
        wanted = len(batch.problems)
        mixed = are_mixed(rollouts.rewards).nonzero().flatten()[: wanted - found]
        parts.append(choose_groups(rollouts, mixed))
        found += len(mixed)
        if found == wanted:
            break
    joined = join_rollouts(parts, padding_of(sampler.tokenizer))
    if not found:
        raise BoundaryError(
            f"none of {wanted * MOST_BATCHES} groups of {sampler.group_size} responses had both right and "
            f"wrong ones (mean reward {joined.drawn.rewards.mean():.2f}), and there is nothing to learn "
            "from the others; train on problems that the model solves now and then, with more "
            "`rollouts`, or, where it has come to solve them all, for fewer `steps`"
        )
    return joined
