"""The catalogues: models, benchmarks and prompt templates by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from boundary.errors import BoundaryError
from boundary.sampling.prompts import Template, read_template
from boundary.study.benchmark import Benchmark, read_benchmark
from boundary.study.documents import load_document
from boundary.study.model import (
    MODEL_SOURCES,
    UNAVAILABLE,
    Model,
    described_training,
    recipe_of,
)
from boundary.study.model_checks import check_model


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
    catalogue = Catalogue(models, benchmarks, prompts)
    for model in models.values():
        check_model(model, catalogue, config / "models.yaml")
    return catalogue


def _with_training(entry: dict[str, Any], entries: dict[str, Any]) -> dict[str, Any]:
    """The entry; of a step of another's training with what is known of that, and what it says of itself."""
    if "step_of" not in entry:
        return entry
    whole = recipe_of(entries.get(entry["step_of"]["model"], {}))
    known = described_training(whole) if whole else {}
    own = entry.get("training", {})
    return entry | {"training": known | {"steps": entry["step_of"]["step"]} | own}


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
