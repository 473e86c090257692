"""What stands in the way of an exhibit: models and logs that nobody has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from boundary.errors import BoundaryError
from boundary.study.model import REWARDED, Model
from boundary.study.pairs import base_of
from boundary.study.study import Exhibit, Study


def obstacles(study: Study, exhibit: Exhibit) -> list[str]:
    """Why an exhibit cannot be made, with the way out, one text for each thing; empty if it can."""
    models = study.catalogue.models
    needed = [models[name] for name in dict.fromkeys(models_of_cells(study, exhibit))]
    return [
        *(_of_model(model) for model in needed if not model.available),
        *(
            _of_checkpoint(model)
            for model in needed
            if model.source == "path" and not _checkpoint(model).is_file()
        ),
        *(
            _of_training(models[name])
            for name in exhibit.models
            if models[name].source not in REWARDED and models[name].training_log is None
        ),
    ]


def check_obstacles(study: Study, exhibit: Exhibit) -> None:
    """Raises BoundaryError with all of them, if there are any."""
    if found := obstacles(study, exhibit):
        raise BoundaryError("\n  ".join([f"{exhibit.name} cannot be made:", *found]))


def models_of_cells(study: Study, exhibit: Exhibit) -> Iterator[str]:
    """Models of its cells, of their filters, and the bases whose entropies are matched."""
    for cell in exhibit.cells:
        yield cell.model
        if cell.filter:
            yield study.filters[cell.filter].model
        if study.sampling[cell.sampling].matching is not None:
            base = base_of(cell.model, study.catalogue.models)
            assert base is not None  # boundary.study.load sees to that
            yield base


def _of_model(model: Model) -> str:
    return (
        f"{model.name} is not available: {model.settings['reason']}. An own checkpoint takes its place by "
        "a line `path: FOLDER` in its entry of config/models.yaml"
    )


def _checkpoint(model: Model) -> Path:
    """The file that every checkpoint in Hugging Face format has."""
    return Path(model.settings["path"]) / "config.json"


def _of_checkpoint(model: Model) -> str:
    return (
        f"{model.name}: there is no {_checkpoint(model)}; its `path` in config/models.yaml is the folder "
        "of a checkpoint in Hugging Face format, from where Snakemake runs"
    )


def _of_training(model: Model) -> str:
    return (
        f"{model.name} has no log of a training on verified rewards here. Its entry "
        "in config/models.yaml can name one: training: {metrics: FILE.csv}, with the columns step, "
        "reward, response_length and entropy"
    )
