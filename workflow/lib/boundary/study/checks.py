"""What a kind of exhibit can say of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boundary.errors import BoundaryError, unknown_name
from boundary.exhibits import (
    FIGURES,
    MAY_HAVE_SCORES,
    OF_SAMPLES,
    OF_SCORES,
    SECOND_OPINIONS,
    TABLES,
)
from boundary.study.catalogue import IMPORTED, LOADED, Catalogue, Model
from boundary.study.pairs import base_of
from boundary.study.study import Cell, Exhibit, Subset
from boundary.verification.verifiers import VERIFIERS

OF_OWN_SCORES = ("perplexity", "entropy_matched", "entropy")  # a model's of its own responses
OF_ENTROPY = ("entropy_matched", "entropy")
OF_COUNTS = ("pass_at_k", "accuracy_histogram", "difference", "coverage", "measures")


def check_cells(
    kind: str, statistic: str, cells: Sequence[Cell], catalogue: Catalogue, place: str
) -> None:
    """See that ``kind`` can be shown of every cell. Raises BoundaryError with the way out."""
    for cell in cells:
        _check_verifier(kind, statistic, cell, place)
        check_source(kind, statistic, cell, catalogue, place)


def _check_verifier(kind: str, statistic: str, cell: Cell, place: str) -> None:
    own = VERIFIERS[0]
    verifier, _, filtered = cell.verifier.partition("/")
    if statistic in SECOND_OPINIONS and verifier == own:
        raise BoundaryError(
            f"{place}: {kind} compares second opinions with {own}, the study's own verifier, and not "
            f"{own} with itself; name the second opinions: verifiers: [{', '.join(VERIFIERS[1:])}]"
        )
    if statistic in OF_SAMPLES and verifier != own:
        raise BoundaryError(
            f"{place}: found the verifier {verifier!r}, and {kind} are the same under every "
            "verifier; leave `verifiers` out"
        )
    if filtered and statistic not in OF_COUNTS:
        raise BoundaryError(
            f"{place}: found the filter {filtered!r}, and {kind} is shown of all problems; leave it out"
        )


def check_source(kind: str, statistic: str, cell: Cell, catalogue: Catalogue, place: str) -> None:
    """What was made elsewhere must be there, and counts tell nothing of samples and verdicts."""
    model, benchmark = catalogue.models[cell.model], catalogue.benchmarks[cell.benchmark]
    if model.source in IMPORTED and cell.benchmark not in model.settings[model.source]:
        raise BoundaryError(
            f"{place}: {model.name} has no {model.source} for {cell.benchmark}; its entry in models.yaml "
            f"names {', '.join(model.settings[model.source])}"
        )
    if model.source != "counts":
        if benchmark.source == "counts_only":
            raise BoundaryError(
                f"{place}: {benchmark.name} is known from counts alone, so that {model.name} cannot be "
                "sampled on it; give the benchmark's entry a `path`"
            )
        return
    if statistic not in OF_COUNTS or cell.verifier.partition("/")[0] != VERIFIERS[0]:
        kinds = {name for name, of in [*FIGURES.items(), *TABLES.items()] if of in OF_COUNTS}
        raise BoundaryError(
            f"{place}: of {model.name} there are counts alone, which somebody else's verifier made; "
            f"found {kind} by {cell.verifier}. Shown of counts can be {', '.join(sorted(kinds))}"
        )


def check_scored(
    exhibit: Exhibit, models: Mapping[str, Model], subsets: Mapping[str, Subset], place: str
) -> None:
    """See that what an exhibit shows of scores can be had. Raises BoundaryError with the way out."""
    kind = exhibit.kind
    if exhibit.subset is None:
        if kind in OF_SCORES:
            raise BoundaryError(
                f"{place}: {kind} is shown of scored responses; say of which: `subset:` with a name under "
                "`subsets`"
            )
        return
    if kind not in (*OF_SCORES, *MAY_HAVE_SCORES):
        raise BoundaryError(f"{place}.subset: {kind} shows no scores; leave it out")
    if exhibit.subset not in subsets:
        raise BoundaryError(f"{place}.subset: {unknown_name('subset', exhibit.subset, subsets)}")
    wanted = subsets[exhibit.subset].responses
    for cell in exhibit.cells:
        model = models[cell.model]
        if wanted > cell.n and model.role != "reference":
            raise BoundaryError(
                f"{place}: the subset {exhibit.subset!r} takes {wanted} responses of each problem, and "
                f"{cell.model} on {cell.benchmark} has n = {cell.n}"
            )
        _check_prompts(model, place)
        for scorer in _scorers(exhibit, cell, models):
            _check_scorer(models[scorer], kind, place)
    for cell, _ in exhibit.pairs:
        if kind == "perplexity_by_step" and "steps" not in models[cell.model].training:
            raise BoundaryError(
                f"{place}: nobody knows after how many steps {cell.model} was taken; its entry in "
                "models.yaml can say so: training: {steps: 100}"
            )


def _check_prompts(model: Model, place: str) -> None:
    if model.source == "counts":
        raise BoundaryError(
            f"{place}: of {model.name} there are counts alone, and no responses that could be scored"
        )
    if model.settings.get("endpoint", {}).get("api") == "chat":
        raise BoundaryError(
            f"{place}: {model.name} is sampled by an endpoint's chat, whose server lays out prompts that "
            "nobody knows here, and a response is scored behind its very prompt; take its api completions"
        )


def _scorers(exhibit: Exhibit, cell: Cell, models: Mapping[str, Model]) -> list[str]:
    """Who scores the responses of a cell."""
    base = base_of(cell.model, models)
    own = models[cell.model].role != "reference" and exhibit.kind in OF_OWN_SCORES
    return [name for name in (cell.model if own else None, base) if name is not None]


def _check_scorer(model: Model, kind: str, place: str) -> None:
    if model.source not in LOADED:
        raise BoundaryError(
            f"{place}: {model.name} would score responses, and its weights are not here, only "
            f"{model.source}"
        )
    if kind in OF_ENTROPY and model.settings.get("score_engine") == "vllm":
        raise BoundaryError(
            f"{place}: {model.name} is scored with vllm, which tells no entropy; take "
            "`score_engine: transformers`"
        )
