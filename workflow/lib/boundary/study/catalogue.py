"""The catalogues: models, benchmarks and prompt templates by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from boundary.errors import BoundaryError, unknown_name
from boundary.study.documents import load_document

Role = Literal["base", "rlvr", "instruct", "distilled"]
MODEL_SOURCES = ("pretrain", "rlvr", "hub", "path")
BENCHMARK_SOURCES = ("generate", "path")


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
    def is_trained(self) -> bool:
        """Whether the workflow trains it."""
        return self.source in ("pretrain", "rlvr")

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


@dataclass(frozen=True)
class Catalogue:
    """Everything that a study can name."""

    models: dict[str, Model]
    benchmarks: dict[str, Benchmark]
    prompts: dict[str, str]


def load_catalogue(config: Path, schemas: Path) -> Catalogue:
    """Read models.yaml, benchmarks.yaml and prompts.yaml of the folder ``config``.

    Raises BoundaryError where an entry names another that does not exist.
    """

    def load(name: str) -> dict[str, Any]:
        return load_document(config / f"{name}.yaml", schemas / f"{name}.schema.yaml")

    prompts = load("prompts")
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
    for model in models.values():
        _check_model(model, models, benchmarks, prompts, config / "models.yaml")
    return Catalogue(models, benchmarks, prompts)


def _source(entry: dict[str, Any], sources: tuple[str, ...]) -> str:
    return next(source for source in sources if source in entry)


def _check_model(
    model: Model,
    models: dict[str, Model],
    benchmarks: dict[str, Benchmark],
    prompts: dict[str, str],
    file: Path,
) -> None:
    place = f"{file}: {model.name}"
    if model.template not in prompts:
        raise BoundaryError(
            f"{place}.template: {unknown_name('template', model.template, prompts)}"
        )
    if model.base is not None and model.base not in models:
        raise BoundaryError(f"{place}.base: {unknown_name('model', model.base, models)}")
    for name in model.training_benchmarks:
        if name not in benchmarks:
            raise BoundaryError(
                f"{place}.rlvr.problems: {unknown_name('benchmark', name, benchmarks)}"
            )
    ancestors = [model.name]
    while (base := models[ancestors[-1]].base) is not None:
        if base in ancestors:
            raise BoundaryError(f"{place}.base: {' <- '.join([*ancestors, base])} is a circle")
        ancestors.append(base)
