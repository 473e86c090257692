"""A study: figures, tables and sheets, the cells they name, and how those are sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from boundary.data.published_number import Published
from boundary.exhibits.kinds import KINDS, ExhibitType, Kind
from boundary.study.catalogue import Catalogue
from boundary.verification.verifiers import VERIFIERS, split_judged


@dataclass(frozen=True)
class Subset:
    """Some problems of a benchmark, and some responses to each, by ``seed`` (boundary.data.subset)."""

    name: str
    problems: int | tuple[str, ...]
    responses: int
    seed: int

    @property
    def chosen(self) -> dict[str, Any]:
        """What decides which problems these are."""
        return {"problems": self.problems, "seed": self.seed}


@dataclass(frozen=True)
class Matching:
    """How a temperature is found: a model's output entropy is to equal its base's.

    The base's at ``sampling``, a directory; the model's is interpolated between ``temperatures``. Both of
    the responses of ``subset``.
    """

    sampling: str
    subset: str
    temperatures: tuple[float, ...]


@dataclass(frozen=True)
class Sampling:
    """A named way of sampling; ``directory`` is its place in the path of a cell.

    The temperature is None where it is matched, and then another one for every model and benchmark. Only
    the problems of ``subset`` are posed, if it has one. ``shard_sizes`` are of benchmarks whose shards have
    another size than ``shard_size``.
    """

    name: str
    label: str
    temperature: float | None
    top_p: float
    max_tokens: int
    template: str | None
    seed: int
    shard_size: int
    matching: Matching | None = None
    subset: str | None = None
    shard_sizes: Mapping[str, int] = field(default_factory=dict)

    def shard_size_of(self, benchmark: str) -> int:
        """Samples of each problem of a benchmark that one job draws."""
        return self.shard_sizes.get(benchmark, self.shard_size)

    @property
    def directory(self) -> str:
        """The name with its seed: other seeds are other samples and must not share a folder."""
        return directory_of(self.name, self.seed)

    def probes(self, subset: Subset) -> list[Sampling]:
        """How the model is sampled to find a matched temperature; ``subset`` is the matching's."""
        temperatures = self.matching.temperatures if self.matching else ()
        return [
            replace(
                self,
                name=probe_name(self.name, temperature),
                label=f"T = {temperature:g}",
                temperature=temperature,
                shard_size=subset.responses,
                shard_sizes={},
                matching=None,
                subset=subset.name,
            )
            for temperature in temperatures
        ]


def probe_name(name: str, temperature: float) -> str:
    """What a matched sampling is called where it is tried at a temperature."""
    return f"{name}.at{temperature:g}"


def directory_of(name: str, seed: int) -> str:
    """The directory of a sampling by its name and seed."""
    return f"{name}.seed{seed}"


@dataclass(frozen=True)
class Cell:
    """``n`` samples of every problem of ``benchmark`` by ``model``, judged by ``verifier``.

    ``sampling`` is a directory. The verifier's name may be followed by a slash and the name of a filter,
    which leaves problems out.
    """

    model: str
    benchmark: str
    sampling: str
    n: int
    verifier: str = VERIFIERS[0]

    @property
    def judge(self) -> str:
        """The verifier by itself."""
        return split_judged(self.verifier)[0]

    @property
    def filter(self) -> str:
        """The name of its filter; empty without one."""
        return split_judged(self.verifier)[1]


Pair = tuple[Cell, Cell]


@dataclass(frozen=True)
class Filter:
    """Leaves out problems that ``model`` answers at a rate above 0 and ``below`` the given one.

    Asked under ``sampling``, a directory, in ``n`` samples.
    """

    name: str
    model: str
    sampling: str
    n: int
    below: float

    def cell(self, benchmark: str) -> Cell:
        """What has to be drawn to know which problems of ``benchmark`` are left out."""
        return Cell(self.model, benchmark, self.sampling, self.n)


@dataclass(frozen=True)
class Exhibit:
    """A figure, a table or a sheet to fill in: a kind of statistic, shown for some cells or some models.

    ``pairs`` are cells and those that they are compared with, where the kind shows comparisons. ``subset``
    names the responses that are scored, where it shows scores. What is made ``by_name`` is no part of the
    study's default target. ``models`` are those whose training is shown, where the kind shows no cells; a
    sheet is about the problems whose accuracy is above 0 and ``below`` this.
    """

    name: str
    type: ExhibitType
    kind: str
    caption: str
    cells: tuple[Cell, ...]
    pairs: tuple[Pair, ...]
    subset: str | None = None
    by_name: bool = False
    models: tuple[str, ...] = ()
    below: float | None = None

    @property
    def shows(self) -> Kind:
        """What its kind is."""
        return KINDS[self.type][self.kind]

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules of its own that the stage figures imports by their names."""
        if self.type == "figure":
            return (f"boundary.exhibits.{self.kind}",)
        return self.shows.modules


@dataclass(frozen=True)
class Study:
    """A study with the catalogue that its names refer to. ``sampling`` is keyed by directory."""

    name: str
    catalogue: Catalogue
    sampling: dict[str, Sampling]
    subsets: dict[str, Subset]
    filters: dict[str, Filter]
    exhibits: dict[str, Exhibit]
    published: tuple[Published, ...]
    bootstrap: dict[str, Any]

    def exhibits_of(self, type: ExhibitType) -> list[Exhibit]:
        """The study's figures, its tables, or its sheets."""
        return [exhibit for exhibit in self.exhibits.values() if exhibit.type == type]

    def shards(self, cell: Cell) -> range:
        """Numbers of the shards that hold the cell's samples."""
        return range(cell.n // self.sampling[cell.sampling].shard_size_of(cell.benchmark))

    def scored_shards(self, model: str, benchmark: str, sampling: str, subset: str) -> range:
        """Numbers of the shards that a subset's responses are chosen from.

        No more than the responses need, so that a larger n scores nothing anew; of references no more than
        there are.
        """
        wanted = self.subsets[subset].responses
        if self.catalogue.models[model].role == "reference":
            wanted = min(wanted, self._largest_n(model, benchmark, sampling))
        return range(-(-wanted // self.sampling[sampling].shard_size_of(benchmark)))

    def _largest_n(self, model: str, benchmark: str, sampling: str) -> int:
        """The largest n of a cell in any exhibit."""
        return max(
            cell.n
            for exhibit in self.exhibits.values()
            for cell in exhibit.cells
            if (cell.model, cell.benchmark, cell.sampling) == (model, benchmark, sampling)
        )

    def probes(self, sampling: str) -> list[Sampling]:
        """How a model is sampled to find the temperature of a matched sampling."""
        matched = self.sampling[sampling]
        return matched.probes(self.subsets[matched.matching.subset]) if matched.matching else []

    def template(self, model: str, sampling: str) -> str:
        """Name of the prompt template that ``model`` gets under the sampling directory."""
        return self.sampling[sampling].template or self.catalogue.models[model].template

    def describe(self, cell: Cell) -> dict[str, Any]:
        """The cell's columns in a figure's table, with the catalogue's labels, family and role."""
        model = self.catalogue.models[cell.model]
        described = asdict(cell) | {
            "label": model.label,
            "family": model.family,
            "role": model.role,
            "sampling_label": self.sampling[cell.sampling].label,
        }
        if model.source == "counts":  # who judged them is not known here
            described["verifier"] = cell.verifier.replace(VERIFIERS[0], "imported", 1)
        return described | {"benchmark_label": self.catalogue.benchmarks[cell.benchmark].label}

    def describe_pair(self, cell: Cell, base: Cell) -> dict[str, Any]:
        """The same of a cell that is compared with its base."""
        of_base = self.describe(base)
        keys = {"base": "model", "base_label": "label", "base_sampling": "sampling", "base_n": "n"}
        keys["base_sampling_label"] = "sampling_label"
        return self.describe(cell) | {name: of_base[key] for name, key in keys.items()}

    def published_of(self, exhibit: Exhibit) -> list[dict[str, Any]]:
        """What is published of the models and benchmarks of its cells, if it shows that."""
        shown = {(cell.model, cell.benchmark) for cell in exhibit.cells}
        return [
            asdict(entry)
            for entry in self.published
            if exhibit.kind == "published" and (entry.model, entry.benchmark) in shown
        ]

    def describe_settings(self, cell: Cell) -> dict[str, Any]:
        """What a published number's settings are compared with."""
        sampling = self.sampling[cell.sampling]
        return {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "template": self.template(cell.model, cell.sampling),
        }

    def describe_trained_pair(self, cell: Cell, other: Cell) -> dict[str, Any]:
        """Both cells with how their models were trained, for the claims; the other's keys say so."""
        ours, theirs = (
            self.describe(each)
            | {"base_of_model": self.catalogue.models[each.model].base}
            | self.catalogue.models[each.model].training
            for each in (cell, other)
        )
        return ours | {f"other_{key}": value for key, value in theirs.items()}
