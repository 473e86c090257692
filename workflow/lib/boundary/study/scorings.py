"""Whose responses an exhibit wants scored by whom, and whether that can be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from boundary.claims.samplings import is_matched, sampling_name
from boundary.errors import BoundaryError, unknown_name
from boundary.study.catalogue import Catalogue
from boundary.study.model import LOADED, Model
from boundary.study.pairs import base_of, reference_cells
from boundary.study.study import Cell, Exhibit, Pair, Subset

Models = Mapping[str, Model]


class Scoring(NamedTuple):
    """The responses of ``cell`` under the model ``scorer``."""

    cell: Cell
    scorer: str


def scorings(exhibit: Exhibit, models: Models) -> list[Scoring]:
    """What is scored for an exhibit with a subset, in the order in which it is shown, each once."""
    return list(dict.fromkeys(_scorings(exhibit, models)))


def _scorings(exhibit: Exhibit, models: Models) -> Iterator[Scoring]:
    if exhibit.shows.scores == "entropy":
        yield from (Scoring(cell, cell.model) for cell in exhibit.cells)
    if exhibit.kind == "claims":
        yield from (Scoring(cell, cell.model) for cell, _ in matched_pairs(exhibit))
    pairs = scored_pairs(exhibit, models) if exhibit.kind == "claims" else exhibit.pairs
    for cell, base in pairs:
        yield Scoring(base, base.model)
        yield Scoring(cell, base.model)
        if (exhibit.type, exhibit.kind) == ("figure", "perplexity"):
            yield Scoring(cell, cell.model)
            references = reference_cells(exhibit.cells, cell.benchmark, models)
            for scorer in (base.model, cell.model):
                yield from (Scoring(reference, scorer) for reference in references)


def scored_pairs(exhibit: Exhibit, models: Models) -> list[Pair]:
    """Of a table of claims, the pairs that the claim on perplexity is about."""
    return [
        (cell, other)
        for cell, other in exhibit.pairs
        if models[cell.model].role == "rlvr"
        and other.model == base_of(cell.model, models)
        and sampling_name(cell.sampling) == sampling_name(other.sampling)
        and not cell.filter  # scores are of all problems
    ]


def matched_pairs(exhibit: Exhibit) -> list[Pair]:
    """Of a table of claims, models at a matched temperature with themselves at another."""
    return [
        (cell, other)
        for cell, other in exhibit.pairs
        if cell.model == other.model and is_matched(cell.sampling)
    ]


def check_scored(
    exhibit: Exhibit, catalogue: Catalogue, subsets: Mapping[str, Subset], place: str
) -> None:
    """See that what an exhibit shows of scores can be had. Raises BoundaryError with the way out."""
    kind, shown, models = exhibit.kind, exhibit.shows.scores, catalogue.models
    if exhibit.subset is None:
        if shown in ("perplexity", "entropy"):
            raise BoundaryError(
                f"{place}: {kind} is shown of scored responses; say of which: `subset:` with a name under "
                "`subsets`"
            )
        return
    if not shown:
        raise BoundaryError(f"{place}.subset: {kind} shows no scores; leave it out")
    for cell in exhibit.cells:
        if cell.filter and shown != "claims":
            raise BoundaryError(
                f"{place}.cells: found the filter {cell.filter!r}, and scores are of all problems; leave "
                "it out"
            )
    if exhibit.subset not in subsets:
        raise BoundaryError(f"{place}.subset: {unknown_name('subset', exhibit.subset, subsets)}")
    for cell, scorer in scorings(exhibit, models):
        _check_responses(cell, models[cell.model], subsets[exhibit.subset], place)
        entropy = shown == "entropy" or (shown == "claims" and is_matched(cell.sampling))
        check_scorer(models[scorer], entropy, place)
        if catalogue.benchmarks[cell.benchmark].domain == "visual":
            _check_pictures(models[scorer], models[cell.model], cell.benchmark, place)
    if shown == "perplexity":
        _check_bases(exhibit, models, place)
    if kind == "perplexity_by_step":
        _check_steps(exhibit, models, place)


def _check_responses(cell: Cell, model: Model, subset: Subset, place: str) -> None:
    if subset.responses > cell.n and model.role != "reference":
        raise BoundaryError(
            f"{place}: the subset {subset.name!r} takes {subset.responses} responses of each problem, and "
            f"{cell.model} on {cell.benchmark} has n = {cell.n}"
        )
    if model.source == "counts":
        raise BoundaryError(
            f"{place}: of {model.name} there are counts alone, and no responses that could be scored"
        )
    if model.settings.get("endpoint", {}).get("api") == "chat":
        raise BoundaryError(
            f"{place}: {model.name} is sampled by an endpoint's chat, whose server lays out prompts that "
            "nobody knows here, and a response is scored behind its very prompt; take its api completions"
        )


def check_scorer(model: Model, needs_entropy: bool, place: str) -> None:
    """See that a model can score responses. Raises BoundaryError with the way out."""
    if not model.available:
        return  # an obstacle of its own (boundary.study.obstacles)
    if model.source not in LOADED:
        raise BoundaryError(
            f"{place}: {model.name} would score responses, and its weights are not here, only "
            f"{model.source}"
        )
    by_vllm = model.settings.get("score_engine") == "vllm"
    if model.gpus > 1 and not by_vllm:
        raise BoundaryError(
            f"{place}: {model.name} would score responses on {model.gpus} GPUs, which only vllm can; set "
            "its `score_engine: vllm`, for perplexity alone, or `gpus: 1`"
        )
    if by_vllm and needs_entropy:
        raise BoundaryError(
            f"{place}: {model.name} is scored with vllm, which tells no entropy; take "
            "`score_engine: transformers`"
        )


def _check_pictures(scorer: Model, author: Model, benchmark: str, place: str) -> None:
    if scorer.settings.get("score_engine") == "vllm":
        raise BoundaryError(
            f"{place}: the problems of {benchmark} have pictures, which vLLM is not shown when it "
            f"scores; give {scorer.name} `score_engine: transformers`"
        )
    for key in ("min_pixels", "max_pixels"):
        own, others = scorer.settings.get(key), author.settings.get(key)
        if None not in (own, others) and own != others:
            raise BoundaryError(
                f"{place}: {scorer.name} has {key} {own} and {author.name} {others}, and responses are "
                "scored behind pictures as large as they were sampled with; give both the same"
            )


def _check_bases(exhibit: Exhibit, models: Models, place: str) -> None:
    """Perplexities of a panel are under one base."""
    bases: dict[tuple[str, str], str] = {}
    for cell, base in exhibit.pairs:
        for reference in reference_cells(exhibit.cells, cell.benchmark, models):
            _check_reference(models[reference.model], models[cell.model], place)
        panel = models[cell.model].family, cell.benchmark
        if bases.setdefault(panel, base.model) != base.model:
            raise BoundaryError(
                f"{place}: {bases[panel]} and {base.model} are bases of one family ({panel[0]}), whose "
                "perplexities share a panel; give them families of their own"
            )


def _check_reference(reference: Model, model: Model, place: str) -> None:
    if reference.template != model.template:
        raise BoundaryError(
            f"{place}: {reference.name} answers the prompt template {reference.template!r} and "
            f"{model.name} {model.template!r}; give it the same, since their perplexities are compared"
        )


def _check_steps(exhibit: Exhibit, models: Models, place: str) -> None:
    """Checkpoints are told apart by their steps."""
    taken: dict[tuple[object, ...], str] = {}
    for cell, base in exhibit.pairs:
        training = models[cell.model].training
        if "steps" not in training:
            raise BoundaryError(
                f"{place}: nobody knows after how many steps {cell.model} was taken; its entry in "
                "models.yaml can say so: training: {steps: 100}"
            )
        known = base.model, cell.benchmark, cell.sampling, *sorted(training.items())
        if taken.setdefault(known, cell.model) != cell.model:
            raise BoundaryError(
                f"{place}: {taken[known]} and {cell.model} are the same training after the same steps, as "
                "far as their entries in models.yaml tell; leave one out"
            )
