"""What a kind of exhibit can say of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boundary.errors import BoundaryError
from boundary.exhibits.kinds import FIGURES, TABLES, Kind
from boundary.study.benchmark import Benchmark
from boundary.study.catalogue import Catalogue
from boundary.study.model import IMPORTED, Model, learned_from_texts
from boundary.study.study import Cell
from boundary.verification.verifiers import VERIFIERS, verifier_module


def check_shown(name: str, kind: Kind, entry: Mapping[str, Any], place: str) -> None:
    """See that an exhibit's ``entry`` names what its kind shows: cells, or models by themselves."""
    cells = f"{name} is shown of cells"
    models = f"{name} is shown of models by themselves, and of no cells"
    needed, other, why = (
        ("models", "cells", models) if kind.of_models else ("cells", "models", cells)
    )
    if other in entry:
        raise BoundaryError(f"{place}.{other}: {why}; name its `{needed}` in place of `{other}`")
    if needed not in entry:
        raise BoundaryError(f"{place}: missing the key {needed!r}. {why}")


def check_cells(
    name: str, kind: Kind, cells: Sequence[Cell], catalogue: Catalogue, place: str
) -> None:
    """See that a kind can be shown of every cell. Raises BoundaryError with the way out."""
    for cell in cells:
        _check_verifier(name, kind, cell, place)
        check_source(name, kind, cell, catalogue, place)


def _check_verifier(name: str, kind: Kind, cell: Cell, place: str) -> None:
    own = VERIFIERS[0]
    if kind.made_of.second_opinion and cell.judge == own:
        raise BoundaryError(
            f"{place}: {name} compares second opinions with {own}, the study's own verifier, and not "
            f"{own} with itself; name the second opinions: verifiers: [{', '.join(VERIFIERS[1:])}]"
        )
    if not kind.made_of.judged and cell.judge != own:
        raise BoundaryError(
            f"{place}: found the verifier {cell.judge!r}, and {name} are the same under every "
            "verifier; leave `verifiers` out"
        )
    if cell.filter and not kind.made_of.filterable:
        raise BoundaryError(
            f"{place}: found the filter {cell.filter!r}, and {name} is shown of all problems; leave it out"
        )


def check_domain(name: str, kind: Kind, cell: Cell, benchmark: Benchmark, place: str) -> None:
    """A majority of programs means nothing, and second opinions on them there are none."""
    if benchmark.source == "counts_only":
        return
    if benchmark.domain == "code" and kind.statistic == "majority_at_k":
        raise BoundaryError(
            f"{place}: {name} is of the most frequent answer, and the answers of {benchmark.name} are "
            "programs, which differ in their text without doing anything else; leave the cell out"
        )
    try:
        verifier_module(cell.judge, benchmark.domain)
    except BoundaryError as error:
        raise BoundaryError(f"{place}: {error}; leave the others out of `verifiers`") from error


def _check_sight(model: Model, benchmark: Benchmark, catalogue: Catalogue, place: str) -> None:
    """See that a model can be shown pictures, as far as its entry tells."""
    pictures = f"{place}: the problems of {benchmark.name} have pictures, and {model.name}"
    if model.source == "endpoint":
        raise BoundaryError(
            f"{pictures} is an endpoint's, which is sent texts alone; sample a model that is loaded here"
        )
    if learned_from_texts(model, catalogue.models):
        raise BoundaryError(
            f"{pictures} was pre-trained here on texts, and reads none; take one whose corpus is of the "
            "world pictures, or a vision-language model"
        )


def check_source(name: str, kind: Kind, cell: Cell, catalogue: Catalogue, place: str) -> None:
    """What was made elsewhere must be there, and counts tell nothing of samples and verdicts."""
    model, benchmark = catalogue.models[cell.model], catalogue.benchmarks[cell.benchmark]
    check_domain(name, kind, cell, benchmark, place)
    if model.source in IMPORTED and cell.benchmark not in model.settings[model.source]:
        raise BoundaryError(
            f"{place}: {model.name} has no {model.source} for {cell.benchmark}; its entry in models.yaml "
            f"names {', '.join(model.settings[model.source])}"
        )
    if model.source != "counts":
        if benchmark.source == "counts_only":
            raise BoundaryError(
                f"{place}: {benchmark.name} is known from counts alone, so that {model.name} cannot be "
                "sampled on it; give the benchmark's entry a `path`"
            )
        if benchmark.domain == "visual":
            _check_sight(model, benchmark, catalogue, place)
        return
    if not kind.made_of.from_counts or cell.judge != VERIFIERS[0]:
        kinds = {
            each
            for each, of in [*FIGURES.items(), *TABLES.items()]
            if of.made_of.from_counts and of.scores in ("", "claims")
        }
        raise BoundaryError(
            f"{place}: of {model.name} there are counts alone, which somebody else's verifier made; "
            f"found {name} by {cell.verifier}. Shown of counts can be {', '.join(sorted(kinds))}"
        )
