"""Where a cell's analysis and sheets and a model's training log lie, below a study's results."""

from __future__ import annotations

from boundary.exhibits.kinds import STATISTICS
from boundary.study.study import Cell


def counts_path(cell: Cell) -> str:
    """The cell's count records."""
    return f"{_folder(cell)}/{cell.verifier}/counts.parquet"


def statistic_path(cell: Cell, statistic: str) -> str:
    """A statistic of a cell. What verdicts decide is in the folder of their verifier."""
    verifier = f"{cell.verifier}/" if STATISTICS[statistic].judged else ""
    return f"{_folder(cell)}/{verifier}{statistic}.csv"


def pair_path(cell: Cell, other: Cell, statistic: str) -> str:
    """A statistic of a cell against another on the same problems."""
    against = f"against/{other.model}/{other.sampling}/n{other.n}"
    return f"{_folder(cell)}/{cell.verifier}/{against}/{statistic}.csv"


def sheet_path(sheet: str, cell: Cell) -> str:
    """What tells how to fill in the sheet of a cell, which lies beside it."""
    return f"{_folder(cell, f'sheets/{sheet}')}/{cell.verifier}/instructions.txt"


def guessable_path(filter: str, benchmark: str) -> str:
    """Which problems of a benchmark a filter leaves out."""
    return f"analyse/filters/{filter}/{benchmark}.csv"


def metrics_path(model: str) -> str:
    """The log of a model that is trained here."""
    return f"models/{model}/metrics.csv"


def scores_path(model: str, benchmark: str, sampling: str, subset: str, scorer: str) -> str:
    """The score records of a subset of a cell's responses, whatever its n."""
    return f"score/{model}/{benchmark}/{sampling}/{subset}/{scorer}.parquet"


def entropy_path(cell: Cell, subset: str) -> str:
    """The output entropy of the cell's model."""
    return f"{_scored(cell, subset, cell.model)}/entropy.csv"


def perplexity_path(cell: Cell, subset: str, scorer: str) -> str:
    """The perplexity of each of the responses, with its verdict."""
    return f"{_scored(cell, subset, scorer)}/{cell.verifier}/perplexity.csv"


def perplexity_quantile_path(cell: Cell, base: Cell, subset: str) -> str:
    """Where the cell's perplexities under its base lie among those of the base's own responses."""
    folder = f"{_scored(cell, subset, base.model)}/{cell.verifier}/against/{base.sampling}"
    return f"{folder}/perplexity_quantile.csv"


def _scored(cell: Cell, subset: str, scorer: str) -> str:
    return f"analyse/{cell.model}/{cell.benchmark}/{cell.sampling}/scored/{subset}/{scorer}"


def _folder(cell: Cell, stage: str = "analyse") -> str:
    return f"{stage}/{cell.model}/{cell.benchmark}/{cell.sampling}/n{cell.n}"
