"""Counts as people exchange them: a CSV with one row for every model and problem."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

from boundary.data.atomic import atomic_path
from boundary.errors import BoundaryError

COLUMNS = ("model", "problem", "n", "correct")
LARGEST = 2**31 - 1  # what a count record can hold
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)


def read_counts(path: Path) -> pd.DataFrame:
    """Counts in the file's order: model (str), problem_id (str, "007" stays), n and correct (int64).

    The index, ``row``, numbers them as spreadsheets do.

    The file is UTF-8 with commas between the cells and has the columns model, problem, n (samples that
    were judged) and correct (of these), in any order; other columns and blank rows are passed over.

    Raises BoundaryError naming the file and the row, as spreadsheets number them (the header is row 1),
    where a cell is not what it should be, or a model has a problem twice.
    """
    cells = _read_cells(path)
    header = [name.strip() for name in cells.iloc[0]]
    for name in COLUMNS:
        if header.count(name) != 1:
            wrong = "stands twice" if name in header else "is missing"
            raise BoundaryError(
                f"{path}, row 1: the column {name!r} {wrong}; found {', '.join(map(repr, header))}. A "
                f"counts file begins with the names {','.join(COLUMNS)}, with commas between them"
            )
    # The index is the row's number, whichever rows are left; blank ones say nothing.
    cells = cells.set_axis(cells.index + 1, axis=0).iloc[1:]
    rows = cells[[header.index(name) for name in COLUMNS]].set_axis(list(COLUMNS), axis=1)
    rows = rows[(cells != "").any(axis=1)]
    if rows.empty:
        raise BoundaryError(f"{path}: holds no counts; expected a row for every model and problem")
    _check_names(path, rows)
    numbers = {name: _whole_numbers(path, rows[name]) for name in ("n", "correct")}
    _check_counts(path, rows, **numbers)
    table = rows[["model", "problem"]].assign(**numbers).rename(columns={"problem": "problem_id"})
    return table.rename_axis("row")


def write_counts(path: Path, table: pd.DataFrame) -> None:
    """Write a ``table`` with the columns of ``read_counts``, atomically."""
    named = table.rename(columns={"problem_id": "problem"})
    with atomic_path(path) as temporary:
        named.to_csv(temporary, columns=list(COLUMNS), index=False, lineterminator="\n")


def _read_cells(path: Path) -> pd.DataFrame:
    """All cells as they are written, the header's among them."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BoundaryError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        content.decode("utf-8-sig")
        wrong = content.find(b"\0")
    except UnicodeDecodeError as error:
        wrong = error.start
    if wrong >= 0:
        line = content.count(b"\n", 0, wrong) + 1
        raise BoundaryError(
            f"{path}, line {line}: not a text in UTF-8; save the table as CSV in UTF-8"
        )
    try:
        # Without a header: pandas would take surplus cells of the first row for an index.
        return pd.read_csv(
            io.BytesIO(content),
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError:
        raise BoundaryError(
            f"{path}, row 1: empty; expected the names {','.join(COLUMNS)}"
        ) from None
    except pd.errors.ParserError as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        # pandas counts rows from 0.
        reason = re.sub(r"row (\d+)", lambda row: f"row {int(row[1]) + 1}", reason)
        raise BoundaryError(
            f"{path}: not a table with commas between its cells: {reason}. A cell with a comma in it "
            "stands between double quotes"
        ) from error


def _refuse(path: Path, wrong: pd.Series, cells: pd.Series, message: str) -> None:
    """Raise a BoundaryError for the first of the ``cells`` that is ``wrong``."""
    if not wrong.any():
        return
    place, count = wrong.to_numpy().argmax(), int(wrong.sum())
    more = f" ({count} such rows in all)" if count > 1 else ""
    row, found = cells.index[int(place)], cells.iloc[int(place)]
    raise BoundaryError(f"{path}, row {row}: {cells.name} is {found!r:.80}; {message}{more}")


def _check_names(path: Path, rows: pd.DataFrame) -> None:
    for name in ("model", "problem"):
        names = rows[name]
        _refuse(path, ~names.str.contains(r"\S"), names, f"expected the name of a {name}")
        broken = names.str.contains(r"[\r\n]")
        _refuse(path, broken, names, "expected one line: is a double quote missing?")


def _whole_numbers(path: Path, cells: pd.Series) -> pd.Series:
    """The numbers of a column. A spelling is read once, however many rows have it."""
    codes, spellings = pd.factorize(cells)
    numbers = np.array([_number(text) for text in spellings], dtype="float64")[codes]
    column = pd.Series(numbers, cells.index)
    expected = f"expected a whole number from 0 to {LARGEST}"
    _refuse(path, ~column.between(0, LARGEST) | (column % 1 != 0), cells, expected)
    return column.astype("int64")


def _number(text: str) -> float:
    return float(text) if NUMBER.fullmatch(text.strip()) else math.nan


def _check_counts(path: Path, rows: pd.DataFrame, n: pd.Series, correct: pd.Series) -> None:
    unjudged = "no sample was judged. Leave the row out, or have samples of it judged"
    _refuse(path, n == 0, rows["n"], unjudged)
    _refuse(
        path, correct > n, rows["correct"], "expected n, the samples that were judged, or fewer"
    )
    again = rows.duplicated(["model", "problem"]).to_numpy()
    if again.any():
        model, problem = rows[["model", "problem"]].iloc[again.argmax()]
        places = rows.index[(rows["model"] == model) & (rows["problem"] == problem)]
        raise BoundaryError(
            f"{path}, row {places[1]}: the model {model!r} has the problem {problem!r} in row "
            f"{places[0]}, too; keep one of them, or add them up if they count different samples"
        )
