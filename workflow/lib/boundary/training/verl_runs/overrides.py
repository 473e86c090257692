"""A recipe as VeRL's own settings: what its command line is given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# The advantage estimator of each algorithm; what else makes it is in `overrides`.
ESTIMATORS = {
    "ppo": "gae",
    "grpo": "grpo",
    "reinforce_plus_plus": "reinforce_plus_plus",
    "rloo": "rloo",
    "remax": "remax",
    "dapo": "grpo",
}
# The prompt is rendered by our own template: VeRL's chat template hands it through as it is.
RAW_PROMPT = "{{ messages[0].content }}"
REWARD = "pkg://boundary.training.verl_runs.reward"
# Of tokens with a negative advantage; VeRL's scripts for DAPO have it at 10, all others at its default, 3.
DAPO_LARGEST_LOSS_RATIO = 10.0
CHECKPOINTS_KEPT = 2  # the newest is whole only after the one before might have been removed
SEQUENCES_PER_PASS = 2  # of full length, that a GPU takes through the network at once


class Run(NamedTuple):
    """What a training works on: the base's folder, VeRL's problems, its own folder of checkpoints.

    ``longest_prompt`` is in tokens.
    """

    name: str
    base: Path
    prompts: Path
    longest_prompt: int
    checkpoints: Path


def overrides(recipe: Mapping[str, Any], run: Run) -> list[str]:
    """Overrides of VeRL 0.9.1's ``ppo_trainer`` configuration, for Hydra's command line.

    ``recipe`` is ``verl`` in the schema of config/models.yaml; its own ``overrides`` come last. The loss
    is the same for all algorithms, the clipped surrogate as a mean over tokens.
    """
    settings = (
        _data(recipe, run)
        | _policy(recipe, run)
        | _rollouts(recipe, run)
        | _trainer(recipe, run)
        | {
            "reward.custom_reward_function.path": REWARD,
            "reward.custom_reward_function.name": "compute_score",
        }
    )
    if recipe["algorithm"] == "ppo":
        settings |= _values(recipe, run)
    if recipe["algorithm"] == "dapo":
        # Groups whose rewards are all equal are dropped, and others drawn in their place.
        settings |= {
            "algorithm.filter_groups.enable": True,
            "algorithm.filter_groups.metric": "reward",
            "actor_rollout_ref.actor.clip_ratio_c": DAPO_LARGEST_LOSS_RATIO,
        }
    return [
        *(setting(key, value) for key, value in settings.items()),
        *recipe.get("overrides", ()),
    ]


def _data(recipe: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """All problems, none too long. VeRL wants problems to validate on, too, and is told never to."""
    return {
        "data.train_files": [str(run.prompts)],
        "data.val_files": [str(run.prompts)],
        "data.train_batch_size": recipe["problems_per_step"],
        "data.max_prompt_length": run.longest_prompt,
        "data.max_response_length": recipe["max_tokens"],
        "data.filter_overlong_prompts": False,
        "data.truncation": "error",
        "data.shuffle": True,
        "data.seed": recipe["seed"],
    }


def _network(recipe: Mapping[str, Any], run: Run, network: str, memory: str) -> dict[str, Any]:
    """How a network is loaded, and how much passes through it at once.

    Without flash-attn, which no index has built: attention by torch, which must see the padding.
    """
    longest = run.longest_prompt + recipe["max_tokens"]
    return {
        f"{network}.path": str(run.base),
        f"{network}.use_remove_padding": False,
        f"+{network}.override_config.attn_implementation": "sdpa",
        f"{memory}.ppo_max_token_len_per_gpu": SEQUENCES_PER_PASS * longest,
    }


def _policy(recipe: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """The updates; weights in Hugging Face format beside VeRL's own shards, which are pickles."""
    actor = "actor_rollout_ref.actor"
    kept = ["model", "optimizer", "extra"]
    return {
        **_network(recipe, run, "actor_rollout_ref.model", actor),
        "actor_rollout_ref.model.custom_chat_template": RAW_PROMPT,
        "algorithm.adv_estimator": ESTIMATORS[recipe["algorithm"]],
        "algorithm.use_kl_in_reward": False,
        f"{actor}.optim.lr": recipe["learning_rate"],
        f"{actor}.ppo_mini_batch_size": recipe["problems_per_step"] // recipe["updates_per_step"],
        f"{actor}.use_dynamic_bsz": True,
        f"{actor}.clip_ratio": recipe["clip"],
        f"{actor}.clip_ratio_low": recipe["clip"],
        f"{actor}.clip_ratio_high": recipe.get("clip_high", recipe["clip"]),
        f"{actor}.loss_agg_mode": "token-mean",
        f"{actor}.entropy_coeff": 0,
        f"{actor}.use_kl_loss": "kl" in recipe,
        f"{actor}.kl_loss_coef": recipe.get("kl", 0),
        f"{actor}.kl_loss_type": "low_var_kl",
        f"{actor}.data_loader_seed": recipe["seed"],
        f"{actor}.fsdp_config.seed": recipe["seed"],
        f"{actor}.checkpoint.save_contents": [*kept, "hf_model"],
        f"{actor}.checkpoint.load_contents": kept,
    }


def _values(recipe: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """PPO's value network, begun from the base as the policy is."""
    return {
        **_network(recipe, run, "critic.model", "critic"),
        "critic.optim.lr": recipe["value_learning_rate"],
        "critic.data_loader_seed": recipe["seed"],
        "critic.fsdp.seed": recipe["seed"],
    }


def _rollouts(recipe: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Sampling as the paper's: temperature 1, nothing cut off the distribution; a server on each GPU."""
    rollout = "actor_rollout_ref.rollout"
    return {
        f"{rollout}.name": "vllm",
        f"{rollout}.n": recipe["rollouts"],
        f"{rollout}.temperature": 1.0,
        f"{rollout}.top_p": 1.0,
        f"{rollout}.top_k": -1,
        f"{rollout}.seed": recipe["seed"],
        f"{rollout}.max_model_len": run.longest_prompt + recipe["max_tokens"],
        f"{rollout}.tensor_model_parallel_size": 1,
        f"{rollout}.gpu_memory_utilization": 0.6,
    }


def _trainer(recipe: Mapping[str, Any], run: Run) -> dict[str, Any]:
    return {
        # VeRL's new trainer draws no greedy responses, without which there is no ReMax; its old one does.
        "trainer.use_v1": recipe["algorithm"] != "remax",
        "trainer.nnodes": 1,
        "trainer.n_gpus_per_node": recipe["gpus"],
        "trainer.total_training_steps": recipe["steps"],
        "trainer.total_epochs": recipe["steps"],  # never fewer than it takes
        "trainer.val_before_train": False,
        "trainer.test_freq": -1,
        "trainer.save_freq": recipe["save_every"],
        "trainer.resume_mode": "auto",
        "trainer.default_local_dir": str(run.checkpoints),
        "trainer.max_actor_ckpt_to_keep": CHECKPOINTS_KEPT,
        "trainer.max_critic_ckpt_to_keep": CHECKPOINTS_KEPT,
        "trainer.logger": ["console", "file"],
        "trainer.project_name": "boundary",
        "trainer.experiment_name": run.name,
    }


def setting(key: str, value: Any) -> str:
    """One override in Hydra's grammar, whatever stands in a text."""
    return f"{key}={_written(value)}"


def _written(value: Any) -> str:
    if isinstance(value, str):
        # Backslashes are themselves, but for those before a quote.
        escaped = re.sub(r'(\\*)("|$)', lambda m: m[1] * 2 + ('\\"' if m[2] else ""), value)
        return f'"{escaped}"'
    if isinstance(value, Sequence):
        return f"[{','.join(map(_written, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
