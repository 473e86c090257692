"""A step of our GRPO against one of TRL's GRPOTrainer, and what both learn of the same number of samples.

    ours    ``train_rlvr``, as the stage models calls it; keeping its progress is not counted
    trl     ``GRPOTrainer`` of TRL 1.16.0

Both start at the study's base, pose the same problems in the same order as the same token ids, draw 8
responses to each of 32 problems at temperature 1, ask our verifier for the reward, and take two steps of
the same AdamW by the same learning rates, each on half of the samples: the recipe of mini-grpo in
config/models.yaml, whose number of steps alone is another. TRL's word for this is 128 samples a batch
(``per_device_train_batch_size``), ``steps_per_generation`` 2, ``num_iterations`` 1 and no gradient
accumulation. Its loss is set to ours: ``bnpo``, a mean over the tokens of the batch, ``epsilon`` 0.2,
``delta`` 3 (the dual clip), ``beta`` 0, rewards scaled by group. Two things stay different: a batch of
TRL's is drawn from all samples of the step and not of whole groups, and 1e-4 in place of 1e-6 is added to
the deviation.

TRL is set to what was fastest of what was tried on one thread: float32, no gradient checkpointing, the
default cache for sampling, whole batches, no workers for its data, nothing logged or saved, and the
tokenizer's end and padding tokens, so that sampling stops when all responses have ended. Eager attention
and a model whose training has no cache were as fast; two batches of 64 with accumulation and a static
cache took 1.7 to 2 times as long, continuous batching more than ten times. vLLM was not tried.

Runs take turns, ours first in each round. A step's time is from the end of the step before to its own end,
in seconds of the clock, and of the processors for this process, which other programs on the machine disturb
less; the first is left out, and with it loading. Of each round the medians and their ratio are printed.
Then both learn for more steps, once for each seed, and the mean rewards of their samples are set side by
side. In FOLDER are step_times.csv, learning_curves.csv and learning_curves.png.

In an environment of its own, with what the stages models and figures need, and TRL:

    python3 -m venv .venv-trl
    grep -hoE '[A-Za-z0-9._-]+==[^ ]+' envs/train.yaml envs/analyse.yaml | sort -u > .venv-trl/pins.txt
    .venv-trl/bin/pip install -r .venv-trl/pins.txt trl==1.16.0 accelerate==1.15.0 datasets==5.2.0
    .venv-trl/bin/pip install --no-deps --editable .
    .venv-trl/bin/python tests/benchmarks/trl_step_time.py results/miniature FOLDER
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import seaborn as sns
import torch
import yaml
from boundary.sampling.prompts import load_template
from boundary.training.checkpoint import load_checkpoint
from boundary.training.losses import LARGEST_LOSS_RATIO
from boundary.training.optimiser import GRADIENT_NORM, build_learner
from boundary.training.problems import Problem, ProblemBatches, training_problems
from boundary.training.reward import Reward, verified_reward
from boundary.training.rlvr import train_rlvr
from boundary.verification.policy import read_policy
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

CONFIG = Path(__file__).parents[2] / "config"
MODEL = "mini-grpo"
SMOOTHED = 10  # steps that a point of a curve, and the reward at its end, are a mean of


class Setting(NamedTuple):
    """What both trainers are given."""

    checkpoint: Path
    problems: list[Problem]
    recipe: dict[str, Any]

    def of(self, steps: int, seed: int) -> Setting:
        return self._replace(recipe=self.recipe | {"steps": steps, "seed": seed})


class Moment(NamedTuple):
    """Seconds since some time long ago, or, of two moments, between them."""

    clock: float
    processors: float

    @staticmethod
    def now() -> Moment:
        return Moment(time.perf_counter(), time.process_time())


class Run(NamedTuple):
    """One entry a step: time (of all but the first), mean reward, mean tokens of a response."""

    times: list[Moment]
    rewards: list[float]
    lengths: list[float]

    def median(self, name: str) -> float:
        return statistics.median(getattr(taken, name) for taken in self.times)


def read_setting(study: Path) -> Setting:
    entry = yaml.safe_load((CONFIG / "models.yaml").read_text())[MODEL]
    recipe = entry["rlvr"]
    benchmark = yaml.safe_load((CONFIG / "benchmarks.yaml").read_text())[recipe["problems"]]
    problems = training_problems(
        study / "benchmarks" / recipe["problems"] / "problems.parquet",
        "math",
        load_template(CONFIG / "prompts.yaml", entry["template"]),
        read_policy(benchmark.get("verification", {})),
    )
    return Setting(study / "models" / entry["base"] / "checkpoint", problems, recipe)


def train_ours(setting: Setting) -> Run:
    model, tokenizer = load_checkpoint(setting.checkpoint)
    ends: list[Moment] = []
    with verified_reward(workers=torch.get_num_threads()) as reward:
        metrics = train_rlvr(
            setting.recipe,
            model,
            tokenizer,
            setting.problems,
            reward,
            after_step=lambda step: ends.append(Moment.now()),
        )
    rewards, lengths = ([row[name] for row in metrics] for name in ("reward", "response_length"))
    return Run(times_between(ends), rewards, lengths)


def train_trl(setting: Setting) -> Run:
    recipe = setting.recipe
    model, tokenizer = load_checkpoint(setting.checkpoint)
    updates = recipe["updates_per_step"]
    learner = build_learner(model, recipe, recipe["steps"] * updates)
    posed = posed_in_order(setting)
    prompts = {"prompt": [problem.prompt for problem in posed], "place": list(range(len(posed)))}
    ends, rewards, lengths = UpdateEnds(), [], []
    with (
        verified_reward(workers=torch.get_num_threads()) as reward,
        tempfile.TemporaryDirectory() as folder,
    ):
        trainer = GRPOTrainer(
            model,
            reward_funcs=told_reward(reward, posed, rewards, lengths),
            args=trl_config(recipe, folder),
            train_dataset=Dataset.from_dict(prompts),
            processing_class=tokenizer,
            callbacks=[ends],
            optimizers=(learner.optimiser, learner.schedule),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return Run(times_between(ends.moments[updates - 1 :: updates]), rewards, lengths)


def trl_config(recipe: dict[str, Any], folder: str) -> GRPOConfig:
    samples = recipe["problems_per_step"] * recipe["rollouts"]
    return GRPOConfig(
        output_dir=folder,
        seed=recipe["seed"],
        max_steps=recipe["steps"] * recipe["updates_per_step"],
        per_device_train_batch_size=samples // recipe["updates_per_step"],
        steps_per_generation=recipe["updates_per_step"],
        gradient_accumulation_steps=1,
        num_iterations=1,
        num_generations=recipe["rollouts"],
        max_completion_length=recipe["max_tokens"],
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        loss_type="bnpo",
        scale_rewards="group",
        beta=0.0,
        epsilon=recipe["clip"],
        delta=LARGEST_LOSS_RATIO,
        max_grad_norm=GRADIENT_NORM,
        shuffle_dataset=False,  # it is in our order already
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def posed_in_order(setting: Setting) -> list[Problem]:
    """The problems of all steps, as our trainer draws them."""
    recipe = setting.recipe
    batches = ProblemBatches(setting.problems, recipe["problems_per_step"], recipe["seed"])
    return [problem for _ in range(recipe["steps"]) for problem in next(batches).problems]


def told_reward(
    reward: Reward, posed: list[Problem], rewards: list[float], lengths: list[float]
) -> Callable[..., list[float]]:
    """Our reward as TRL calls it, which also tells the means of what it is called with."""

    def verified(
        completions: list[str], completion_ids: list[list[int]], place: list[int], **_: object
    ) -> list[float]:
        judged_by = [posed[number].posed for number in place]
        earned = reward(list(zip(judged_by, completions, strict=True)))
        rewards.append(statistics.mean(earned))
        lengths.append(statistics.mean(map(len, completion_ids)))
        return earned

    return verified


class UpdateEnds(TrainerCallback):  # type: ignore[misc]
    """When every optimiser step ended."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def on_step_end(self, *_: object, **__: object) -> None:
        self.moments.append(Moment.now())


def times_between(ends: list[Moment]) -> list[Moment]:
    return [
        Moment(after.clock - before.clock, after.processors - before.processors)
        for before, after in pairwise(ends)
    ]


TRAINERS = {"ours": train_ours, "trl": train_trl}


def measure_steps(setting: Setting, rounds: int, steps: int) -> pd.DataFrame:
    """Print the medians of every round, and their spread over the rounds; the times of all steps."""
    rows, done = [], []
    for number in range(1, rounds + 1):
        runs = {name: train(setting.of(steps + 1, number)) for name, train in TRAINERS.items()}
        done.append(runs)
        print(f"round {number}: {told([runs])}", flush=True)
        rows += [
            {"trainer": name, "round": number, "step": step} | taken._asdict()
            for name, run in runs.items()
            for step, taken in enumerate(run.times, 2)
        ]
    lengths = {
        name: statistics.mean(length for runs in done for length in runs[name].lengths)
        for name in TRAINERS
    }
    shown = ", ".join(f"{name} {length:.1f}" for name, length in lengths.items())
    print(f"all rounds: {told(done)}; tokens a response: {shown}", flush=True)
    return pd.DataFrame(rows)


def told(rounds: list[dict[str, Run]]) -> str:
    """A step's times, the medians of rounds, and how many times as long TRL's are, each with its spread."""
    parts = []
    for name in Moment._fields:
        ours, trl = ([runs[who].median(name) for runs in rounds] for who in TRAINERS)
        ratios = [theirs / own for own, theirs in zip(ours, trl, strict=True)]
        parts.append(f"{name}: ours {spread(ours)} s, trl {spread(trl)} s, ratio {spread(ratios)}")
    return "; ".join(parts)


def spread(values: list[float]) -> str:
    shown = f"{statistics.median(values):.2f}"
    return shown if len(values) == 1 else f"{shown} [{min(values):.2f}, {max(values):.2f}]"


def measure_learning(setting: Setting, seeds: int, steps: int) -> pd.DataFrame:
    """Print where each run ends; the reward of every step by the samples drawn until its end."""
    samples = setting.recipe["problems_per_step"] * setting.recipe["rollouts"]
    rows = []
    for seed in range(1, seeds + 1):
        for name, train in TRAINERS.items():
            rewards = train(setting.of(steps, seed)).rewards
            first, last = rewards[:SMOOTHED], rewards[-SMOOTHED:]
            print(
                f"seed {seed}, {name}: mean reward {statistics.mean(first):.3f} in the first {len(first)} "
                f"steps, {statistics.mean(last):.3f} in the last of {steps}",
                flush=True,
            )
            rows += [
                {"trainer": name, "seed": seed, "samples": step * samples, "reward": reward}
                for step, reward in enumerate(rewards, 1)
            ]
    return pd.DataFrame(rows)


def draw_curves(curves: pd.DataFrame, path: Path) -> None:
    """Running means; the line is of the seeds' mean, the band from the least to the most of them."""
    runs = curves.groupby(["trainer", "seed"])["reward"]
    smooth = runs.transform(lambda rewards: rewards.rolling(SMOOTHED).mean())
    sns.set_theme(style="whitegrid", palette="colorblind")
    axes = sns.lineplot(
        curves.assign(reward=smooth).dropna(),
        x="samples",
        y="reward",
        hue="trainer",
        style="trainer",
        errorbar=("pi", 100),
    )
    axes.set(xlabel="samples drawn", ylabel=f"mean reward of {SMOOTHED} steps")
    axes.figure.savefig(path, dpi=200, bbox_inches="tight")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("study", type=Path, help="results of a finished study with mini-base")
    parser.add_argument("folder", type=Path, help="where tables and figure are written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10, help="timed in each round")
    parser.add_argument("--curve-steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3, help="of the learning curves")
    parser.add_argument("--threads", type=int, default=2, help="as the study trains (default: 2)")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    setting = read_setting(arguments.study)
    torch.set_num_threads(arguments.threads)
    times = measure_steps(setting, arguments.rounds, arguments.steps)
    times.to_csv(arguments.folder / "step_times.csv", index=False)
    curves = measure_learning(setting, arguments.seeds, arguments.curve_steps)
    curves.to_csv(arguments.folder / "learning_curves.csv", index=False)
    draw_curves(curves, arguments.folder / "learning_curves.png")


if __name__ == "__main__":
    main()
