"""A study: figures and tables, the cells they name, and how those are sampled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from boundary.errors import BoundaryError, unknown_name
from boundary.exhibits import FIGURES, OF_SAMPLES, SECOND_OPINIONS, TABLES
from boundary.study.catalogue import Catalogue, load_catalogue
from boundary.study.documents import load_document
from boundary.verification.verifiers import VERIFIERS

# Names of the workflow's rules, which a target cannot have.
RESERVED = {
    "all",
    "write_benchmark",
    "pretrain_model",
    "train_rlvr_model",
    "locate_model",
    "sample",
    "verify",
    "check_samples",
    "count",
    "compare_verifiers",
    "estimate",
    "draw_figure",
    "lay_out_table",
}
ExhibitType = Literal["figure", "table"]


@dataclass(frozen=True)
class Sampling:
    """A named way of sampling; ``directory`` is its place in the path of a cell."""

    name: str
    temperature: float
    top_p: float
    max_tokens: int
    template: str | None
    seed: int
    shard_size: int

    @property
    def directory(self) -> str:
        """The name with its seed: other seeds are other samples and must not share a folder."""
        return f"{self.name}.seed{self.seed}"


@dataclass(frozen=True)
class Cell:
    """``n`` samples of every problem of ``benchmark`` by ``model``, judged by ``verifier``.

    ``sampling`` is a directory.
    """

    model: str
    benchmark: str
    sampling: str
    n: int
    verifier: str = VERIFIERS[0]


@dataclass(frozen=True)
class Exhibit:
    """A figure or a table: a kind of statistic, shown for some cells."""

    name: str
    type: ExhibitType
    kind: str
    caption: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Study:
    """A study with the catalogue that its names refer to. ``sampling`` is keyed by directory."""

    name: str
    catalogue: Catalogue
    sampling: dict[str, Sampling]
    exhibits: dict[str, Exhibit]
    bootstrap: dict[str, Any]

    def exhibits_of(self, type: ExhibitType) -> list[Exhibit]:
        """The study's figures, or its tables."""
        return [exhibit for exhibit in self.exhibits.values() if exhibit.type == type]

    def shards(self, cell: Cell) -> range:
        """Numbers of the shards that hold the cell's samples."""
        return range(cell.n // self.sampling[cell.sampling].shard_size)

    def template(self, model: str, sampling: str) -> str:
        """Name of the prompt template that ``model`` gets under the sampling directory."""
        return self.sampling[sampling].template or self.catalogue.models[model].template

    def describe(self, cells: Iterable[Cell]) -> list[dict[str, Any]]:
        """Each cell's columns, with the catalogue's labels, family and role, for a figure."""
        described = []
        for cell in cells:
            model = self.catalogue.models[cell.model]
            described.append(
                asdict(cell)
                | {"label": model.label, "family": model.family, "role": model.role}
                | {"benchmark_label": self.catalogue.benchmarks[cell.benchmark].label}
            )
        return described


def load_study(name: str, config: Path, schemas: Path) -> Study:
    """Read config/studies/``name``.yaml and the catalogues of the folder ``config``.

    Raises BoundaryError with the file and the key of the first mistake.
    """
    catalogue = load_catalogue(config, schemas)
    file = config / "studies" / f"{name}.yaml"
    document = load_document(file, schemas / "study.schema.yaml")
    samplings = {
        key: Sampling(name=key, **{"template": None, **entry})
        for key, entry in document["sampling"].items()
    }
    for sampling in samplings.values():
        if sampling.template is not None and sampling.template not in catalogue.prompts:
            raise BoundaryError(
                f"{file}: sampling.{sampling.name}.template: "
                + unknown_name("template", sampling.template, catalogue.prompts)
            )
    exhibits: dict[str, Exhibit] = {}
    types: tuple[tuple[ExhibitType, str], ...] = (("figure", "figures"), ("table", "tables"))
    for exhibit_type, key in types:
        for exhibit_name, entry in document[key].items():
            place = f"{file}: {key}.{exhibit_name}"
            if exhibit_name in RESERVED:
                raise BoundaryError(f"{place}: a rule of the workflow has this name; take another")
            if exhibit_name in exhibits:
                raise BoundaryError(
                    f"{place}: a figure has this name; targets need different names"
                )
            kinds = FIGURES if exhibit_type == "figure" else TABLES
            if entry["kind"] not in kinds:
                raise BoundaryError(f"{place}.kind: {unknown_name('kind', entry['kind'], kinds)}")
            cells = _cells(entry["cells"], f"{place}.cells", catalogue, samplings)
            _check_verifiers(entry["kind"], cells, f"{place}.cells")
            exhibits[exhibit_name] = Exhibit(
                exhibit_name, exhibit_type, entry["kind"], entry["caption"], cells
            )
    return Study(
        name=name,
        catalogue=catalogue,
        sampling={sampling.directory: sampling for sampling in samplings.values()},
        exhibits=exhibits,
        bootstrap=document["bootstrap"],
    )


def _cells(
    groups: list[dict[str, Any]], place: str, catalogue: Catalogue, samplings: dict[str, Sampling]
) -> tuple[Cell, ...]:
    """Expand groups into their cells, in order, each once."""
    cells = []
    for number, group in enumerate(groups):
        for what, names, allowed in (
            ("model", group["models"], catalogue.models),
            ("benchmark", group["benchmarks"], catalogue.benchmarks),
            ("sampling", [group["sampling"]], samplings),
            ("verifier", group["verifiers"], VERIFIERS),
        ):
            for name in names:
                if name not in allowed:
                    raise BoundaryError(f"{place}.{number}: {unknown_name(what, name, allowed)}")
        sampling, n = samplings[group["sampling"]], group["n"]
        if n % sampling.shard_size:
            raise BoundaryError(
                f"{place}.{number}.n: found {n}; expected a multiple of shard_size "
                f"{sampling.shard_size} of the sampling {sampling.name!r}"
            )
        cells += [
            Cell(model, benchmark, sampling.directory, n, verifier)
            for benchmark, model, verifier in product(
                group["benchmarks"], group["models"], group["verifiers"]
            )
        ]
    return tuple(dict.fromkeys(cells))


def _check_verifiers(kind: str, cells: tuple[Cell, ...], place: str) -> None:
    """See that ``kind`` says something of every cell's verifier."""
    own = VERIFIERS[0]
    for cell in cells:
        if kind in SECOND_OPINIONS and cell.verifier == own:
            raise BoundaryError(
                f"{place}: {kind} compares second opinions with {own}, the study's own verifier, and not "
                f"{own} with itself; name the second opinions: verifiers: [{', '.join(VERIFIERS[1:])}]"
            )
        if kind in OF_SAMPLES and cell.verifier != own:
            raise BoundaryError(
                f"{place}: found the verifier {cell.verifier!r}, and {kind} are the same under every "
                "verifier; leave `verifiers` out"
            )
