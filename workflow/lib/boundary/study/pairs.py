"""Which cells of an exhibit are compared with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boundary.errors import BoundaryError
from boundary.study.model import Model
from boundary.study.study import Cell


def base_pairs(
    cells: Sequence[Cell], models: Mapping[str, Model], place: str
) -> list[tuple[Cell, Cell]]:
    """Each cell with that of its model's base: same benchmark, same verifier and filter.

    The base is the nearest ancestor that has role base. Its cell is the one of the same sampling, or the
    only one there is. Raises BoundaryError where a base has no cell, several that fit, or where no cell
    has a base.
    """
    pairs = []
    for cell in cells:
        base = base_of(cell.model, models)
        if base is None:
            continue
        found = [
            other
            for other in cells
            if (other.model, other.benchmark, other.verifier)
            == (base, cell.benchmark, cell.verifier)
        ]
        alike = [other for other in found if other.sampling == cell.sampling]
        fitting = [other for other in alike if other.n == cell.n] or alike or found
        if len(fitting) != 1:
            many = "several cells" if fitting else "no cell"
            raise BoundaryError(
                f"{place}: {cell.model} on {cell.benchmark} is compared with its base, and {base} "
                f"has {many} there; name it once, with the same benchmark and verifier"
            )
        pairs.append((cell, fitting[0]))
    if not pairs:
        raise BoundaryError(
            f"{place}: models are compared with their bases here, and none of these has one; name a model "
            "with a `base` in config/models.yaml, and its base"
        )
    return pairs


def reference_cells(
    cells: Sequence[Cell], benchmark: str, models: Mapping[str, Model]
) -> list[Cell]:
    """Cells of reference responses to a benchmark: the paper's Y_GT."""
    return [
        cell
        for cell in cells
        if cell.benchmark == benchmark and models[cell.model].role == "reference"
    ]


def base_of(name: str, models: Mapping[str, Model]) -> str | None:
    """The nearest ancestor of a model whose role is base; None of a base and where there is none."""
    if models[name].role == "base":
        return None
    ancestor = models[name].base
    while ancestor is not None and models[ancestor].role != "base":
        ancestor = models[ancestor].base
    return ancestor
