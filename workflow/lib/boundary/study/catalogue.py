"""The catalogues: models, benchmarks and prompt templates by name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from string import Formatter
from typing import Any

from boundary.errors import BoundaryError, unknown_name
from boundary.sampling.engine import EngineSettings
from boundary.sampling.prompts import Template, read_template
from boundary.study.benchmark import Benchmark, read_benchmark
from boundary.study.documents import load_document
from boundary.study.model import (
    IMPORTED,
    LOADED,
    MODEL_SOURCES,
    REWARDED,
    UNAVAILABLE,
    Model,
    described_training,
    recipe_of,
)
from boundary.study.recipes import CHECKS, check_corpus, check_pretraining
from boundary.verification.verifiers import DOMAINS

ENGINE_KEYS = ("engine", *(field.name for field in fields(EngineSettings)))
SCORE_KEYS = ("score_engine", "score_megabytes")


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

    prompts = {
        name: read_template(entry, f"{config / 'prompts.yaml'}: {name}")
        for name, entry in load("prompts").items()
    }
    for name, template in prompts.items():
        _check_template(template.text, f"{config / 'prompts.yaml'}: {name}")
    benchmarks = {
        name: read_benchmark(name, entry, f"{config / 'benchmarks.yaml'}: {name}")
        for name, entry in load("benchmarks").items()
    }
    entries = load("models")
    models = {
        name: Model(
            name=name,
            label=entry["label"],
            family=entry["family"],
            role=entry["role"],
            template=entry["template"],
            base=entry.get("base"),
            source=_source(entry, (*MODEL_SOURCES, UNAVAILABLE)),
            settings=_with_training(entry, entries),
        )
        for name, entry in entries.items()
    }
    for model in models.values():
        _check_model(model, models, benchmarks, prompts, config / "models.yaml")
    return Catalogue(models, benchmarks, prompts)


def _with_training(entry: dict[str, Any], entries: dict[str, Any]) -> dict[str, Any]:
    """The entry; of a step of another's training with what is known of that."""
    if "step_of" not in entry:
        return entry
    whole = recipe_of(entries.get(entry["step_of"]["model"], {}))
    known = described_training(whole) if whole else {}
    return entry | {"training": known | {"steps": entry["step_of"]["step"]}}


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
    given = {*ENGINE_KEYS, *SCORE_KEYS} & set(model.settings)
    if given and model.source not in (*LOADED, UNAVAILABLE):
        why = "an endpoint, whose server decides on that"
        raise BoundaryError(
            f"{place}: found {', '.join(sorted(given))} beside "
            f"{why if model.source == 'endpoint' else f'{model.source}, of which nothing is drawn here'}; "
            "leave it out"
        )
    if model.source in (*REWARDED, "finetune"):
        _check_base(model, models, place)
    if model.source in REWARDED:
        _check_rewarded(model, benchmarks, place)
    if model.source == "finetune":
        _check_finetuning(model, models, benchmarks, f"{place}.finetune")
    if model.source == "step_of":
        _check_step(model, models, place)
    if model.source in IMPORTED:
        _check_imports(model, benchmarks, f"{place}.{model.source}")
    if model.source == "pretrain":
        check_pretraining(model.settings["pretrain"], f"{place}.pretrain")
    if circle := _circle([model.name], models):
        raise BoundaryError(f"{place}: it would be trained from itself: {' <- '.join(circle)}")


def _circle(path: list[str], models: dict[str, Model]) -> list[str] | None:
    """Names from a model through what it is trained from back to it, if that is possible."""
    for name in models[path[-1]].trained_from:
        if name in path:
            return [*path[path.index(name) :], name]
        # An unknown one is its own model's mistake.
        if name in models and (circle := _circle([*path, name], models)):
            return circle
    return None


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


def _check_base(model: Model, models: dict[str, Model], entry: str) -> None:
    """A model that is trained here needs the weights of its base."""
    base = models.get(model.base or "")
    if base is not None and base.source not in LOADED:
        raise BoundaryError(f"{entry}.base: {_no_weights(base)}")


def _no_weights(model: Model) -> str:
    loaded = ", ".join(LOADED)
    return (
        f"{model.name} has no weights here; name a model that can be loaded, from one of {loaded}"
    )


def _check_finetuning(
    model: Model, models: dict[str, Model], benchmarks: dict[str, Benchmark], place: str
) -> None:
    """What the schema cannot say of a ``finetune`` recipe."""
    taught = model.teacher
    if taught is None:
        check_corpus(model.settings["finetune"]["corpus"], f"{place}.corpus")
        return
    name, place = taught["model"], f"{place}.teacher"
    if name not in models:
        raise BoundaryError(f"{place}.model: {unknown_name('model', name, models)}")
    teacher = models[name]
    if teacher.source not in LOADED:
        raise BoundaryError(f"{place}.model: {_no_weights(teacher)}")
    if teacher.template != model.template:
        raise BoundaryError(
            f"{place}.model: {name} answers prompts of the template {teacher.template}; expected those of "
            f"{model.template}, which {model.name} learns to answer"
        )
    _check_problems(taught["problems"], benchmarks, place)


def _check_rewarded(model: Model, benchmarks: dict[str, Benchmark], entry: str) -> None:
    """What the schema cannot say of a recipe on verified rewards."""
    recipe, place = model.settings[model.source], f"{entry}.{model.source}"
    if "training" in model.settings:
        raise BoundaryError(
            f"{entry}: found `training` beside its recipe, which says it; leave it out"
        )
    _check_problems(recipe["problems"], benchmarks, place)
    CHECKS[model.source](recipe, place)


def _check_problems(name: str, benchmarks: dict[str, Benchmark], place: str) -> None:
    """See that a training can pose the problems of a benchmark, and verify responses to them."""
    if name not in benchmarks:
        raise BoundaryError(f"{place}.problems: {unknown_name('benchmark', name, benchmarks)}")
    if benchmarks[name].source == "counts_only":
        raise BoundaryError(
            f"{place}.problems: {name!r} is known from counts alone; nothing can be posed"
        )
    if benchmarks[name].domain not in DOMAINS:
        raise BoundaryError(
            f"{place}.problems: {name!r} has problems of domain {benchmarks[name].domain}, which are not "
            f"verified yet; train on one of {', '.join(DOMAINS)}"
        )
    if benchmarks[name].settings.get("generate", {}).get("partition") == "test":
        raise BoundaryError(
            f"{place}.problems: {name!r} holds test problems; train on one of the partition train"
        )


def _check_step(model: Model, models: dict[str, Model], entry: str) -> None:
    """What the schema cannot say of a step of another model's training."""
    name, step = (model.settings["step_of"][key] for key in ("model", "step"))
    trained = {other: model for other, model in models.items() if model.source in REWARDED}
    if name not in trained:
        raise BoundaryError(
            f"{entry}.step_of.model: {unknown_name('model with an rlvr or verl recipe', name, trained)}"
        )
    whole = trained[name]
    recipe = whole.settings[whole.source]
    if step >= recipe["steps"]:
        raise BoundaryError(
            f"{entry}.step_of.step: found {step}; expected fewer than the {recipe['steps']} steps of {name}"
        )
    if step % recipe.get("save_every", 1):
        raise BoundaryError(
            f"{entry}.step_of.step: found {step}; expected a multiple of the save_every of {name}, "
            f"{recipe['save_every']}, at which its checkpoints are"
        )
    if (model.base, model.template) != (whole.base, whole.template):
        raise BoundaryError(
            f"{entry}: found base {model.base} and template {model.template}; expected those of {name}, "
            f"{whole.base} and {whole.template}"
        )
