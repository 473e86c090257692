"""Gathering a statistic's tables of several cells, or pairs of cells, into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

TEXTS = ("bin", "problem_id")  # "007" is a name, and so is "NA"


def gather_cells(paths: Sequence[Path], cells: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One table of the CSV files of ``cells``, as ``gather_tables`` makes it."""
    return gather_tables([_read(path) for path in paths], cells)


def gather_tables(
    tables: Sequence[pd.DataFrame], cells: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """One table of the cells' statistics, each row with its cell's description before it.

    ``cells`` describes each of ``tables``: model, benchmark, sampling, n, verifier, label, family, role,
    sampling_label, benchmark_label; of a pair also base, base_label, base_sampling, base_sampling_label,
    base_n; and what else boundary.study.sources tells of a kind's.
    """
    described = []
    for table, cell in zip(tables, cells, strict=True):
        table = table.copy()
        for at, (name, value) in enumerate(cell.items()):
            table.insert(at, name, value)
        described.append(table)
    return pd.concat(described, ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    columns = pd.read_csv(path, nrows=0).columns
    missing = {name: [""] for name in columns if name not in TEXTS}
    return pd.read_csv(
        path, dtype=dict.fromkeys(TEXTS, "str"), keep_default_na=False, na_values=missing
    )
