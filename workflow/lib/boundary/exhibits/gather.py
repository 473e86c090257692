"""Gathering a statistic's tables of several cells into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd


def gather_cells(paths: Sequence[Path], cells: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One table of the cells' CSV files, each row with its cell's description before it.

    ``cells`` describes each of ``paths``: model, benchmark, sampling, n, verifier, label, family,
    role, benchmark_label.
    """
    tables = []
    for path, cell in zip(paths, cells, strict=True):
        table = pd.read_csv(path, dtype={"bin": str})
        for at, (name, value) in enumerate(cell.items()):
            table.insert(at, name, value)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
