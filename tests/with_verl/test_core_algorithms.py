"""Advantages and losses against VeRL's own functions, on random inputs with masks and unequal lengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary.training.advantages import (
    Outcomes,
    above_greedy,
    at_last_token,
    generalised,
    group_relative,
    leave_one_out,
    whitened_returns,
)
from boundary.training.losses import Clip, clipped_surrogate, clipped_value_error, kl_from_reference
from verl.trainer.config import AlgoConfig
from verl.trainer.ppo import core_algos
from verl.utils.torch_functional import masked_mean
from verl.workers.config import FSDPActorConfig

SEEDS = range(20)


def random_outcomes(seed: int) -> Outcomes:
    """Groups of right and wrong rollouts, or of rewards of any size; some groups are equal."""
    generator = torch.Generator().manual_seed(seed)
    groups, size = 2 + seed % 5, 2 + seed % 7
    width = 9 + seed % 4
    rewards = torch.rand(groups, size, generator=generator)
    if seed % 2:
        rewards = (rewards > 0.5).float()
    rewards[0] = float(
        seed % 3 == 0
    )  # of other numbers, the mean's rounding alone would be standardised
    start = torch.randint(0, 3, (groups * size, 1), generator=generator)
    length = torch.randint(1, width - 3, (groups * size, 1), generator=generator)
    places = torch.arange(width)
    mask = ((places >= start) & (places < start + length)).float()
    return Outcomes(
        rewards,
        mask,
        torch.rand(groups, generator=generator),
        torch.randn(mask.shape, generator=generator),
    )


def rows_of(outcomes: Outcomes) -> np.ndarray:
    """The group of each row, as VeRL's ``index``."""
    groups, size = outcomes.rewards.shape
    return np.repeat(np.arange(groups), size)


def assert_equal_on_responses(ours: torch.Tensor, theirs: torch.Tensor, mask: torch.Tensor) -> None:
    torch.testing.assert_close(ours[mask > 0], theirs[mask > 0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_advantages_without_values(seed):
    outcomes = random_outcomes(seed)
    rewards, mask = at_last_token(outcomes), outcomes.mask
    index = rows_of(outcomes)
    baselines = outcomes.baselines.repeat_interleave(outcomes.rewards.shape[1])
    theirs = {
        group_relative: core_algos.compute_grpo_outcome_advantage(rewards, mask, index),
        leave_one_out: core_algos.compute_rloo_outcome_advantage(rewards, mask, index),
        above_greedy: core_algos.compute_remax_outcome_advantage(rewards, baselines, mask),
        whitened_returns: core_algos.compute_reinforce_plus_plus_outcome_advantage(
            rewards, mask, config=AlgoConfig(gamma=1.0)
        ),
    }
    for ours, (advantages, _) in theirs.items():
        assert_equal_on_responses(ours(outcomes), advantages, mask)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 1.0), (0.95, 0.9)])
def test_advantages_with_values(seed, gamma, lam):
    outcomes = random_outcomes(seed)
    theirs = core_algos.compute_gae_advantage_return(
        at_last_token(outcomes), outcomes.values, outcomes.mask, gamma, lam
    )
    for our, their in zip(generalised(outcomes, gamma, lam), theirs, strict=True):
        assert_equal_on_responses(our, their, outcomes.mask)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("high", [0.2, 0.28])
def test_policy_loss(seed, high):
    outcomes = random_outcomes(seed)
    generator = torch.Generator().manual_seed(1000 + seed)
    shape = outcomes.mask.shape
    new, old = (-3 * torch.rand(shape, generator=generator) for _ in range(2))
    advantages = torch.randn(shape, generator=generator)
    config = FSDPActorConfig(
        strategy="fsdp",
        clip_ratio=0.2,
        clip_ratio_low=0.2,
        clip_ratio_high=high,
        rollout_n=1,
        ppo_micro_batch_size_per_gpu=1,
    )
    losses, gradients = [], []
    for loss_of in (
        lambda scores: clipped_surrogate(scores, old, advantages, outcomes.mask, Clip(0.2, high)),
        lambda scores: core_algos.compute_policy_loss_vanilla(
            old, scores, advantages, outcomes.mask, config=config
        )[0],
    ):
        scores = new.clone().requires_grad_()
        loss = loss_of(scores)
        loss.backward()
        losses.append(loss.detach())
        gradients.append(scores.grad)
    torch.testing.assert_close(*losses, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_value_loss_and_kl(seed):
    outcomes = random_outcomes(seed)
    generator = torch.Generator().manual_seed(2000 + seed)
    new, old, returns = torch.randn(3, *outcomes.mask.shape, generator=generator)
    theirs, _ = core_algos.compute_value_loss(new, returns, old, outcomes.mask, 0.5)
    ours = clipped_value_error(new, old, returns, outcomes.mask, 0.5)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    penalty = core_algos.kl_penalty(new, old, "low_var_kl")
    torch.testing.assert_close(
        kl_from_reference(new, old, outcomes.mask),
        masked_mean(penalty, outcomes.mask),
        atol=1e-5,
        rtol=1e-5,
    )


def test_the_defaults_are_verls():
    """What the trainer takes for granted of VeRL's configuration."""
    from boundary.training.losses import LARGEST_LOSS_RATIO
    from boundary.training.rlvr import VALUE_CLIP
    from verl.workers.config import CriticConfig

    fields = FSDPActorConfig.__dataclass_fields__
    assert fields["loss_agg_mode"].default == "token-mean"
    assert fields["clip_ratio_c"].default == LARGEST_LOSS_RATIO
    assert fields["kl_loss_type"].default == "low_var_kl"
    assert CriticConfig.__dataclass_fields__["cliprange_value"].default == VALUE_CLIP
    algorithm = AlgoConfig()
    assert algorithm.gamma == algorithm.lam == 1.0
