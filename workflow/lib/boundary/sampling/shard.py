"""A shard: a range of sample indices of every problem of a cell, drawn with a seed of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from boundary.data.groups import timed_groups
from boundary.data.journal import Journal, Place
from boundary.data.kept import make_once
from boundary.data.provenance import run_record
from boundary.data.records import write_record_groups
from boundary.errors import BoundaryError
from boundary.images.processing import PixelLimits
from boundary.progress import progress_bar
from boundary.sampling.engine import Completion, Engine, Request, SamplingParameters
from boundary.sampling.posing import posed
from boundary.sampling.prompts import Template
from boundary.sampling.seeds import shard_seed

SECONDS_BETWEEN_FLUSHES = 2.0
GROUP_BYTES = 8 << 20  # of the journal; what is held in memory at a flush, and while sealing


@dataclass(frozen=True)
class Shard:
    """Which samples these are. Shard s of size S holds the indices s * S ... (s + 1) * S - 1."""

    model: str
    model_revision: str
    benchmark: str
    protocol: int
    questions_sha256: str
    template_name: str
    template: Template
    parameters: SamplingParameters
    dtype: str
    max_model_len: int | None
    seed: int
    number: int
    size: int
    pixel_limits: PixelLimits = PixelLimits()  # noqa: RUF009  # it is frozen

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
            "template_sha256": self.template.digest,
            "sampling": asdict(self.parameters),
            "dtype": self.dtype,
            "max_model_len": self.max_model_len,
            "seed": self.seed,
            "shard": self.number,
            "shard_size": self.size,
            **self.pixel_limits.given,
        }


def missing_requests(
    shard: Shard, problems: pd.DataFrame, drawn: Container[tuple[str, int]]
) -> list[Request]:
    """Requests for the samples of the shard that are not among ``drawn``."""
    requests = []
    for problem in posed(problems, shard.template):
        indices = tuple(i for i in shard.indices if (problem.problem_id, i) not in drawn)
        if indices:
            requests.append(replace(problem, sample_indices=indices))
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

    Journal and sealed shard are kept in the folder ``keep`` (boundary.data.kept). A killed attempt loses
    what it drew since the last flush; the next one draws only that, and each sample from a stream of
    random numbers of its own. A later call for the very same samples takes the sealed shard and draws
    none. Texts are in memory for one flush, and one row group while the shard is sealed; what stays is
    where each sample lies in the journal.
    """
    identity = shard.identity()
    seed = shard_seed(identity)  # a digest of the identity, and so its name, too

    def draw(journal: Journal) -> None:
        """Draw what the journal does not hold yet, and write all of it."""
        samples = _Samples(journal)
        requests = missing_requests(shard, problems, samples.places)
        if requests:
            engine = open_engine()
            engine.prepare(
                shard.template.text, missing_requests(shard, problems, ()), shard.parameters
            )
            _draw(shard, requests, engine, seed, samples)
        provenance = {
            "model": shard.model,
            "template": shard.template_name,
            **identity,
            "shard_seed": seed,
            "attempts": samples.attempts,
            "usage": samples.usage,
            **run_record(),
        }
        order = _expected(shard, problems, samples)
        write_record_groups(
            output, "sample", samples.frames(order, shard.template.begins), provenance
        )

    name = f"shard-{shard.number:04d}.{seed:016x}"
    make_once(output, keep=keep, name=name, identity=identity, make=draw)


class _Samples:
    """The samples in a journal: where each lies, who drew them, and what they cost in tokens.

    An attempt's line holds its engine's description; the samples below it are that attempt's.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.attempts: list[dict[str, Any]] = []
        self.places: dict[tuple[str, int], Place] = {}
        self.usage = {"prompt_tokens": 0, "completion_tokens": 0}
        for place, entry in journal.entries():
            self._note(place, entry)

    def begin(self, attempt: dict[str, Any]) -> None:
        """Begin an attempt: what follows was drawn by it."""
        (place,) = self.journal.append([{"attempt": attempt}])
        self._note(place, {"attempt": attempt})

    def amend(self, description: dict[str, Any]) -> None:
        """Note what an engine learned of itself since the attempt began: which model was served."""
        (place,) = self.journal.append([{"amended": description}])
        self._note(place, {"amended": description})

    def append(self, entries: Sequence[dict[str, Any]]) -> None:
        """Append samples. Raises BoundaryError, and appends none, if the engine drew one twice."""
        keys = [(entry["problem_id"], entry["sample_index"]) for entry in entries]
        repeated = [key for key, count in Counter(keys).items() if count > 1 or key in self.places]
        if repeated:
            problem, index = repeated[0]
            raise BoundaryError(
                f"problem {problem}: the engine drew sample {index} twice, which is a defect of it; "
                "what was flushed before is whole"
            )
        for place, entry in zip(self.journal.append(entries), entries, strict=True):
            self._note(place, entry)

    def _note(self, place: Place, entry: dict[str, Any]) -> None:
        if "attempt" in entry:
            self.attempts.append(entry["attempt"] | {"samples": 0})
            return
        if "amended" in entry:
            self.attempts[-1].update(entry["amended"])
            return
        self.places[entry["problem_id"], entry["sample_index"]] = place
        self.attempts[-1]["samples"] += 1
        self.usage["prompt_tokens"] += entry["n_prompt_tokens"] or 0
        self.usage["completion_tokens"] += entry["n_tokens"]

    def frames(self, order: Iterable[tuple[str, int]], begins: str) -> Iterator[pd.DataFrame]:
        """Sample records in the given order, some megabytes at a time; ``begins`` begins every text."""
        group: list[dict[str, Any]] = []
        size = 0
        for key in order:
            group.append(self.journal.read(self.places[key]))
            size += self.places[key].length
            if size >= GROUP_BYTES:
                yield _frame(group, begins)
                group, size = [], 0
        if group:
            yield _frame(group, begins)


def _frame(entries: list[dict[str, Any]], begins: str) -> pd.DataFrame:
    frame = pd.DataFrame(entries).drop(columns="n_prompt_tokens")
    return frame.assign(text=begins + frame["text"])


def _draw(
    shard: Shard, requests: Sequence[Request], engine: Engine, seed: int, samples: _Samples
) -> None:
    """Draw the requested samples into the journal."""
    total = sum(len(request.sample_indices) for request in requests) + len(samples.places)
    what = f"{shard.model} on {shard.benchmark}, shard {shard.number}"
    started = run_record("started")
    with progress_bar(total, what, "sample", initial=len(samples.places)) as bar:
        drawn = engine.sample(requests, shard.parameters, seed)
        known = None
        for group in timed_groups(drawn, SECONDS_BETWEEN_FLUSHES, _size, GROUP_BYTES):
            description = engine.describe()
            if known is None:
                samples.begin({**description, **started})
            elif description != known:
                samples.amend(description)
            known = description
            samples.append([asdict(sample) for sample in group])
            bar.update(len(group))


def _size(sample: Completion) -> int:
    """Bytes that it takes, roughly."""
    return len(sample.text) + 8 * sample.n_tokens


def _expected(shard: Shard, problems: pd.DataFrame, samples: _Samples) -> list[tuple[str, int]]:
    """The shard's samples by problem and index. Raises BoundaryError if the engine left any out."""
    expected = [(problem, index) for problem in problems["problem_id"] for index in shard.indices]
    if samples.places.keys() != set(expected):
        raise BoundaryError(
            f"shard {shard.number} of {shard.model} on {shard.benchmark}: {len(samples.places)} samples "
            f"drawn, {len(expected)} expected; this is a defect of the engine. A rerun draws what is "
            "missing"
        )
    return expected
