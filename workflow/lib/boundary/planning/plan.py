"""What a study's exhibits would take before anything runs: cells, tokens, GPU hours, disk.

Nothing is read here: a study, estimates and what is there already make a plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from boundary.planning.costs import Costs
from boundary.study.model import IMPORTED
from boundary.study.pairs import base_of
from boundary.study.paths import scores_path
from boundary.study.scorings import scorings
from boundary.study.study import Exhibit, Study

SECONDS_PER_HOUR = 3600


class CellKey(NamedTuple):
    """Where samples lie: cells that differ in n, verifier or filter share them."""

    model: str
    benchmark: str
    sampling: str  # a directory


class SubsetScores(NamedTuple):
    """The responses of a subset under the model ``scorer``."""

    key: CellKey
    subset: str
    scorer: str


@dataclass(frozen=True)
class Found:
    """What is there: problems by benchmark, and what a study's results hold already.

    ``problems`` lacks benchmarks whose number nobody knows. ``shards`` are numbers of shards;
    ``mean_tokens`` is the mean length of the responses in them, where they tell it. ``scores`` are paths
    below the results.
    """

    problems: Mapping[str, int]
    shards: Mapping[CellKey, Collection[int]]
    mean_tokens: Mapping[CellKey, float]
    scores: Collection[str]


class Amount(NamedTuple):
    """Tokens to draw, tokens to score, GPU hours of both, and bytes on disk of the samples."""

    tokens: float = 0
    scored_tokens: float = 0
    gpu_hours: float = 0
    bytes: float = 0

    def plus(self, other: Amount) -> Amount:
        """The sum of both."""
        return Amount(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True)
class PlannedCell:
    """Samples of a model on a benchmark, and the scoring of some of them.

    ``n`` samples of each problem, of which ``n_drawn`` are there. Where ``problems`` is None, nobody knows
    how many there are, and ``cost`` and ``left`` are None, too. ``exhibits`` are all those of the study
    that need it.
    """

    key: CellKey
    n: int
    n_drawn: int
    problems: int | None
    imported: bool
    mean_tokens: float
    measured: bool
    cost: Amount | None
    left: Amount | None
    exhibits: tuple[str, ...]

    @property
    def samples(self) -> int | None:
        """All samples of the cell."""
        return None if self.problems is None else self.problems * self.n

    @property
    def drawn(self) -> int | None:
        """Those that are there."""
        return None if self.problems is None else self.problems * self.n_drawn

    @property
    def done(self) -> bool:
        """Whether no sample is left to draw, and none to score."""
        return self.n_drawn == self.n and not (self.left or Amount()).scored_tokens

    @property
    def unknown(self) -> bool:
        """Whether it costs something, and nobody knows what."""
        return self.cost is None


def plan_cells(
    study: Study, exhibits: Iterable[Exhibit], costs: Costs, found: Found, shared: Iterable[Exhibit]
) -> list[PlannedCell]:
    """The cells of some exhibits, each once with its largest n, in the order in which they are needed.

    ``shared`` are the exhibits among which those are sought that need a cell, too. Imported samples and
    counts cost nothing; models on the CPU and behind endpoints take tokens and no GPU hours.
    """
    draws: dict[CellKey, int] = {}
    scored: set[SubsetScores] = set()
    for exhibit in exhibits:
        _add_needs(study, exhibit, draws, scored)
    users: dict[CellKey, list[str]] = {}
    for exhibit in shared:
        needed: dict[CellKey, int] = {}
        _add_needs(study, exhibit, needed, set())
        for key in needed:
            users.setdefault(key, []).append(exhibit.name)
    return [
        _plan_cell(
            study,
            key,
            n,
            sorted(scores for scores in scored if scores.key == key),
            costs,
            found,
            tuple(users.get(key, ())),
        )
        for key, n in draws.items()
    ]


def total(cells: Iterable[PlannedCell], left: bool = False) -> Amount:
    """The sum over cells, or of what is left of them; without those of which nobody knows it."""
    amount = Amount()
    for cell in cells:
        amount = amount.plus((cell.left if left else cell.cost) or Amount())
    return amount


def _add_needs(
    study: Study, exhibit: Exhibit, draws: dict[CellKey, int], scored: set[SubsetScores]
) -> None:
    """Add what an exhibit needs: the largest n of each cell, and scores."""

    def draw(key: CellKey, n: int) -> None:
        draws[key] = max(n, draws.get(key, 0))

    def score(key: CellKey, subset: str, scorer: str) -> None:
        scored.add(SubsetScores(key, subset, scorer))

    for cell in exhibit.cells:
        if cell.filter:
            asked = study.filters[cell.filter].cell(cell.benchmark)
            draw(CellKey(asked.model, asked.benchmark, asked.sampling), asked.n)
        matching = study.sampling[cell.sampling].matching
        if matching is not None:
            base = base_of(cell.model, study.catalogue.models)
            assert base is not None  # boundary.study.load sees to that
            target = CellKey(base, cell.benchmark, matching.sampling)
            shards = study.scored_shards(*target, matching.subset)
            draw(
                target, len(shards) * study.sampling[target.sampling].shard_size_of(cell.benchmark)
            )
            score(target, matching.subset, base)
            for probe in study.probes(cell.sampling):
                key = CellKey(cell.model, cell.benchmark, probe.directory)
                draw(key, probe.shard_size)
                score(key, matching.subset, cell.model)
        draw(CellKey(cell.model, cell.benchmark, cell.sampling), cell.n)
    if exhibit.subset is not None:
        for cell, scorer in scorings(exhibit, study.catalogue.models):
            score(CellKey(cell.model, cell.benchmark, cell.sampling), exhibit.subset, scorer)


def _plan_cell(
    study: Study,
    key: CellKey,
    n: int,
    scored: list[SubsetScores],
    costs: Costs,
    found: Found,
    exhibits: tuple[str, ...],
) -> PlannedCell:
    sampling, model = study.sampling[key.sampling], study.catalogue.models[key.model]
    imported = model.source in IMPORTED
    shard_size = sampling.shard_size_of(key.benchmark)
    there = {number for number in found.shards.get(key, ()) if number < n // shard_size}
    n_drawn = n if imported else len(there) * shard_size
    problems = posed_problems(study, found.problems.get(key.benchmark), sampling.subset)
    mean_tokens = found.mean_tokens.get(key, estimated_tokens(study, key, costs))
    drawing = _drawing(study, key, mean_tokens * (problems or 0), costs)
    cost = left = Amount()
    if not imported:
        cost, left = _times(drawing, n), _times(drawing, n - n_drawn)
    unknown = problems is None and not imported
    for scores in scored:
        responses = scored_responses(study, found.problems.get(key.benchmark), scores)
        unknown = unknown or responses is None
        amount = _scoring(study, scores, mean_tokens * (responses or 0), costs)
        cost = cost.plus(amount)
        if scores_path(*key, scores.subset, scores.scorer) not in found.scores:
            left = left.plus(amount)
    return PlannedCell(
        key=key,
        n=n,
        n_drawn=n_drawn,
        problems=problems,
        imported=imported,
        mean_tokens=mean_tokens,
        measured=key in found.mean_tokens,
        cost=None if unknown else cost,
        left=None if unknown else left,
        exhibits=exhibits,
    )


def estimated_tokens(study: Study, key: CellKey, costs: Costs) -> float:
    """Mean length of a response of a cell in tokens, as long as none of them is there."""
    return min(costs.tokens.of(key.model, key.benchmark), study.sampling[key.sampling].max_tokens)


def posed_problems(study: Study, problems: int | None, subset: str | None) -> int | None:
    """Number of problems that are posed: all that a benchmark has, or those of a subset."""
    wanted = study.subsets[subset].problems if subset else None
    if isinstance(wanted, tuple):
        return len(wanted)
    return problems if problems is None or wanted is None else min(problems, wanted)


def scored_responses(study: Study, problems: int | None, scores: SubsetScores) -> int | None:
    """Number of responses that are scored: no more to a problem than its shards hold."""
    posed = posed_problems(study, problems, scores.subset)
    shards = study.scored_shards(*scores.key, scores.subset)
    held = len(shards) * study.sampling[scores.key.sampling].shard_size_of(scores.key.benchmark)
    return None if posed is None else posed * min(study.subsets[scores.subset].responses, held)


def _drawing(study: Study, key: CellKey, tokens: float, costs: Costs) -> Amount:
    return Amount(
        tokens=tokens,
        gpu_hours=_gpu_hours(study, key.model, tokens, costs.sampling_rate.of(key.model)),
        bytes=tokens * costs.bytes_per_token,
    )


def _scoring(study: Study, scores: SubsetScores, tokens: float, costs: Costs) -> Amount:
    rate = costs.scoring_rate.of(scores.scorer)
    return Amount(scored_tokens=tokens, gpu_hours=_gpu_hours(study, scores.scorer, tokens, rate))


def _gpu_hours(study: Study, model: str, tokens: float, rate: float) -> float:
    on_gpu = study.catalogue.models[model].gpus > 0
    return tokens / (rate * SECONDS_PER_HOUR) if on_gpu else 0


def _times(amount: Amount, factor: int) -> Amount:
    return Amount(*(factor * part for part in amount))
