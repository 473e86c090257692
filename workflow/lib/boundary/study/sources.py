"""What an exhibit is drawn from: files of statistics, and which cells each is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from boundary.study import paths
from boundary.study.scorings import Scoring, matched_pairs, scored_pairs, scorings
from boundary.study.study import Exhibit, Study


class Source(NamedTuple):
    """A file below a study's results, and the columns that describe it in the exhibit's table.

    ``elsewhere`` is what the catalogue names: its path does not begin at the results.
    """

    path: str
    description: dict[str, Any]
    elsewhere: bool = False


def sources(study: Study, exhibit: Exhibit) -> list[Source]:
    """The files of an exhibit, in the order in which it shows them."""
    return list(OF_KIND.get((exhibit.type, exhibit.kind), _of_cells)(study, exhibit))


def _of_cells(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    """The statistic of each of its cells, or of its pairs."""
    for cell, base in exhibit.pairs:
        path = paths.pair_path(cell, base, exhibit.shows.statistic)
        yield Source(path, study.describe_pair(cell, base))
    for cell in exhibit.cells if not exhibit.pairs else ():
        yield Source(paths.statistic_path(cell, exhibit.shows.statistic), study.describe(cell))


def _published(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    for cell in exhibit.cells:
        described = study.describe(cell) | study.describe_settings(cell)
        yield Source(paths.statistic_path(cell, exhibit.shows.statistic), described)


def _claims(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    """The measures of every pair; with a subset, also perplexities and entropies.

    Those of models against their bases, and those of models at a matched temperature.
    """
    of_perplexity = scored_pairs(exhibit, study.catalogue.models) if exhibit.subset else []
    of_entropy = matched_pairs(exhibit) if exhibit.subset else []
    for cell, other in exhibit.pairs:
        described = study.describe_trained_pair(cell, other)
        yield Source(paths.pair_path(cell, other, exhibit.shows.statistic), described)
        if (cell, other) in of_perplexity:
            path = paths.perplexity_quantile_path(cell, other, _subset(exhibit))
            yield Source(path, described)
        if (cell, other) in of_entropy:
            yield Source(paths.entropy_path(cell, _subset(exhibit)), described)


def _perplexity(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    """Of each model against its base: both models' responses and references, under both (fig. 6)."""
    for scoring in scorings(exhibit, study.catalogue.models):
        yield _scored(study, exhibit, scoring)


def _perplexity_by_step(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    """Of each model against its base: the responses of both under the base, with their steps."""
    for scoring in scorings(exhibit, study.catalogue.models):
        training = study.catalogue.models[scoring.cell.model].training
        trained = scoring.cell.model != scoring.scorer
        steps = {
            "steps": training["steps"] if trained else 0,
            "run": _run(training) if trained else "",
        }
        source = _scored(study, exhibit, scoring)
        yield Source(source.path, source.description | steps)


def _run(training: Mapping[str, Any]) -> str:
    """What the checkpoints of one training have in common."""
    known = [str(training.get("algorithm", ""))]
    known += [f"{training['rollouts']} rollouts"] if "rollouts" in training else []
    known += [f"KL {training['kl']:g}"] if training.get("kl") else []
    return ", ".join(filter(None, known)) or "training"


def _perplexity_table(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    for cell, base in exhibit.pairs:
        path = paths.perplexity_quantile_path(cell, base, _subset(exhibit))
        yield Source(path, study.describe_pair(cell, base))


def _entropy(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    for cell in exhibit.cells:
        yield Source(paths.entropy_path(cell, _subset(exhibit)), study.describe(cell))


def _entropy_matched(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    """The curve of every cell, and its entropy."""
    for cell in exhibit.cells:
        described = study.describe(cell)
        for statistic, path in (
            ("pass_at_k", paths.statistic_path(cell, "pass_at_k")),
            ("entropy", paths.entropy_path(cell, _subset(exhibit))),
        ):
            yield Source(path, described | {"statistic": statistic})


def _training_dynamics(study: Study, exhibit: Exhibit) -> Iterator[Source]:
    """The log of each model's training: written here, or named by its entry."""
    for name in exhibit.models:
        model = study.catalogue.models[name]
        described = {
            "model": name,
            "label": model.label,
            "family": model.family,
            "role": model.role,
        }
        log = model.training_log
        yield Source(log or paths.metrics_path(name), described, elsewhere=log is not None)


def _scored(study: Study, exhibit: Exhibit, scoring: Scoring) -> Source:
    model = study.catalogue.models[scoring.scorer]
    of_scorer = {"scorer": model.name, "scorer_label": model.label, "scorer_role": model.role}
    path = paths.perplexity_path(scoring.cell, _subset(exhibit), scoring.scorer)
    return Source(path, study.describe(scoring.cell) | of_scorer)


def _subset(exhibit: Exhibit) -> str:
    assert exhibit.subset is not None  # boundary.study.scorings.check_scored sees to that
    return exhibit.subset


OF_KIND: dict[tuple[str, str], Callable[[Study, Exhibit], Iterator[Source]]] = {
    ("table", "claims"): _claims,
    ("table", "published"): _published,
    ("figure", "perplexity"): _perplexity,
    ("figure", "perplexity_by_step"): _perplexity_by_step,
    ("table", "perplexity"): _perplexity_table,
    ("table", "entropy"): _entropy,
    ("figure", "entropy_matched"): _entropy_matched,
    ("figure", "training_dynamics"): _training_dynamics,
}
