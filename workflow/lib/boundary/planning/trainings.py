"""Which trainings on GPUs come before what a plan counts. How long they take nobody has measured."""

from __future__ import annotations

from collections.abc import Iterable

from boundary.study.model import Model
from boundary.study.obstacles import models_of_cells
from boundary.study.study import Exhibit, Study


def trainings_on_gpus(study: Study, exhibits: Iterable[Exhibit]) -> list[Model]:
    """The models that some exhibits need, and those that they come from, that are trained here on GPUs."""
    models = study.catalogue.models
    needed: dict[str, Model] = {}
    waiting = [
        name for exhibit in exhibits for name in (*models_of_cells(study, exhibit), *exhibit.models)
    ]
    while waiting:
        name = waiting.pop(0)
        if name not in needed:
            needed[name] = models[name]
            waiting += models[name].trained_from
    return [model for model in needed.values() if model.training_gpus]
