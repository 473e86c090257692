"""What the schema cannot say of an entry of config/models.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.errors import BoundaryError, unknown_name
from boundary.images.placing import PLACEHOLDER
from boundary.sampling.engine import EngineSettings
from boundary.study.model import IMPORTED, LOADED, REWARDED, UNAVAILABLE, Model
from boundary.study.recipes import CHECKS
from boundary.verification.verifiers import DOMAINS, TEXTUAL

if TYPE_CHECKING:
    from boundary.study.catalogue import Catalogue

ENGINE_KEYS = ("engine", *(field.name for field in fields(EngineSettings)))
SCORE_KEYS = ("score_engine", "score_megabytes")


def check_model(model: Model, catalogue: Catalogue, file: Path) -> None:
    """See that what a model's entry names is there and fits. Raises BoundaryError naming the key."""
    models, place = catalogue.models, f"{file}: {model.name}"
    if model.template not in catalogue.prompts:
        known = unknown_name("template", model.template, catalogue.prompts)
        raise BoundaryError(f"{place}.template: {known}")
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
    least, most = (model.settings.get(f"{bound}_pixels") for bound in ("min", "max"))
    if least is not None and most is not None and least > most:
        raise BoundaryError(
            f"{place}: found min_pixels {least} and max_pixels {most}; expected the second to be no less"
        )
    if model.source in (*REWARDED, "finetune"):
        _check_base(model, models, place)
    if model.source in REWARDED:
        _check_rewarded(model, catalogue, place)
    if model.teacher is not None:
        _check_teacher(model, model.teacher, catalogue, f"{place}.finetune.teacher")
    if model.source in (*REWARDED, "finetune"):
        _check_place_for_pictures(model, catalogue, place)
    if model.source == "step_of":
        _check_step(model, models, place)
    if model.source in IMPORTED:
        _check_imports(model, catalogue, f"{place}.{model.source}")
    if model.source in CHECKS:
        CHECKS[model.source](model.settings[model.source], f"{place}.{model.source}")
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


def _check_imports(model: Model, catalogue: Catalogue, place: str) -> None:
    """What the schema cannot say of what was made elsewhere."""
    for name, entry in model.settings[model.source].items():
        if name not in catalogue.benchmarks:
            raise BoundaryError(f"{place}: {unknown_name('benchmark', name, catalogue.benchmarks)}")
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


def _check_place_for_pictures(model: Model, catalogue: Catalogue, place: str) -> None:
    """A template with a picture in it poses nothing to train on without one."""
    benchmarks = [catalogue.benchmarks.get(name) for name in model.training_benchmarks]
    if any(benchmark and benchmark.domain == "visual" for benchmark in benchmarks):
        return
    if catalogue.prompts[model.template].shows_picture:
        raise BoundaryError(
            f"{place}.template: {model.template} shows a picture ({PLACEHOLDER}), and what {model.name} is "
            "trained on has none; name a template that shows none"
        )


def _no_weights(model: Model) -> str:
    loaded = ", ".join(LOADED)
    return (
        f"{model.name} has no weights here; name a model that can be loaded, from one of {loaded}"
    )


def _check_teacher(model: Model, taught: dict[str, Any], catalogue: Catalogue, place: str) -> None:
    """What the schema cannot say of the teacher of a ``finetune`` recipe."""
    name = taught["model"]
    if name not in catalogue.models:
        raise BoundaryError(f"{place}.model: {unknown_name('model', name, catalogue.models)}")
    teacher = catalogue.models[name]
    if teacher.source not in LOADED:
        raise BoundaryError(f"{place}.model: {_no_weights(teacher)}")
    if teacher.template != model.template:
        raise BoundaryError(
            f"{place}.model: {name} answers prompts of the template {teacher.template}; expected those of "
            f"{model.template}, which {model.name} learns to answer"
        )
    _check_problems(taught["problems"], catalogue, place)


def _check_rewarded(model: Model, catalogue: Catalogue, entry: str) -> None:
    """What the schema cannot say of a recipe on verified rewards."""
    if "training" in model.settings:
        raise BoundaryError(
            f"{entry}: found `training` beside its recipe, which says it; leave it out"
        )
    problems = model.settings[model.source]["problems"]
    domains = DOMAINS if model.source == "rlvr" else TEXTUAL
    _check_problems(problems, catalogue, f"{entry}.{model.source}", domains)


def _check_problems(
    name: str, catalogue: Catalogue, place: str, domains: Sequence[str] = TEXTUAL
) -> None:
    """See that a training can pose the problems of a benchmark, of ``domains``, and verify responses."""
    benchmarks = catalogue.benchmarks
    if name not in benchmarks:
        raise BoundaryError(f"{place}.problems: {unknown_name('benchmark', name, benchmarks)}")
    if benchmarks[name].source == "counts_only":
        raise BoundaryError(
            f"{place}.problems: {name!r} is known from counts alone; nothing can be posed"
        )
    if benchmarks[name].domain not in domains:
        raise BoundaryError(
            f"{place}.problems: {name!r} has problems of domain {benchmarks[name].domain}, whose pictures "
            f"are not looked at here; take a benchmark of {' or '.join(domains)}"
        )
    if benchmarks[name].settings.get("generate", {}).get("partition") == "test":
        raise BoundaryError(
            f"{place}.problems: {name!r} holds test problems; train on one of the partition train"
        )


def _check_step(model: Model, models: dict[str, Model], entry: str) -> None:
    """What the schema cannot say of a step of another model's training."""
    name, step = (model.settings["step_of"][key] for key in ("model", "step"))
    trained = {other: model for other, model in models.items() if model.source in REWARDED}
    if name in models and name not in trained:
        raise BoundaryError(
            f"{entry}.step_of.model: {name} is not trained on verified rewards here, and has no steps; a "
            "line `path: FOLDER` in place of `step_of` is a checkpoint of this step"
        )
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
