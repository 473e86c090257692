"""Bytes per sample of a shard, against gzip JSON lines of the same records.

python tests/benchmarks/bytes_a_sample.py SHARD.parquet ...
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pyarrow.parquet as pq


def main() -> None:
    """Print both sizes and their ratio for every file."""
    for name in sys.argv[1:]:
        frame = pq.read_table(name).to_pandas()
        lines = frame.to_json(orient="records", lines=True).encode()
        ours, theirs = Path(name).stat().st_size, len(gzip.compress(lines))
        print(
            f"{name}: {len(frame):,} samples, {ours / len(frame):.1f} bytes each; gzip JSON lines "
            f"{theirs / len(frame):.1f}, ratio {ours / theirs:.2f}"
        )


if __name__ == "__main__":
    main()
