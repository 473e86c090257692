"""Reading a study's file: what it names must exist, and its exhibits must have something to show."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from boundary.claims.pairs import pairs_to_compare
from boundary.errors import BoundaryError, unknown_name
from boundary.exhibits.kinds import FIGURES, KINDS, ExhibitType
from boundary.images.placing import PLACEHOLDER
from boundary.study.catalogue import Catalogue, load_catalogue
from boundary.study.checks import check_cells, check_shown, check_source
from boundary.study.documents import load_document
from boundary.study.model import IMPORTED
from boundary.study.pairs import base_of, base_pairs
from boundary.study.published import load_published
from boundary.study.samplings import read_samplings, read_subsets, with_probes
from boundary.study.scorings import check_scored, check_scorer
from boundary.study.study import Cell, Exhibit, Filter, Pair, Sampling, Study, Subset
from boundary.verification.verifiers import VERIFIERS

# The paths of a cell's shards are arguments of one command, which Linux limits to 128 KiB.
MOST_SHARDS = 1000

# Names of the workflow's rules, which a target cannot have.
RESERVED = {
    "all",
    "plan",
    "write_benchmark",
    "pretrain_model",
    "train_rlvr_model",
    "finetune_model",
    "train_with_verl",
    "locate_step",
    "locate_model",
    "sample",
    "import_samples",
    "choose_problems",
    "score",
    "match_temperature",
    "tabulate_perplexity",
    "place_perplexity",
    "estimate_entropy",
    "verify",
    "check_samples",
    "count",
    "import_counts",
    "find_guessable",
    "leave_out",
    "compare_verifiers",
    "vote",
    "estimate",
    "compare",
    "draw_figure",
    "lay_out_table",
    "lay_out_sheet",
    "judge_claims",
}


def load_study(name: str, config: Path, schemas: Path) -> Study:
    """Read config/studies/``name``.yaml and the catalogues of the folder ``config``.

    Raises BoundaryError with the file and the key of the first mistake.
    """
    catalogue = load_catalogue(config, schemas)
    file = config / "studies" / f"{name}.yaml"
    document = load_document(file, schemas / "study.schema.yaml")
    subsets = read_subsets(document["subsets"])
    samplings = read_samplings(
        document["sampling"], subsets, catalogue.prompts, catalogue.benchmarks, file
    )
    reader = _Reader(file, catalogue, samplings, subsets)
    reader.read_filters(document["filters"])
    exhibits: dict[str, Exhibit] = {}
    for exhibit_type in KINDS:
        key = f"{exhibit_type}s"
        for exhibit_name, entry in document[key].items():
            place = f"{file}: {key}.{exhibit_name}"
            if exhibit_name in RESERVED:
                raise BoundaryError(f"{place}: a rule of the workflow has this name; take another")
            if exhibit_name in exhibits:
                raise BoundaryError(
                    f"{place}: a {exhibits[exhibit_name].type} has this name; targets need different "
                    "names"
                )
            exhibits[exhibit_name] = reader.read_exhibit(exhibit_name, exhibit_type, entry, place)
    return Study(
        name=name,
        catalogue=catalogue,
        sampling={sampling.directory: sampling for sampling in with_probes(samplings, subsets)},
        subsets=subsets,
        filters=reader.filters,
        exhibits=exhibits,
        published=load_published(config, schemas),
        bootstrap=document["bootstrap"],
    )


class _Reader:
    """What the exhibits of a study's ``file`` can name."""

    def __init__(
        self,
        file: Path,
        catalogue: Catalogue,
        samplings: dict[str, Sampling],
        subsets: dict[str, Subset],
    ) -> None:
        self.file = file
        self.catalogue = catalogue
        self.samplings = samplings
        self.subsets = subsets
        self.filters: dict[str, Filter] = {}

    def read_filters(self, entries: Mapping[str, Any]) -> None:
        """Read the study's filters."""
        for name, entry in entries.items():
            place = f"{self.file}: filters.{name}"
            self._check_names(place, {"model": [entry["model"]], "sampling": [entry["sampling"]]})
            sampling = self.samplings[entry["sampling"]]
            for size in (sampling.shard_size, *sampling.shard_sizes.values()):
                self._check_n(entry["n"], size, sampling, entry["model"], place)
            self._check_matching(sampling, entry["model"], place)
            self.filters[name] = Filter(
                name, entry["model"], sampling.directory, entry["n"], entry["below"]
            )

    def read_exhibit(
        self, name: str, exhibit_type: ExhibitType, entry: Mapping[str, Any], place: str
    ) -> Exhibit:
        """Read a figure, a table or a sheet."""
        kind, kinds = entry["kind"], KINDS[exhibit_type]
        if kind not in kinds:
            raise BoundaryError(f"{place}.kind: {unknown_name('kind', kind, kinds)}")
        check_shown(kind, kinds[kind], entry, place)
        self._check_names(f"{place}.models", {"model": entry.get("models", [])})
        cells, caption = self._without_missing_references(
            self._cells(entry.get("cells", []), f"{place}.cells"), entry["caption"]
        )
        check_cells(kind, kinds[kind], cells, self.catalogue, f"{place}.cells")
        for cell in cells:
            if cell.filter:
                asked = self.filters[cell.filter].cell(cell.benchmark)
                filters = f"{self.file}: filters.{cell.filter}"
                check_source("pass_at_k", FIGURES["pass_at_k"], asked, self.catalogue, filters)
                (sampling,) = (s for s in self.samplings.values() if s.directory == asked.sampling)
                self._check_template(sampling, asked.model, asked.benchmark, filters)
        pairs: list[Pair] = []
        if kind == "claims":
            targets = {
                sampling.directory: sampling.matching.sampling
                for sampling in self.samplings.values()
                if sampling.matching is not None
            }
            pairs = pairs_to_compare(cells, self.catalogue.models, targets)
            if not pairs:
                raise BoundaryError(
                    f"{place}.cells: no claim is about any two of these cells; most are about a "
                    "model and its base, so name both"
                )
        elif kinds[kind].made_of.paired:
            pairs = base_pairs(cells, self.catalogue.models, f"{place}.cells")
        exhibit = Exhibit(
            name,
            exhibit_type,
            kind,
            caption,
            cells,
            tuple(pairs),
            entry.get("subset"),
            entry["by_name"],
            tuple(entry.get("models", [])),
            entry.get("below"),
        )
        check_scored(exhibit, self.catalogue, self.subsets, place)
        return exhibit

    def _cells(self, groups: list[dict[str, Any]], place: str) -> tuple[Cell, ...]:
        """Expand groups into their cells, in order, each once."""
        cells = []
        for number, group in enumerate(groups):
            names = {
                "model": group["models"],
                "benchmark": group["benchmarks"],
                "sampling": [group["sampling"]],
                "verifier": group["verifiers"],
                "filter": [group["filter"]] if "filter" in group else [],
            }
            self._check_names(f"{place}.{number}", names)
            sampling, n = self.samplings[group["sampling"]], group["n"]
            suffix = f"/{group['filter']}" if "filter" in group else ""
            for benchmark, model, verifier in product(
                group["benchmarks"], group["models"], group["verifiers"]
            ):
                size = sampling.shard_size_of(benchmark)
                self._check_n(n, size, sampling, model, f"{place}.{number}")
                self._check_matching(sampling, model, f"{place}.{number}")
                self._check_template(sampling, model, benchmark, f"{place}.{number}")
                cells.append(Cell(model, benchmark, sampling.directory, n, verifier + suffix))
        return tuple(dict.fromkeys(cells))

    def _without_missing_references(
        self, cells: tuple[Cell, ...], caption: str
    ) -> tuple[tuple[Cell, ...], str]:
        """An exhibit is made without references that nobody can have, and its caption says so."""
        models = self.catalogue.models
        missing = [
            cell
            for cell in cells
            if models[cell.model].role == "reference" and not models[cell.model].available
        ]
        if len(missing) == len(cells):  # nothing is left: they are an obstacle, as other models are
            return cells, caption
        notes = {
            f"Without {models[cell.model].label}: {models[cell.model].settings['reason']}."
            for cell in missing
        }
        return tuple(cell for cell in cells if cell not in missing), " ".join(
            [caption, *sorted(notes)]
        ).strip()

    def _check_names(self, place: str, names: Mapping[str, list[str]]) -> None:
        allowed: Mapping[str, Any] = {
            "model": self.catalogue.models,
            "benchmark": self.catalogue.benchmarks,
            "sampling": self.samplings,
            "verifier": VERIFIERS,
            "filter": self.filters,
        }
        for what, found in names.items():
            for name in found:
                if name not in allowed[what]:
                    raise BoundaryError(f"{place}: {unknown_name(what, name, allowed[what])}")

    def _check_matching(self, sampling: Sampling, model: str, place: str) -> None:
        if sampling.matching is None:
            return
        models = self.catalogue.models
        base = base_of(model, models)
        matches = f"{place}: {sampling.name!r} matches the entropy of {model} to its base's"
        if base is None:
            raise BoundaryError(f"{matches}, and {model} has no base")
        for who in (model, base):
            check_scorer(models[who], True, matches)

    def _check_template(self, sampling: Sampling, model: str, benchmark: str, place: str) -> None:
        """A template with a picture in it poses no problems without one."""
        of_model, of_benchmark = self.catalogue.models[model], self.catalogue.benchmarks[benchmark]
        if of_model.source in IMPORTED or of_benchmark.source == "counts_only":
            return
        template = sampling.template or of_model.template
        if self.catalogue.prompts[template].shows_picture and of_benchmark.domain != "visual":
            raise BoundaryError(
                f"{place}: {model} is asked by the prompt template {template!r}, which shows a picture "
                f"({PLACEHOLDER}), and the problems of {benchmark} have none; name a `template` of the "
                "sampling that shows none, or leave the cell out"
            )

    def _check_n(self, n: int, size: int, sampling: Sampling, model: str, place: str) -> None:
        if self.catalogue.models[model].source == "counts":
            return
        of_sampling = f"shard_size {size} of the sampling {sampling.name!r}"
        if n % size:
            raise BoundaryError(f"{place}.n: found {n}; expected a multiple of {of_sampling}")
        if (shards := n // size) > MOST_SHARDS:
            raise BoundaryError(
                f"{place}.n: found {n}, which is {shards} shards by {of_sampling}; a cell has at most "
                f"{MOST_SHARDS}: raise its shard_size"
            )
