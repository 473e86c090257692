"""Which pairs of a study's cells the claims need. Without pandas: the workflow asks before any job runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

from boundary.claims.samplings import is_matched, matched_to, same_sampling
from boundary.claims.training import (
    Training,
    has_another_algorithm,
    has_more_kl,
    has_more_rollouts,
    is_later,
    is_same_run,
)
from boundary.study.pairs import base_of
from boundary.verification.verifiers import VERIFIERS

if TYPE_CHECKING:
    from boundary.study.model import Model
    from boundary.study.study import Cell

NO_TARGETS: Mapping[str, str] = {}
Group = Mapping[str, "Sequence[Cell]"]  # the cells of one benchmark and verifier, by model


def pairs_to_compare(
    cells: Iterable[Cell], models: Mapping[str, Model], targets: Mapping[str, str] = NO_TARGETS
) -> list[tuple[Cell, Cell]]:
    """Ordered pairs (model, other) of ``cells``, each once; ``models`` is the catalogue by name.

    ``targets`` are the samplings, as directories, that others were matched to, where the study says so.

    Two cells of a pair have their benchmark and verifier in common, and are sampled in the same way (the
    same sampling, else the same name under another seed) unless it is said otherwise below. Of cells that
    differ in n, both get the largest n that both have, else each its own largest. Of second opinions none
    is compared where the study's own verifier has judged cells of the benchmark; a verifier's filters
    are compared each by itself.

    - every model against its base: the nearest ancestor whose role is base (claims 1 to 6 and 8)
    - RLVR models that were trained from the same model: of two that differ in their algorithm alone the
      later in the order of cells against the earlier (claim 6); those that differ in steps alone, later
      against earlier (7); in their KL penalty alone, larger against smaller; in rollouts alone, more
      against fewer, where no two have equal steps the last of each (10)
    - a model at a sampling named ``matched`` or ``matched.ANYTHING`` against itself at the sampling that
      it was matched to, and against its base there (9): that is its target, else NAME of ``matched.NAME``,
      else the first sampling in the order of cells that both have
    """
    pairs: list[tuple[Cell, Cell]] = []
    for group in _groups(list(cells)):
        for name, of_model in group.items():
            of_base = group.get(base_of(name, models) or "", [])
            pairs += _meet(of_model, of_base)
            pairs += _matched(of_model, of_base, targets)
        for first, second in _related_trainings(group, models):
            pairs += _meet(group[first], group[second])
    return list(dict.fromkeys(pairs))


def _groups(cells: Sequence[Cell]) -> Iterator[Group]:
    own: dict[str, str] = {}  # of each benchmark the verifier that comes first
    for cell in cells:
        name = cell.judge
        own[cell.benchmark] = min(own.get(cell.benchmark, name), name, key=VERIFIERS.index)
    groups: dict[tuple[str, str], dict[str, list[Cell]]] = {}
    for cell in cells:
        if cell.judge == own[cell.benchmark]:
            group = groups.setdefault((cell.benchmark, cell.verifier), {})
            group.setdefault(cell.model, []).append(cell)
    yield from groups.values()


def _meet(firsts: Sequence[Cell], seconds: Sequence[Cell]) -> Iterator[tuple[Cell, Cell]]:
    """The cells of one model, each with that of the other which is sampled in the same way."""
    for sampling in _samplings(firsts):
        other = same_sampling(sampling, _samplings(seconds))
        if other is not None:
            yield _with_equal_n(_sampled(firsts, sampling), _sampled(seconds, other))


def _matched(
    of_model: Sequence[Cell], of_base: Sequence[Cell], targets: Mapping[str, str]
) -> Iterator[tuple[Cell, Cell]]:
    bases = _samplings(of_base)
    shared = [name for name in _samplings(of_model) if same_sampling(name, bases) is not None]
    for sampling in filter(is_matched, _samplings(of_model)):
        target = targets.get(sampling)
        plain = same_sampling(target, shared) if target else matched_to(sampling, shared)
        if plain is not None:
            hot = _sampled(of_model, sampling)
            yield _with_equal_n(hot, _sampled(of_model, plain))
            yield _with_equal_n(hot, _sampled(of_base, same_sampling(plain, bases)))


def _samplings(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.sampling for cell in cells))


def _sampled(cells: Sequence[Cell], sampling: str | None) -> list[Cell]:
    return [cell for cell in cells if cell.sampling == sampling]


def _with_equal_n(firsts: Sequence[Cell], seconds: Sequence[Cell]) -> tuple[Cell, Cell]:
    first, second = ({cell.n: cell for cell in cells} for cells in (firsts, seconds))
    shared = first.keys() & second.keys()
    return first[max(shared or first)], second[max(shared or second)]


def _related_trainings(group: Group, models: Mapping[str, Model]) -> Iterator[tuple[str, str]]:
    trained = {
        name: Training.read(models[name].base, models[name].training)
        for name in group
        if models[name].role == "rlvr"
    }
    order = list(trained)
    for model, other in permutations(trained, 2):
        one, two = trained[model], trained[other]
        in_order = order.index(model) > order.index(other)
        if (
            is_later(one, two)
            or has_more_kl(one, two)
            or (has_another_algorithm(one, two) and in_order)
            or (has_more_rollouts(one, two) and _are_counterparts(one, two, trained.values()))
        ):
            yield model, other


def _are_counterparts(one: Training, two: Training, trained: Collection[Training]) -> bool:
    """Whether two runs' trainings have equal steps or, where no two of them have, are their last."""
    ones, twos = (
        {training.steps for training in trained if is_same_run(training, run)} for run in (one, two)
    )
    if ones & twos:
        return one.steps == two.steps
    return one.steps == _last(ones) and two.steps == _last(twos)


def _last(steps: Iterable[float | None]) -> float | None:
    return max((known for known in steps if known is not None), default=None)
