"""The catalogues: models, benchmarks and prompt templates by name."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from boundary.errors import BoundaryError, unknown_name
from boundary.sampling.engine import EngineSettings
from boundary.sampling.prompts import Template, read_template
from boundary.scoring.scorer import ScorerSettings
from boundary.scoring.scorers import DEFAULT
from boundary.study.documents import load_document

Role = Literal["base", "rlvr", "instruct", "distilled", "reference"]
ENGINE_KEYS = ("engine", *(field.name for field in fields(EngineSettings)))
SCORE_KEYS = ("score_engine", "score_megabytes")
MODEL_SOURCES = ("pretrain", "rlvr", "hub", "path", "endpoint", "samples", "counts")
LOADED = ("pretrain", "rlvr", "hub", "path")  # whose weights are here
IMPORTED = ("samples", "counts")  # by benchmark: what others drew, or also judged
RECIPE_KEYS = ("algorithm", "steps", "rollouts")
BENCHMARK_SOURCES = ("generate", "path", "counts_only")


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
        return self._arguments("dtype", "max_model_len")

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
        recipe = self.settings.get("rlvr")
        known = {"kl": 0, **{key: recipe[key] for key in RECIPE_KEYS}} if recipe else {}
        return known | self.settings.get("training", {})

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
        return [self.settings["rlvr"]["problems"]] if self.source == "rlvr" else []


@dataclass(frozen=True)
class Benchmark:
    """An entry of config/benchmarks.yaml. ``settings`` is the entry itself."""

    name: str
    label: str
    protocol: int
    source: str
    settings: dict[str, Any]

    @property
    def source_arguments(self) -> list[str]:
        """Arguments of the stage benchmarks that say where its problems come from."""
        if self.source == "generate":
            return ["--generate", json.dumps(self.settings["generate"])]
        return ["--path", self.settings["path"], "--fields", json.dumps(self.settings["fields"])]

    @property
    def policy(self) -> str:
        """What counts as an answer, and as the same answer: its `verification` as JSON."""
        return json.dumps(self.settings.get("verification", {}), sort_keys=True)


@dataclass(frozen=True)
class Catalogue:
    """Everything that a study can name."""

    models: dict[str, Model]
    benchmarks: dict[str, Benchmark]
    prompts: dict[str, Template]


def load_catalogue(config: Path, schemas: Path) -> Catalogue:
    """Read models.yaml, benchmarks.yaml and prompts.yaml of the folder ``config``.

    Raises BoundaryError where an entry names another that does not exist.
    """

    def load(name: str) -> dict[str, Any]:
        return load_document(config / f"{name}.yaml", schemas / f"{name}.schema.yaml")

    prompts = {name: read_template(entry) for name, entry in load("prompts").items()}
    for name, template in prompts.items():
        _check_template(template.text, f"{config / 'prompts.yaml'}: {name}")
    benchmarks = {
        name: Benchmark(
            name, entry["label"], entry["protocol"], _source(entry, BENCHMARK_SOURCES), entry
        )
        for name, entry in load("benchmarks").items()
    }
    models = {
        name: Model(
            name=name,
            label=entry["label"],
            family=entry["family"],
            role=entry["role"],
            template=entry["template"],
            base=entry.get("base"),
            source=_source(entry, MODEL_SOURCES),
            settings=entry,
        )
        for name, entry in load("models").items()
    }
    for benchmark in benchmarks.values():
        if benchmark.source == "generate":
            place = f"{config / 'benchmarks.yaml'}: {benchmark.name}.generate.operands"
            _check_range(benchmark.settings["generate"]["operands"], place)
    for model in models.values():
        _check_model(model, models, benchmarks, prompts, config / "models.yaml")
    return Catalogue(models, benchmarks, prompts)


def _source(entry: dict[str, Any], sources: tuple[str, ...]) -> str:
    return next(source for source in sources if source in entry)


def _check_template(template: str, place: str) -> None:
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    except ValueError as error:
        fields = [str(error)]
    if set(fields) != {"question"}:
        raise BoundaryError(
            f"{place}: found the placeholders {fields}; expected {{question}} and no other. Write "
            "{{ and }} for braces of the text, as in \\boxed{{}}"
        )


def _check_model(
    model: Model,
    models: dict[str, Model],
    benchmarks: dict[str, Benchmark],
    prompts: dict[str, Template],
    file: Path,
) -> None:
    place = f"{file}: {model.name}"
    if model.template not in prompts:
        raise BoundaryError(
            f"{place}.template: {unknown_name('template', model.template, prompts)}"
        )
    if model.base is not None and model.base not in models:
        raise BoundaryError(f"{place}.base: {unknown_name('model', model.base, models)}")
    if model.base is not None and model.role == "reference":
        raise BoundaryError(
            f"{place}: found `base` beside the role reference, which nothing was trained from; leave it out"
        )
    if model.source not in LOADED and (given := {*ENGINE_KEYS, *SCORE_KEYS} & set(model.settings)):
        why = "an endpoint, whose server decides on that"
        raise BoundaryError(
            f"{place}: found {', '.join(sorted(given))} beside "
            f"{why if model.source == 'endpoint' else f'{model.source}, of which nothing is drawn here'}; "
            "leave it out"
        )
    if model.source == "rlvr":
        _check_rlvr(model, models, benchmarks, f"{place}")
    if model.source in IMPORTED:
        _check_imports(model, benchmarks, f"{place}.{model.source}")
    if model.source == "pretrain":
        _check_pretraining(model.settings["pretrain"], f"{place}.pretrain")
    ancestors = [model]
    while ancestors[-1].base in models:  # an unknown base is its own model's mistake
        ancestors.append(models[ancestors[-1].base])
        if ancestors[-1] in ancestors[:-1]:
            circle = " <- ".join(ancestor.name for ancestor in ancestors)
            raise BoundaryError(f"{place}.base: {circle} is a circle")


def _check_imports(model: Model, benchmarks: dict[str, Benchmark], place: str) -> None:
    """What the schema cannot say of what was made elsewhere."""
    for name, entry in model.settings[model.source].items():
        if name not in benchmarks:
            raise BoundaryError(f"{place}: {unknown_name('benchmark', name, benchmarks)}")
        for key, only in (("name", "counts"), ("filter", "lm_eval")):
            if key in entry and entry["format"] != only:
                raise BoundaryError(
                    f"{place}.{name}: found {key!r}, which only files of the format "
                    f"{only} need; leave it out"
                )


def _check_rlvr(
    model: Model, models: dict[str, Model], benchmarks: dict[str, Benchmark], entry: str
) -> None:
    """What the schema cannot say of a recipe."""
    recipe, place = model.settings["rlvr"], f"{entry}.rlvr"
    if "training" in model.settings:
        raise BoundaryError(
            f"{entry}: found `training` beside its recipe, which says it; leave it out"
        )
    base = models.get(model.base or "")
    if base is not None and base.source not in LOADED:
        raise BoundaryError(
            f"{entry}.base: {base.name} has no weights here, only {base.source}; name a model "
            "that can be loaded"
        )
    name = recipe["problems"]
    if name not in benchmarks:
        raise BoundaryError(f"{place}.problems: {unknown_name('benchmark', name, benchmarks)}")
    if benchmarks[name].source == "counts_only":
        raise BoundaryError(
            f"{place}.problems: {name!r} is known from counts alone; nothing can be posed"
        )
    if benchmarks[name].settings.get("generate", {}).get("partition") == "test":
        raise BoundaryError(
            f"{place}.problems: {name!r} holds test problems; train on one of the partition train"
        )
    updates, problems = recipe["updates_per_step"], recipe["problems_per_step"]
    if updates > problems:
        raise BoundaryError(
            f"{place}.updates_per_step: found {updates}; expected at most problems_per_step, {problems}"
        )


def _check_pretraining(recipe: dict[str, Any], place: str) -> None:
    """What the schema cannot say of a recipe."""
    habits = recipe["corpus"]["habits"]
    if not math.isclose(sum(habits.values()), 1):
        raise BoundaryError(f"{place}.corpus.habits: found {habits}; expected shares that sum to 1")
    _check_range(recipe["corpus"]["operands"], f"{place}.corpus.operands")
    size, heads = (recipe["architecture"][key] for key in ("hidden_size", "heads"))
    if size % (2 * heads):
        raise BoundaryError(
            f"{place}.architecture: found hidden_size {size} and {heads} heads; expected heads of an even "
            "number of dimensions"
        )


def _check_range(operands: list[int], place: str) -> None:
    if operands[0] > operands[1]:
        raise BoundaryError(
            f"{place}: found {operands}; expected the smallest number, then the largest"
        )
