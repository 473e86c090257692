"""What every sheet about a cell needs: its verdicts and responses, ids for its cards, and its key.

The key lies beside the sheet and holds what the sheet does not show, so that reading the sheet back needs
nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from boundary.data.atomic import atomic_path
from boundary.data.completeness import check_complete
from boundary.data.one_cell import check_one_cell
from boundary.data.provenance import file_digest, package_versions, run_record
from boundary.data.records import PROVENANCE_KEY, read_provenance, read_record_groups, read_records
from boundary.errors import BoundaryError

LETTERS = "bcdfghjklmnpqrstvwxz"  # no id is a word, a number or a date to a spreadsheet
ID_LETTERS = 8


def read_cell(
    verdict_files: Sequence[Path], sample_files: Sequence[Path], problem_ids: Sequence[str], n: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The first ``n`` verdicts of every problem, and what a key says about where they come from.

    Raises BoundaryError where shards are of several cells, their samples are in none of the
    ``sample_files``, or a sample is missing or stands twice.
    """
    columns = ["problem_id", "sample_index", "answer", "verdict", "rung", "finish_reason"]
    records = {path: read_provenance(path) for path in verdict_files}
    cell = {path: record.get("samples", {}) for path, record in records.items()}
    check_one_cell(cell)
    check_samples(records, {file_digest(path) for path in sample_files})
    verdicts = pd.concat([read_records(path, "verdict", columns) for path in records])
    verdicts = verdicts[verdicts["sample_index"] < n]
    check_complete(verdicts, problem_ids, range(n))
    about = {
        "n": n,
        "verdicts_sha256": sorted(file_digest(path) for path in records),
        "samples": cell[verdict_files[0]],
        "versions": package_versions(["numpy", "pandas"]),
        **run_record("drawn"),
    }
    return verdicts, about


def check_samples(records: Mapping[Path, Mapping[str, Any]], digests: Container[str]) -> None:
    """See that the samples that verdicts judge are among those with the ``digests`` of their files.

    ``records`` is the verdicts' provenance by file. Raises BoundaryError naming the file that is alone.
    """
    for path, record in records.items():
        judged = record.get("samples_sha256")
        if judged is not None and judged not in digests:
            raise BoundaryError(
                f"{path}: the samples that it judges are in none of the files of --samples; give all "
                "shards as they were when they were verified, or verify them again"
            )


def read_responses(
    paths: Iterable[Path], wanted: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, str]]:
    """Text and finish_reason of the ``wanted`` samples, by problem_id and sample_index.

    Raises BoundaryError naming one that no file holds.
    """
    missing = set(wanted)
    found = {}
    for path in paths:
        columns = ["problem_id", "sample_index", "text", "finish_reason"]
        for group in read_record_groups(path, "sample", columns):
            for problem_id, index, *response in group.itertuples(index=False):
                if (problem_id, index) in missing:
                    missing.remove((problem_id, index))
                    found[problem_id, index] = tuple(response)
    if missing:
        problem_id, index = min(missing)
        raise BoundaryError(
            f"problem {problem_id}: no file of --samples holds its sample {index} ({len(missing)} such "
            "samples); give all shards that the verdicts were made from"
        )
    return found


def gold_text(gold: str) -> str:
    """A gold answer for reading: a problem record's JSON, of a text or of texts that are all needed."""
    value = json.loads(gold)
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def card_id(salt: str, problem_id: str, sample_index: int) -> str:
    """The id of the card that shows a sample. ``salt`` tells one sheet from another."""
    text = json.dumps([salt, problem_id, sample_index])
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
    letters = []
    for _ in range(ID_LETTERS):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return "".join(letters)


def write_key(path: Path, schema: pa.Schema, rows: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Write those columns of ``rows`` that the ``schema`` names, and ``about`` in the metadata."""
    schema = schema.with_metadata({PROVENANCE_KEY: json.dumps(about)})
    table = pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)
    with atomic_path(path) as file:
        pq.write_table(table.replace_schema_metadata(schema.metadata), file, compression="zstd")


def read_key(
    path: Path, schema: pa.Schema, sheet: str, command: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows and ``about`` as they were written.

    ``sheet`` and the ``command`` that draws it are for the message: raises BoundaryError if the file is
    no such key.
    """
    if not path.is_file():
        raise BoundaryError(
            f"{path}: there is no such file; say with --key where the key.parquet is that `{command}` wrote"
        )
    about = read_provenance(path)
    if not pq.read_schema(path).equals(schema):
        raise BoundaryError(
            f"{path}: is no {sheet}'s key; expected the key.parquet that `{command}` wrote beside the sheet"
        )
    return pq.read_table(path).to_pandas(), about
