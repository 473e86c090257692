"""The record types of the study, and the one writer and the one reader of their Parquet files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from boundary.data.atomic import atomic_path
from boundary.errors import BoundaryError

RecordType = Literal["problem", "sample", "verdict", "count", "score"]
PROVENANCE_KEY = b"provenance"
ROWS_AT_ONCE = 4096

SCHEMAS: dict[RecordType, pa.Schema] = {
    "problem": pa.schema(
        [
            ("problem_id", pa.string()),
            ("domain", pa.string()),  # math, code or visual
            ("question", pa.string()),
            ("gold", pa.string()),  # JSON
            ("tests", pa.string()),  # JSON; code problems only
            ("images", pa.list_(pa.binary())),  # visual problems only
            ("meta", pa.string()),  # JSON
        ]
    ),
    "sample": pa.schema(
        [
            ("problem_id", pa.string()),
            ("sample_index", pa.int32()),
            ("text", pa.string()),
            ("token_ids", pa.list_(pa.int32())),  # null where an endpoint does not tell
            ("n_tokens", pa.int32()),  # null where an imported file does not tell
            ("finish_reason", pa.string()),  # stop, length or error; unknown where imported
            ("logprob_sum", pa.float32()),  # nats, at temperature 1; null: not told
        ]
    ),
    "verdict": pa.schema(
        [
            ("problem_id", pa.string()),
            ("sample_index", pa.int32()),
            ("answer", pa.string()),
            ("found", pa.string()),  # where the answer stood: box, tag, line or response
            ("verdict", pa.string()),  # one of boundary.verification.verdict.VERDICTS
            ("rung", pa.string()),  # the test that decided
            ("detail", pa.string()),  # the reason
            ("finish_reason", pa.string()),  # the sample's: truncation is never hidden
        ]
    ),
    "count": pa.schema([("problem_id", pa.string()), ("n", pa.int32()), ("correct", pa.int32())]),
    "score": pa.schema(
        [
            ("problem_id", pa.string()),
            ("sample_index", pa.int32()),
            ("scorer", pa.string()),
            ("nll_sum", pa.float64()),  # nats, at temperature 1; null where it could not be scored
            ("n_tokens", pa.int32()),  # the scorer's, the token that ends the response included
            ("entropy_mean", pa.float32()),  # nats a token, at a stated temperature; null: not told
            ("tokens", pa.string()),  # stored with the sample, or retokenised by the scorer
            ("finish_reason", pa.string()),  # the sample's
            ("detail", pa.string()),  # why it could not be scored
        ]
    ),
}
MAY_BE_ABSENT = {"tests", "images", "meta"}


def write_records(
    path: Path, record_type: RecordType, frame: pd.DataFrame, provenance: dict[str, Any]
) -> None:
    """Write ``frame`` as Parquet (zstd), atomically, with ``provenance`` in the file's metadata.

    Raises BoundaryError if a column is missing, unknown or of another type.
    """
    write_record_groups(path, record_type, [frame], provenance)


def write_record_groups(
    path: Path,
    record_type: RecordType,
    frames: Iterable[pd.DataFrame],
    provenance: dict[str, Any] | Callable[[], dict[str, Any]],
) -> None:
    """Write ``frames`` one after the other, none held longer than it takes; else as write_records.

    ``provenance`` may be asked for only when all frames are written, since it may tell of them.
    """
    schema = SCHEMAS[record_type]
    # Token ids repeat in sequences, which zstd finds and a dictionary of single ids would hide.
    texts = [field.name for field in schema if field.type == pa.string()]
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary, schema, compression="zstd", compression_level=9, use_dictionary=texts
        ) as writer,
    ):
        for frame in frames:
            writer.write_table(_table(path, record_type, frame).replace_schema_metadata())
        told = provenance() if callable(provenance) else provenance
        writer.add_key_value_metadata({PROVENANCE_KEY: json.dumps(told)})


def _table(path: Path, record_type: RecordType, frame: pd.DataFrame) -> pa.Table:
    schema = SCHEMAS[record_type]
    absent = dict.fromkeys(MAY_BE_ABSENT & set(schema.names) - set(frame.columns))
    frame = frame.assign(**absent)
    if set(frame.columns) != set(schema.names):
        raise BoundaryError(
            f"{path}: a {record_type} record has the columns {', '.join(schema.names)}; "
            f"found {', '.join(map(str, frame.columns))}"
        )
    try:
        return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise BoundaryError(f"{path}: not a {record_type} record: {error}") from error


def read_records(
    path: Path,
    record_type: RecordType,
    columns: list[str] | None = None,
    categories: list[str] | None = None,
) -> pd.DataFrame:
    """Read a file of ``record_type``, or some of its ``columns``.

    Texts of the columns ``categories``, of which many are equal, are held once each. Raises
    BoundaryError if the file is no Parquet file or does not hold such records.
    """
    _check_schema(path, record_type)
    with _reading(path):
        return pq.read_table(path, columns=columns, read_dictionary=categories).to_pandas()


def read_record_groups(
    path: Path, record_type: RecordType, columns: list[str]
) -> Iterator[pd.DataFrame]:
    """Read a file a few thousand rows at a time, for what need not be in memory at once."""
    _check_schema(path, record_type)
    with _reading(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns):
            yield batch.to_pandas()


def row_groups_of(path: Path, record_type: RecordType) -> dict[str, int]:
    """The row group in which each problem's record stands."""
    _check_schema(path, record_type)
    with _reading(path), pq.ParquetFile(path) as file:
        return {
            problem_id: group
            for group in range(file.num_row_groups)
            for problem_id in file.read_row_group(group, ["problem_id"])["problem_id"].to_pylist()
        }


def read_row_group(path: Path, group: int, columns: list[str]) -> pd.DataFrame:
    """Read one row group of a file, for what is too large to be in memory whole."""
    with _reading(path), pq.ParquetFile(path) as file:
        return file.read_row_group(group, columns=columns).to_pandas()


def _check_schema(path: Path, record_type: RecordType) -> None:
    with _reading(path):
        found = pq.read_schema(path)
    if not found.equals(SCHEMAS[record_type]):
        raise BoundaryError(
            f"{path}: holds no {record_type} records; expected the columns "
            f"{', '.join(SCHEMAS[record_type].names)}, found {', '.join(found.names)}"
        )


def read_provenance(path: Path) -> dict[str, Any]:
    """The provenance record in the metadata of a Parquet file, empty if it has none."""
    with _reading(path):
        metadata = pq.read_metadata(path).metadata or {}
    return json.loads(metadata.get(PROVENANCE_KEY, b"{}"))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what pyarrow says of an unreadable file into a message that names it."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise BoundaryError(f"{path}: cannot be read as a Parquet file: {error}") from error
