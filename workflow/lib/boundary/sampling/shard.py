"""A shard: a range of sample indices of every problem of a cell, drawn with a seed of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from boundary.data.atomic import link_or_copy
from boundary.data.journal import Journal
from boundary.data.provenance import run_record, text_digest
from boundary.data.records import read_provenance, write_records
from boundary.errors import BoundaryError
from boundary.progress import progress_bar
from boundary.sampling.engine import Completion, Engine, Request, SamplingParameters
from boundary.sampling.prompts import render
from boundary.sampling.seeds import shard_seed

SECONDS_BETWEEN_FLUSHES = 2.0


@dataclass(frozen=True)
class Shard:
    """Which samples these are. Shard s of size S holds the indices s * S ... (s + 1) * S - 1."""

    model: str
    model_revision: str
    benchmark: str
    protocol: int
    questions_sha256: str
    template_name: str
    template: str
    parameters: SamplingParameters
    seed: int
    number: int
    size: int

    @property
    def indices(self) -> range:
        """The shard's sample indices, the same for every problem."""
        return range(self.number * self.size, (self.number + 1) * self.size)

    def identity(self) -> dict[str, Any]:
        """Everything that decides what is drawn, and nothing else."""
        return {
            "model_revision": self.model_revision,
            "benchmark": self.benchmark,
            "protocol": self.protocol,
            "questions_sha256": self.questions_sha256,
            "template_sha256": text_digest(self.template),
            "sampling": asdict(self.parameters),
            "seed": self.seed,
            "shard": self.number,
            "shard_size": self.size,
        }


def missing_requests(
    shard: Shard, problems: pd.DataFrame, drawn: set[tuple[str, int]]
) -> list[Request]:
    """Requests for the samples of the shard that are not among ``drawn``."""
    requests = []
    for problem_id, question in zip(problems["problem_id"], problems["question"], strict=True):
        indices = tuple(i for i in shard.indices if (problem_id, i) not in drawn)
        if indices:
            requests.append(Request(problem_id, render(shard.template, question), indices))
    return requests


def draw_shard(
    shard: Shard,
    problems: pd.DataFrame,
    open_engine: Callable[[], Engine],
    *,
    keep: Path,
    output: Path,
) -> None:
    """Draw the shard's samples into a journal, then seal them in ``output``.

    Journal and sealed shard are kept in the folder ``keep``, under names that hold the identity's
    digest, so that no other setting ever opens or replaces them. A killed attempt loses what it drew
    since the last flush; the next one draws only that, and each sample from the same stream of random
    numbers. Attempts at the same shard exclude each other. A later call for the very same samples takes
    the sealed shard and draws none.
    """
    identity = shard.identity()
    started = time.monotonic()
    seed = shard_seed(identity)  # a digest of the identity, and so its name, too
    name = f"shard-{shard.number:04d}.{seed:016x}"
    sealed = keep / f"{name}.parquet"
    with Journal(keep / f"{name}.jsonl", identity) as journal:
        if _is_sealed(sealed, identity):
            link_or_copy(sealed, output)
            journal.remove()
            return
        drawn = [Completion(**entry) for entry in journal.entries]
        requests = missing_requests(shard, problems, {_key(sample) for sample in drawn})
        engine = open_engine()
        if requests:
            total = len(problems) * shard.size
            what = f"{shard.model} on {shard.benchmark}, shard {shard.number}"
            with progress_bar(total, what, "sample", initial=len(drawn)) as bar:
                samples = engine.sample(requests, shard.parameters, seed)
                for group in _flushed_groups(samples):
                    journal.append(asdict(sample) for sample in group)
                    drawn += group
                    bar.update(len(group))
        provenance = {
            "model": shard.model,
            "template": shard.template_name,
            **identity,
            "shard_seed": seed,
            **engine.describe(),
            "seconds": round(time.monotonic() - started, 3),
            **run_record(),
        }
        write_records(output, "sample", _in_order(drawn, problems, shard), provenance)
        link_or_copy(output, sealed)
        journal.remove()


def _is_sealed(path: Path, identity: dict[str, Any]) -> bool:
    """Whether a readable shard of this identity is there; a damaged one counts as absent."""
    try:
        return path.is_file() and identity.items() <= read_provenance(path).items()
    except BoundaryError:
        return False


def _key(sample: Completion) -> tuple[str, int]:
    return sample.problem_id, sample.sample_index


def _flushed_groups(samples: Iterable[Completion]) -> Iterable[list[Completion]]:
    """Collect samples into groups a few seconds long."""
    group: list[Completion] = []
    flushed = time.monotonic()
    for sample in samples:
        group.append(sample)
        if time.monotonic() - flushed >= SECONDS_BETWEEN_FLUSHES:
            yield group
            group, flushed = [], time.monotonic()
    if group:
        yield group


def _in_order(drawn: list[Completion], problems: pd.DataFrame, shard: Shard) -> pd.DataFrame:
    """The shard's samples by problem and index. Raises BoundaryError if the engine left any out."""
    by_key = {_key(sample): asdict(sample) for sample in drawn}
    expected = [(problem, index) for problem in problems["problem_id"] for index in shard.indices]
    if len(drawn) != len(expected) or by_key.keys() != set(expected):
        raise BoundaryError(
            f"shard {shard.number} of {shard.model} on {shard.benchmark}: {len(drawn)} samples drawn, "
            f"{len(by_key)} of them different, {len(expected)} expected; this is a defect of the engine"
        )
    return pd.DataFrame([by_key[key] for key in expected])
