"""Advantage estimators: rewards of groups of rollouts in, one advantage a response token out.

Each is defined as in VeRL 0.9.1 (``verl.trainer.ppo.core_algos``); the paper's models were trained with an
earlier VeRL. Where that departs from the algorithm's own paper, the docstring says so.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

GROUP_EPSILON = 1e-6
WHITENING_EPSILON = 1e-8


class Outcomes(NamedTuple):
    """What rollouts came to, rows group after group.

    ``rewards`` [groups, size]; ``mask`` [rows, tokens], 1 for response tokens; ``baselines`` [groups],
    the reward of each prompt's greedy response (ReMax); ``values`` [rows, tokens], what the value network
    expected before each token was drawn (PPO).
    """

    rewards: torch.Tensor
    mask: torch.Tensor
    baselines: torch.Tensor | None = None
    values: torch.Tensor | None = None

    def on_tokens(self, of_rollouts: torch.Tensor) -> torch.Tensor:
        """One number a rollout [groups, size], on each of its response tokens [rows, tokens]."""
        return of_rollouts.reshape(-1, 1) * self.mask


def group_relative(outcomes: Outcomes) -> torch.Tensor:
    """GRPO, and DAPO: (reward - group mean) / group standard deviation.

    The standard deviation is the unbiased one, and a group whose rewards are all equal has advantage
    zero, as in ``compute_grpo_outcome_advantage`` (DeepSeekMath, arXiv 2402.03300, section 4.1.2; DAPO,
    arXiv 2503.14476, eq. 9).
    """
    rewards = outcomes.rewards
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return outcomes.on_tokens(centred / (rewards.std(dim=1, keepdim=True) + GROUP_EPSILON))


def leave_one_out(outcomes: Outcomes) -> torch.Tensor:
    """RLOO: reward less the mean of the group's others (arXiv 2402.14740, eq. 8).

    ``compute_rloo_outcome_advantage`` writes the same as (reward - group mean) * size / (size - 1).
    """
    rewards = outcomes.rewards
    size = rewards.shape[1]
    return outcomes.on_tokens((rewards - rewards.mean(dim=1, keepdim=True)) * size / (size - 1))


def above_greedy(outcomes: Outcomes) -> torch.Tensor:
    """ReMax: reward less that of the prompt's greedy response (arXiv 2310.10505, algorithm 1).

    As in ``compute_remax_outcome_advantage``.
    """
    assert outcomes.baselines is not None, "ReMax needs the rewards of greedy responses"
    return outcomes.on_tokens(outcomes.rewards - outcomes.baselines[:, None])


def whitened_returns(outcomes: Outcomes) -> torch.Tensor:
    """Reinforce++: returns, whitened over all response tokens of the batch.

    Without discount a token's return is its response's reward, so that long responses weigh more in mean
    and deviation. As in ``compute_reinforce_plus_plus_outcome_advantage`` (arXiv 2501.03262, eq. 6 and 7,
    where the reward has a KL term; here that is in the loss, if anywhere).
    """
    returns = outcomes.on_tokens(outcomes.rewards)
    return whiten(returns, outcomes.mask) * outcomes.mask


def generalised(
    outcomes: Outcomes, discount: float = 1.0, decay: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """PPO: generalised advantage estimates, whitened, and the returns that values are fitted to.

    The reward comes with the last response token. ``discount`` (gamma) and ``decay`` (lambda) are 1 as VeRL
    sets them: the estimate is then the response's reward less the value. Both [rows, tokens], as in
    ``compute_gae_advantage_return`` (arXiv 1506.02438, eq. 16).
    """
    assert outcomes.values is not None, "generalised advantages need values"
    values, mask = outcomes.values, outcomes.mask
    rewards = at_last_token(outcomes)
    # The value, and the estimate, of the next response token.
    after = torch.zeros_like(values[:, 0])
    estimate = torch.zeros_like(after)
    estimates = torch.zeros_like(values)
    for token in reversed(range(values.shape[1])):
        response = mask[:, token] > 0
        error = rewards[:, token] + discount * after - values[:, token]
        estimate = torch.where(response, error + discount * decay * estimate, estimate)
        after = torch.where(response, values[:, token], after)
        estimates[:, token] = estimate
    return whiten(estimates, mask), estimates + values


def at_last_token(outcomes: Outcomes) -> torch.Tensor:
    """The rewards where responses end, 0 elsewhere [rows, tokens]."""
    mask = outcomes.mask
    is_last = (mask > 0) & (mask.flip(1).cumsum(1).flip(1) == 1)
    return outcomes.on_tokens(outcomes.rewards) * is_last


def whiten(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """``values`` with mean 0 and variance 1 (unbiased) over the tokens of ``mask``."""
    chosen = values[mask > 0]
    return (values - chosen.mean()) * torch.rsqrt(chosen.var() + WHITENING_EPSILON)
