"""Reinforcement learning with verifiable rewards, from a base model and a set of problems."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from boundary.errors import BoundaryError
from boundary.progress import track
from boundary.training.advantages import Outcomes, generalised
from boundary.training.algorithms import ALGORITHMS, Algorithm
from boundary.training.likelihood import likelihood
from boundary.training.losses import (
    Clip,
    clipped_surrogate,
    clipped_value_error,
    kl_from_reference,
    masked_mean,
)
from boundary.training.optimiser import Learner, build_learner, take_step
from boundary.training.problems import Problem, ProblemBatches
from boundary.training.reward import Reward
from boundary.training.rollouts import Rollouts, Sampler, are_mixed

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from boundary.training.kept_progress import KeptProgress

VALUE_CLIP = 0.5  # VeRL's cliprange_value
PATIENCE = 20  # steps that may pass before the first reward
# Responses without one after which a shorter training has failed, too: the share that earns one is then
# below 1.2 %, with 95 % confidence. Fewer, as in a try of two steps, say little.
ENOUGH = 256


class Trainees(NamedTuple):
    """What learns, and what the policy is held to: PPO alone has values, a KL term alone a reference."""

    policy: Learner
    values: Learner | None
    reference: PreTrainedModel | None


class Targets(NamedTuple):
    """What the updates of a step work towards, [rows, tokens] each; the last two of values alone."""

    advantages: torch.Tensor
    reference: torch.Tensor | None
    values: torch.Tensor | None
    returns: torch.Tensor | None


def build_trainees(recipe: Mapping[str, Any], model: PreTrainedModel) -> Trainees:
    """The networks that a recipe asks for, each as it is before the first step."""
    updates = recipe["steps"] * recipe["updates_per_step"]
    values = None
    if ALGORITHMS[recipe["algorithm"]].advantages is None:
        from boundary.training.value_network import ValueNetwork

        values = build_learner(ValueNetwork(model), recipe, updates, "value_learning_rate")
    reference = copy.deepcopy(model).requires_grad_(False) if recipe.get("kl") else None
    return Trainees(build_learner(model, recipe, updates), values, reference)


@torch.no_grad()
def find_targets(trainees: Trainees, algorithm: Algorithm, rollouts: Rollouts) -> Targets:
    """Advantages of all rollouts of a step, before its first update."""
    token_ids, mask = rollouts.token_ids, rollouts.response_mask
    values = trainees.values.network(token_ids, mask) if trainees.values else None
    reference = None
    if trainees.reference is not None:
        reference = likelihood(trainees.reference, token_ids, mask).log_probability
    outcomes = Outcomes(rollouts.rewards, mask, rollouts.baselines, values)
    if algorithm.advantages is None:
        advantages, returns = generalised(outcomes)
        return Targets(advantages, reference, values, returns)
    return Targets(algorithm.advantages(outcomes), reference, None, None)


def update_rows(
    trainees: Trainees,
    rollouts: Rollouts,
    targets: Targets,
    rows: torch.Tensor,
    recipe: Mapping[str, Any],
) -> dict[str, float]:
    """An optimiser step on ``rows``, and one of the values; losses, and entropy and KL in nats a token."""
    mask, token_ids = rollouts.response_mask[rows], rollouts.token_ids[rows]
    learned = torch.ones(len(rows), dtype=torch.bool)
    if targets.reference is None:
        # A row without an advantage moves nothing. One stays: momentum moves the weights where no row does.
        learned = targets.advantages[rows].ne(0).any(dim=1)
        learned[0] = True
    scores = likelihood(trainees.policy.network, token_ids, mask, learned)
    clip = Clip(recipe["clip"], recipe.get("clip_high", recipe["clip"]))
    old = rollouts.log_probabilities[rows]
    loss = clipped_surrogate(scores.log_probability, old, targets.advantages[rows], mask, clip)
    told = {"loss": loss.item(), "entropy": masked_mean(scores.entropy.detach(), mask).item()}
    if targets.reference is not None:
        kl = kl_from_reference(scores.log_probability, targets.reference[rows], mask)
        loss = loss + recipe["kl"] * kl
        told["kl"] = kl.item()
    take_step(loss, trainees.policy)
    if trainees.values is not None:
        assert targets.values is not None and targets.returns is not None
        expected = trainees.values.network(token_ids, mask)
        error = clipped_value_error(
            expected, targets.values[rows], targets.returns[rows], mask, VALUE_CLIP
        )
        take_step(error, trainees.values)
        told["value_loss"] = error.item()
    return told


def take_training_step(
    trainees: Trainees, rollouts: Rollouts, algorithm: Algorithm, recipe: Mapping[str, Any]
) -> dict[str, float]:
    """The updates of a step, each on its own share of the groups; means over them of what they tell."""
    targets = find_targets(trainees, algorithm, rollouts)
    groups, size = rollouts.rewards.shape
    shares = torch.arange(groups * size).view(groups, size).tensor_split(recipe["updates_per_step"])
    told = [
        update_rows(trainees, rollouts, targets, rows.flatten(), recipe)
        for rows in shares
        if len(rows)  # dynamic sampling may find fewer groups than there are updates
    ]
    return {name: sum(row[name] for row in told) / len(told) for name in told[0]}


def describe_rollouts(rollouts: Rollouts) -> dict[str, float]:
    """What a step drew, dropped groups included; see ``train_rlvr``."""
    drawn = rollouts.drawn
    means = drawn.rewards.mean(dim=1)
    return {
        "reward": means.mean().item(),
        "solved_groups": (means == 1).float().mean().item(),
        "mixed_groups": are_mixed(drawn.rewards).float().mean().item(),
        "response_length": drawn.lengths.mean().item(),
        "truncated": 1 - drawn.finished.mean().item(),
        "extra_samples": drawn.rewards.numel() + drawn.greedy - rollouts.rewards.numel(),
    }


def check_rewards(metrics: Sequence[Mapping[str, float]], recipe: Mapping[str, Any]) -> None:
    """Raise BoundaryError if a training has come so far and no response has earned a reward."""
    steps = len(metrics)
    if any(row["reward"] for row in metrics):
        return
    if steps >= PATIENCE or steps * recipe["problems_per_step"] * recipe["rollouts"] >= ENOUGH:
        raise BoundaryError(
            f"step {steps}: no response of {steps} steps earned a reward, and there is nothing to learn "
            "from; train on problems that the base model solves now and then, or see whether its "
            "answers can be found and read (boundary grade)"
        )


def train_rlvr(
    recipe: Mapping[str, Any],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: Sequence[Problem],
    reward: Reward,
    kept: KeptProgress | None = None,
    after_step: Callable[[int], None] = lambda step: None,
) -> list[dict[str, float]]:
    """Train ``model`` in place by ``recipe`` (``rlvr`` in the schema of config/models.yaml).

    Returns one row of metrics a step: step, reward (mean), solved_groups and mixed_groups (shares of
    groups with every, and with unequal, rewards), response_length (tokens), truncated (share),
    extra_samples (drawn beside the rollouts: ReMax's greedy ones, those that DAPO drops), loss, entropy
    (nats a token); with a KL term kl (nats a token), with a value network value_loss. Goes on from
    ``kept``, and keeps its progress there. Raises BoundaryError, naming the step, if loss or gradient is
    not finite, or if the first ``PATIENCE`` steps, or all of fewer that drew ``ENOUGH`` responses, earn no
    reward at all.
    """
    algorithm = ALGORITHMS[recipe["algorithm"]]
    trainees = build_trainees(recipe, model)
    learners = {"policy": trainees.policy}
    if trainees.values:
        learners["values"] = trainees.values
    metrics, drawn = kept.load(learners) if kept else ([], 0)
    batches = ProblemBatches(problems, recipe["problems_per_step"], recipe["seed"], drawn)
    sampler = Sampler(
        model, tokenizer, reward, recipe["seed"], recipe["rollouts"], recipe["max_tokens"]
    )
    sampler.check(problems)
    remaining = range(len(metrics) + 1, recipe["steps"] + 1)
    for step in track(remaining, recipe["algorithm"], "step", done=len(metrics)):
        try:
            rollouts = algorithm.draw(sampler, batches)
            told = take_training_step(trainees, rollouts, algorithm, recipe)
        except BoundaryError as error:
            raise BoundaryError(f"step {step}: {error}") from error
        metrics.append({"step": step} | describe_rollouts(rollouts) | told)
        if step == min(PATIENCE, recipe["steps"]):
            check_rewards(metrics, recipe)
        after_step(step)  # before the progress is kept, which never is beyond what this has done
        if kept:
            kept.save(learners, metrics, batches.drawn)
    return metrics
