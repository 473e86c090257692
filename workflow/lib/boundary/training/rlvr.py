"""Reinforcement learning with verifiable rewards, from a base model and a set of problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from boundary.progress import track
from boundary.training.algorithms import Algorithm, load_algorithm
from boundary.training.likelihood import likelihood
from boundary.training.losses import masked_mean
from boundary.training.optimiser import build_optimiser, take_step
from boundary.training.reward import Reward
from boundary.training.rollouts import Problem, Rollouts, draw_groups, problem_batches

if TYPE_CHECKING:
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def update_policy(
    model: PreTrainedModel,
    rollouts: Rollouts,
    algorithm: Algorithm,
    optimiser: AdamW,
    schedule: LambdaLR,
    *,
    updates: int,
    clip: float,
) -> dict[str, float]:
    """Take ``updates`` optimiser steps, each on its own share of the rollouts' groups.

    Returns the mean loss and the mean token entropy (nats) of the policy on its own rollouts.
    """
    groups, size = rollouts.rewards.shape
    advantages = algorithm.advantages(rollouts.rewards).reshape(-1, 1)
    losses, entropies = [], []
    for rows in torch.arange(groups * size).view(groups, size).tensor_split(updates):
        rows = rows.flatten()
        mask = rollouts.response_mask[rows]
        scores = likelihood(model, rollouts.token_ids[rows])
        loss = algorithm.loss(
            scores.log_probability,
            rollouts.log_probabilities[rows],
            advantages[rows],
            mask,
            clip,
        )
        take_step(loss, model, optimiser, schedule)
        losses.append(loss.item())
        entropies.append(masked_mean(scores.entropy.detach(), mask).item())
    return {"loss": sum(losses) / len(losses), "entropy": sum(entropies) / len(entropies)}


def train_rlvr(
    recipe: Mapping[str, Any],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: Sequence[Problem],
    reward: Reward,
) -> list[dict[str, float]]:
    """Train ``model`` in place by ``recipe`` (``rlvr`` in the schema of config/models.yaml).

    Returns one row of metrics a step: step, reward (mean), solved_groups and mixed_groups (shares of
    groups with every, and with some but not every, rollout right: only mixed ones have a gradient),
    response_length (tokens), truncated (share), entropy (nats a token), loss.
    """
    algorithm = load_algorithm(recipe["algorithm"])
    generator = torch.Generator().manual_seed(recipe["seed"])
    batches = problem_batches(problems, recipe["problems_per_step"], generator)
    steps, updates = recipe["steps"], recipe["updates_per_step"]
    optimiser, schedule = build_optimiser(model, recipe["learning_rate"], steps * updates)
    metrics = []
    for step in track(range(1, steps + 1), recipe["algorithm"], "step"):
        rollouts = draw_groups(
            model,
            tokenizer,
            next(batches),
            reward,
            group_size=recipe["rollouts"],
            max_tokens=recipe["max_tokens"],
            generator=generator,
        )
        update = update_policy(
            model, rollouts, algorithm, optimiser, schedule, updates=updates, clip=recipe["clip"]
        )
        means = rollouts.rewards.mean(dim=1)
        metrics.append(
            {
                "step": step,
                "reward": means.mean().item(),
                "solved_groups": (means == 1).float().mean().item(),
                "mixed_groups": ((means > 0) & (means < 1)).float().mean().item(),
                "response_length": rollouts.lengths.mean().item(),
                "truncated": 1 - rollouts.finished.mean().item(),
                **update,
            }
        )
    return metrics
