"""Which rare right answers were come by rightly, and pass@k that counts only those.

A person has judged correct responses to problems that are seldom answered (boundary.sheets.chains).
What is not judged yet, or unclear, is neither valid nor invalid: where it matters there are two curves, one
that takes all of it for invalid and one that takes all of it for valid. Section 3.1 of the paper and its
appendix give the first table; the curves are what it implies for pass@k.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from boundary.estimation.intervals import score_interval
from boundary.estimation.unbiased import pass_at_k, powers_of_two

STATES = ["valid", "invalid", "unclear", "open"]


class ChainEstimates(NamedTuple):
    """Tables of a sheet's results, as estimate_chains describes them."""

    problems: pd.DataFrame
    pass_at_k: pd.DataFrame


def estimate_chains(rows: pd.DataFrame, level: float) -> ChainEstimates:
    """What the checked problems come to, and pass@k of all problems with invalid chains counted as wrong.

    ``rows`` has the columns id (null for a problem that is not checked, which has one row), problem_id, n
    and correct (of the problem), samples (that gave the text) and chain (valid, invalid, unclear; else
    not judged yet).

    problems: problem_id, n, correct, then how many of these samples are valid, invalid, unclear and open,
    and has_valid_chain: yes; no, where all are invalid; else open. pass_at_k: k, pass_at_k (as the verifier
    counts), corrected_least (unclear and open taken for invalid), corrected_most (for valid), low and high:
    the low end of the score interval of the one and the high end of the other's.

    The problems that are not checked keep their counts. k ends at the least number of judged samples.
    """
    checked = summarise_problems(rows[rows["id"].notna()])
    counts = rows.drop_duplicates("problem_id").set_index("problem_id")[["n", "correct"]]
    states = checked.set_index("problem_id")[STATES].reindex(counts.index, fill_value=0)
    most = counts["correct"] - states["invalid"]
    least = most - states["unclear"] - states["open"]
    ks = powers_of_two(int(counts["n"].min()))
    counted, lower, upper = (
        pass_at_k(counts["n"], correct, ks) for correct in (counts["correct"], least, most)
    )
    low, high = score_interval(np.concatenate([lower, upper], axis=1), level)
    curve = pd.DataFrame(
        {
            "k": ks,
            "pass_at_k": counted.mean(axis=0),
            "corrected_least": lower.mean(axis=0),
            "corrected_most": upper.mean(axis=0),
            "low": low[: len(ks)],
            "high": high[len(ks) :],
        }
    )
    return ChainEstimates(checked, curve)


def summarise_problems(cards: pd.DataFrame) -> pd.DataFrame:
    """A row for each problem of ``cards``, in their order; columns as in estimate_chains."""
    state = cards["chain"].where(cards["chain"].isin(STATES), "open")
    tallies = cards.pivot_table(
        index=["problem_id", "n", "correct"],
        columns=state,
        values="samples",
        aggfunc="sum",
        fill_value=0,
        sort=False,
    )
    table = tallies.reindex(columns=STATES, fill_value=0).astype(int).reset_index()
    table.columns.name = None
    none = table["invalid"] == table["correct"]
    solved = np.select([table["valid"] > 0, none], ["yes", "no"], default="open")
    return table.assign(has_valid_chain=solved)
