"""The recipes of the paper's models, composed into VeRL's own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
import verl
from boundary.study.catalogue import load_catalogue
from boundary.training.verl_runs.overrides import Run, setting
from config_files import ROOT, SCHEMAS
from omegaconf import OmegaConf
from verl.trainer.ppo.core_algos import get_adv_estimator_fn
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.utils.config import omega_conf_to_dataclass, validate_config

MODELS = load_catalogue(ROOT / "config", SCHEMAS).models
RECIPES = {name: model.settings["verl"] for name, model in MODELS.items() if model.source == "verl"}
# The paper's trainings: estimator, steps, rollouts, KL, upper clip, and whether there is a value network.
PAPER = {
    "qwen2.5-7b-ppo": ("gae", 150, 8, None, 0.2, True),
    "qwen2.5-7b-grpo-450": ("grpo", 450, 8, None, 0.2, False),
    "qwen2.5-7b-grpo-n32": ("grpo", 220, 32, None, 0.2, False),
    "qwen2.5-7b-grpo-kl": ("grpo", 450, 8, 0.001, 0.2, False),
    "qwen2.5-7b-reinforce-pp": ("reinforce_plus_plus", 150, 8, None, 0.2, False),
    "qwen2.5-7b-rloo": ("rloo", 150, 8, None, 0.2, False),
    "qwen2.5-7b-remax": ("remax", 150, 8, None, 0.2, False),
    "qwen2.5-7b-dapo": ("grpo", 150, 8, None, 0.28, False),
}


def run_in(folder, base, name="m"):
    return Run(name, base, folder / "prompts.parquet", 1_000, folder / "checkpoints")


@pytest.fixture
def configuration(tmp_path, base, composed):
    return lambda name: composed(RECIPES[name], run_in(tmp_path, base, name))


def test_the_papers_ten_models_are_eight_trainings_and_two_steps_of_one():
    assert set(RECIPES) == set(PAPER)
    steps = {
        name: model.settings["step_of"] for name, model in MODELS.items() if "7b-grpo-" in name
        if model.source == "step_of"
    }  # fmt: skip
    assert steps == {
        f"qwen2.5-7b-grpo-{step}": {"model": "qwen2.5-7b-grpo-450", "step": step}
        for step in (150, 300)
    }


@pytest.mark.parametrize("name", PAPER)
def test_what_the_paper_tells_of_a_training(configuration, name):
    estimator, steps, rollouts, kl, clip_high, critic = PAPER[name]
    config = configuration(name)
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    assert config.algorithm.adv_estimator == estimator and get_adv_estimator_fn(estimator)
    assert config.trainer.total_training_steps == steps
    assert (rollout.n, rollout.temperature, rollout.top_p, rollout.top_k) == (
        rollouts,
        1.0,
        1.0,
        -1,
    )
    assert (config.data.train_batch_size, config.data.max_response_length) == (128, 8192)
    assert rollout.response_length == 8192 and rollout.max_model_len == 9192
    assert (actor.clip_ratio, actor.clip_ratio_low, actor.clip_ratio_high) == (0.2, 0.2, clip_high)
    assert actor.loss_agg_mode == "token-mean"
    assert actor.use_kl_loss == need_reference_policy(config) == (kl is not None)
    assert not config.algorithm.use_kl_in_reward
    if kl:
        assert (actor.kl_loss_coef, actor.kl_loss_type) == (kl, "low_var_kl")
    assert need_critic(config) == critic


@pytest.mark.parametrize("name", PAPER)
def test_what_it_does_not_tell(configuration, base, name):
    config = configuration(name)
    actor, model = config.actor_rollout_ref.actor, config.actor_rollout_ref.model
    assert (actor.optim.lr, actor.optim.lr_scheduler_type) == (1e-6, "constant")
    assert (actor.ppo_mini_batch_size, actor.ppo_epochs, actor.entropy_coeff) == (32, 1, 0)
    assert actor.clip_ratio_c == (10 if name == "qwen2.5-7b-dapo" else 3)
    assert (config.algorithm.gamma, config.algorithm.lam) == (1, 1)
    assert model.path == str(base)
    if name == "qwen2.5-7b-ppo":
        assert (config.critic.optim.lr, config.critic.ppo_mini_batch_size) == (1e-5, 32)
        assert config.critic.model.path == str(base) and config.critic.cliprange_value == 0.5


@pytest.mark.parametrize("name", PAPER)
def test_how_it_runs(configuration, tmp_path, name):
    config = configuration(name)
    trainer = config.trainer
    assert (trainer.n_gpus_per_node, trainer.nnodes, config.critic.enable) == (8, 1, None)
    assert (trainer.resume_mode, trainer.default_local_dir) == ("auto", f"{tmp_path}/checkpoints")
    assert (trainer.save_freq, trainer.test_freq, trainer.val_before_train) == (10, -1, False)
    assert trainer.total_epochs >= trainer.total_training_steps
    assert trainer.max_actor_ckpt_to_keep == trainer.max_critic_ckpt_to_keep == 2
    assert list(trainer.logger) == ["console", "file"] and trainer.experiment_name == name
    assert "hf_model" in config.actor_rollout_ref.actor.checkpoint.save_contents
    assert "hf_model" not in config.actor_rollout_ref.actor.checkpoint.load_contents
    assert config.data.seed == config.actor_rollout_ref.rollout.seed == 1
    reward = config.reward.custom_reward_function
    assert (reward.path, reward.name) == (
        "pkg://boundary.training.verl_runs.reward",
        "compute_score",
    )


@pytest.mark.parametrize("name", PAPER)
def test_verl_finds_no_mistake_in_it(configuration, name):
    config = configuration(name)
    validate_config(config, need_reference_policy(config), need_critic(config))
    omega_conf_to_dataclass(config.algorithm)
    omega_conf_to_dataclass(config.actor_rollout_ref.rollout)


def test_dapo_samples_dynamically_and_no_other_does(configuration):
    for name in PAPER:
        filtered = configuration(name).algorithm.filter_groups
        assert filtered.enable == (name == "qwen2.5-7b-dapo") and filtered.metric == "reward"


def test_remax_is_left_to_the_trainer_that_draws_greedy_responses(configuration):
    """VeRL 0.9.1's new trainer never computes the baselines that its ReMax asks for."""
    trainer = Path(verl.__file__).parent / "trainer" / "ppo"
    new = [file.read_text() for file in (trainer / "v1").glob("*.py")]
    assert "reward_baselines" in (trainer / "ray_trainer.py").read_text()
    assert len(new) > 5 and not any("reward_baselines" in text for text in new)
    for name in PAPER:
        assert configuration(name).trainer.use_v1 == (name != "qwen2.5-7b-remax")


def test_a_recipes_own_settings_come_last(tmp_path, base, composed):
    own = ["actor_rollout_ref.rollout.gpu_memory_utilization=0.3", "trainer.save_freq=7"]
    recipe = RECIPES["qwen2.5-7b-rloo"] | {"overrides": own}
    config = composed(recipe, run_in(tmp_path, base))
    assert config.actor_rollout_ref.rollout.gpu_memory_utilization == 0.3
    assert config.trainer.save_freq == 7


@pytest.mark.parametrize(
    "text", ["a b", "it's", 'say "x"', "end\\", 'a\\"b', "a,b=[c]{d}", "(1)", "{{ x }}", "", "ü%:"]
)
def test_any_text_reaches_verl_as_it_is(text):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    (override,) = OverridesParser.create().parse_overrides([setting("a.b", text)])
    assert OmegaConf.create({"a": override.value()}).a == text
    (listed,) = OverridesParser.create().parse_overrides([setting("a.b", [text, "x"])])
    assert list(OmegaConf.create(listed.value())) == [text, "x"]
