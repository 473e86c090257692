"""A model of the catalogue: where it is, and what the stages are told of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from boundary.miniature.worlds import world_of
from boundary.sampling.engine import EngineSettings
from boundary.scoring.scorer import ScorerSettings
from boundary.scoring.scorers import DEFAULT

Role = Literal["base", "rlvr", "instruct", "distilled", "reference"]
UNAVAILABLE = "available"  # the key that such an entry has in place of a source
REWARDED = ("rlvr", "verl")  # trained here on verified rewards, by the recipe at this key
LOADED = ("pretrain", *REWARDED, "finetune", "step_of", "hub", "path")  # whose weights are here
IMPORTED = ("samples", "counts")  # by benchmark: what others drew, or also judged
# Where a model comes from, by the key of its entry; who has none of them is not available.
MODEL_SOURCES = (*LOADED, "endpoint", *IMPORTED)
RECIPE_KEYS = ("algorithm", "steps", "rollouts", "kl")  # without a KL term it is 0
METRICS_KEY = "metrics"  # beside how it was trained, what happened then


def recipe_of(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """The recipe by which an entry's model is trained on verified rewards, if it is."""
    return next((entry[source] for source in REWARDED if source in entry), None)


def described_training(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe says of how a model was trained: algorithm, steps, rollouts, kl."""
    return {key: recipe.get(key, 0) for key in RECIPE_KEYS}


@dataclass(frozen=True)
class Model:
    """An entry of config/models.yaml. ``settings`` is the entry itself."""

    name: str
    label: str
    family: str
    role: Role
    template: str
    base: str | None
    source: str
    settings: dict[str, Any]

    @property
    def available(self) -> bool:
        """Whether there is anything to sample, score or import."""
        return self.source != UNAVAILABLE

    @property
    def engine(self) -> str:
        """Name of the engine that samples it; auto leaves that to the machine."""
        return "openai" if self.source == "endpoint" else self.settings.get("engine", "auto")

    @property
    def gpus(self) -> int:
        """GPUs that sampling it takes, or scoring with it."""
        return 0 if self.source == "endpoint" else self.settings.get("gpus", EngineSettings.gpus)

    @property
    def environment(self) -> str:
        """Name of the environment to sample it in; vLLM's holds transformers too, should `auto` take it."""
        on_gpu = self.engine == "vllm" or (self.engine == "auto" and self.gpus > 0)
        return "vllm" if on_gpu else "sample"

    @property
    def loading_arguments(self) -> list[str]:
        """Arguments of the stages sample and score on which samples and scores depend."""
        return [*self._arguments("dtype", "max_model_len"), *self.pixel_arguments]

    @property
    def pixel_arguments(self) -> list[str]:
        """Arguments of all stages that show it pictures: how large these are made."""
        return self._arguments("min_pixels", "max_pixels")

    @property
    def engine_arguments(self) -> list[str]:
        """Arguments of the stage sample on which no sample depends: what draws it, and with how much."""
        arguments = self._arguments("gpus", "gpu_memory_utilization")
        if not self.settings.get("prefix_caching", EngineSettings.prefix_caching):
            arguments.append("--no-prefix-caching")
        return [f"--engine={self.engine}", *arguments]

    @property
    def scoring_environment(self) -> str:
        """Name of the environment to score with it in."""
        return "vllm" if self.settings.get("score_engine") == "vllm" else self.environment

    @property
    def scoring_arguments(self) -> list[str]:
        """Arguments of the stage score on which its scores depend."""
        return [
            f"--engine={self.settings.get('score_engine', DEFAULT)}",
            *self.loading_arguments,
        ]

    @property
    def scoring_memory_arguments(self) -> list[str]:
        """Arguments of the stage score on which no score depends: with how much."""
        memory = self._arguments("gpus", "gpu_memory_utilization")
        return [*memory, f"--megabytes={self.score_megabytes}"]

    @property
    def score_megabytes(self) -> int:
        """Memory that scoring with it may take beside the weights."""
        return self.settings.get("score_megabytes", ScorerSettings.megabytes)

    def _arguments(self, *keys: str) -> list[str]:
        given = [key for key in keys if key in self.settings]
        return [f"--{key.replace('_', '-')}={self.settings[key]}" for key in given]

    @property
    def training(self) -> dict[str, Any]:
        """How it was trained, where that is known: algorithm, steps, rollouts, kl."""
        recipe = recipe_of(self.settings)
        known = described_training(recipe) if recipe else {}
        told = self.settings.get("training", {})
        return known | {key: value for key, value in told.items() if key != METRICS_KEY}

    @property
    def training_log(self) -> str | None:
        """The CSV that logs its training, where it was trained elsewhere and an entry names one."""
        return self.settings.get("training", {}).get(METRICS_KEY)

    @property
    def source_arguments(self) -> list[str]:
        """Arguments of the stage models that say where it is."""
        if self.source == "endpoint":
            return ["--endpoint", json.dumps(self.settings["endpoint"])]
        given = [key for key in ("hub", "revision", "path") if key in self.settings]
        return [f"--{key}={self.settings[key]}" for key in given]

    def imported_files(self, benchmark: str) -> list[str]:
        """Files of what others drew of it, or judged, for a benchmark."""
        return self.settings[self.source][benchmark]["files"]

    def import_arguments(self, benchmark: str) -> list[str]:
        """Arguments of the command import that say what to take from where."""
        entry = self.settings[self.source][benchmark]
        choice = [f"--filter={entry['filter']}"] if "filter" in entry else []
        return [
            entry["format"],
            *entry["files"],
            f"--model={entry.get('name', self.name)}",
            *choice,
        ]

    @property
    def training_benchmarks(self) -> list[str]:
        """Benchmarks that its training draws problems from."""
        recipe = self.teacher if self.source == "finetune" else recipe_of(self.settings)
        return [recipe["problems"]] if recipe else []

    @property
    def trained_from(self) -> list[str]:
        """Names of the models that come before it: its base, its teacher, what it is a step of."""
        others = (self.teacher or {}, self.settings.get("step_of", {}))
        return [*filter(None, [self.base]), *(other["model"] for other in others if other)]

    @property
    def teacher(self) -> dict[str, Any] | None:
        """Of a model that is fine-tuned on another's verified responses, which and to what problems."""
        return self.settings.get("finetune", {}).get("teacher")

    @property
    def training_gpus(self) -> int:
        """GPUs that its training takes."""
        return self.settings.get("verl", {}).get("gpus", 0)


def learned_from_texts(model: Model, models: Mapping[str, Model]) -> bool:
    """Whether a model was pre-trained here on texts, or is what was made here of such a one."""
    while model.source in (*REWARDED, "finetune", "step_of"):
        assert model.base is not None  # the schema sees to that
        model = models[model.base]
    return (
        model.source == "pretrain" and world_of(model.settings["pretrain"]["corpus"]) != "pictures"
    )
