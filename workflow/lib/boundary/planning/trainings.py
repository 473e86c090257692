"""Which trainings on GPUs come before what a plan counts. How long they take nobody has measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from boundary.study.model import Model
from boundary.study.study import Exhibit


def trainings_on_gpus(exhibits: Iterable[Exhibit], models: Mapping[str, Model]) -> list[Model]:
    """The models of some exhibits, and those that they come from, that are trained here on GPUs."""
    needed: dict[str, Model] = {}
    waiting = [
        name
        for exhibit in exhibits
        for name in (*(cell.model for cell in exhibit.cells), *exhibit.models)
    ]
    while waiting:
        name = waiting.pop(0)
        if name not in needed:
            needed[name] = models[name]
            waiting += models[name].trained_from
    return [model for model in needed.values() if model.training_gpus]
