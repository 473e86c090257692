"""Where the files of a cell's analysis lie, below a study's results."""

from __future__ import annotations

from boundary.exhibits import OF_SAMPLES
from boundary.study.study import Cell, Exhibit


def counts_path(cell: Cell) -> str:
    """The cell's count records."""
    return f"{_folder(cell)}/{cell.verifier}/counts.parquet"


def statistic_path(cell: Cell, statistic: str) -> str:
    """A statistic of a cell. What verdicts decide is in the folder of their verifier."""
    verifier = "" if statistic in OF_SAMPLES else f"{cell.verifier}/"
    return f"{_folder(cell)}/{verifier}{statistic}.csv"


def pair_path(cell: Cell, other: Cell, statistic: str) -> str:
    """A statistic of a cell against another on the same problems."""
    against = f"against/{other.model}/{other.sampling}/n{other.n}"
    return f"{_folder(cell)}/{cell.verifier}/{against}/{statistic}.csv"


def statistic_paths(exhibit: Exhibit) -> list[str]:
    """The statistic of each of an exhibit's cells, or of its pairs of cells."""
    if exhibit.pairs:
        return [pair_path(*pair, exhibit.statistic) for pair in exhibit.pairs]
    return [statistic_path(cell, exhibit.statistic) for cell in exhibit.cells]


def _folder(cell: Cell) -> str:
    return f"analyse/{cell.model}/{cell.benchmark}/{cell.sampling}/n{cell.n}"
