"""Which cell, or pair of cells, a row of a gathered table is of."""

from __future__ import annotations

import pandas as pd

from boundary.exhibits import wording
from boundary.verification.verifiers import VERIFIERS

CELL = ["benchmark", "model", "sampling", "n", "verifier"]
BASE = ["base", "base_sampling", "base_n"]


def identity(table: pd.DataFrame) -> list[str]:
    """Columns of a gathered table that tell its cells, or its pairs, apart."""
    return [*CELL, *BASE] if "base" in table else CELL


def ends_of_curves(table: pd.DataFrame) -> pd.DataFrame:
    """For each cell or pair, in order, its last ``k``, and the n samples ``wanted``.

    They differ where a problem has fewer judged samples.
    """
    ends = table.groupby(identity(table), sort=False)["k"].max().reset_index()
    wanted = ends[["n", "base_n"] if "base" in ends else ["n"]].min(axis=1)
    return ends.assign(wanted=wanted)


def tell_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` of a table for people, without those columns of their identity that need no saying.

    The verifier is left out where it is the study's own throughout, and the base's sampling and n where
    they are the model's.
    """
    shown = rows.assign(verifier=rows["verifier"].map(wording.verifier_name))
    granted = ["verifier"] if rows["verifier"].eq(VERIFIERS[0]).all() else []
    granted += [
        of_base
        for of_base, of_model in (("base_sampling", "sampling"), ("base_n", "n"))
        if of_base in rows and rows[of_base].eq(rows[of_model]).all()
    ]
    names = {"base_sampling": "base's sampling", "base_n": "base's n"}
    return shown.drop(columns=granted).rename(columns=names)
