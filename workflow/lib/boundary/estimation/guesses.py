"""Problems that are answered now and then without reasoning, and so may be solved by guessing."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd

from boundary.errors import BoundaryError
from boundary.estimation.unbiased import check_judged


def find_guessable(counts: pd.DataFrame, below: float) -> pd.DataFrame:
    """Tell of each problem of a direct-answer cell's count records whether it is guessable.

    Columns: problem_id, n, correct, rate, guessable. Guessable is a problem that is answered at a rate
    above 0 and below ``below`` (the paper, fig. 12: 5 %); one answered more often is easy and not guessed.
    Compared exactly. Raises BoundaryError naming a problem of which no sample was judged.
    """
    check_judged(counts)
    limit = Fraction(str(below))
    rates = [Fraction(int(c), int(n)) for n, c in zip(counts["n"], counts["correct"], strict=True)]
    return counts.assign(
        rate=[float(rate) for rate in rates], guessable=[0 < rate < limit for rate in rates]
    )


def read_guessable(path: Path) -> pd.DataFrame:
    """Read the CSV of what ``find_guessable`` told."""
    return pd.read_csv(path, dtype={"problem_id": str}, keep_default_na=False)


def leave_out(counts: pd.DataFrame, guessable: pd.DataFrame) -> pd.DataFrame:
    """Count records without the problems that ``find_guessable`` calls guessable.

    Raises BoundaryError naming a problem that it does not tell of, and if nothing is left.
    """
    told = guessable.set_index("problem_id")["guessable"]
    unknown = counts[~counts["problem_id"].isin(told.index)]
    if len(unknown):
        raise BoundaryError(
            f"problem {unknown.iloc[0]['problem_id']}: is not among those whose guesses were counted"
        )
    kept = counts[~told.loc[counts["problem_id"]].to_numpy(bool)]
    if kept.empty:
        raise BoundaryError("every problem is guessed now and then, so that none is left")
    return kept.reset_index(drop=True)
