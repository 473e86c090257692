"""The kinds of figures, tables and sheets, and what each shows: the one list that all else goes by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

ExhibitType = Literal["figure", "table", "sheet"]


class Statistic(NamedTuple):
    """A file of a cell, of a pair of cells or of a training (boundary.study.sources says which files).

    ``from_counts``: counts are enough, also those that somebody else's verifier made. ``leaves_out``: it
    has a way of its own to leave out what a filter names. ``judged``: it differs from verifier to verifier.
    ``second_opinion``: it compares one with the study's own. ``paired``: it needs a model's base beside it.
    """

    from_counts: bool = False
    leaves_out: bool = False
    judged: bool = True
    second_opinion: bool = False
    paired: bool = False

    @property
    def filterable(self) -> bool:
        """Whether it can be of those problems alone that a filter leaves."""
        return self.from_counts or self.leaves_out


STATISTICS = {
    "pass_at_k": Statistic(from_counts=True),
    "accuracy_histogram": Statistic(from_counts=True),
    "difference": Statistic(from_counts=True, paired=True),
    "coverage": Statistic(from_counts=True, paired=True),
    "measures": Statistic(from_counts=True, paired=True),
    "majority_at_k": Statistic(),
    "verdicts": Statistic(),
    "samples": Statistic(judged=False),
    "agreement": Statistic(second_opinion=True),
    "perplexity": Statistic(paired=True),
    "perplexity_quantile": Statistic(paired=True),
    "entropy": Statistic(judged=False),
    "metrics": Statistic(judged=False),
    "chains": Statistic(leaves_out=True),
}


class Kind(NamedTuple):
    """A kind of exhibit: the name of the statistic that it shows, of cells or of models by themselves.

    ``scores`` are what it shows of the scores of a subset of the responses; claims are about both, and only
    where a subset is named. ``modules`` are a table's own; the stage figures has a branch for it, and
    imports them by name, so that a change there makes no other table anew.
    """

    statistic: str
    of_models: bool = False
    scores: Literal["", "perplexity", "entropy", "claims"] = ""
    modules: tuple[str, ...] = ()

    @property
    def made_of(self) -> Statistic:
        """What its statistic needs."""
        return STATISTICS[self.statistic]


# A figure's name is a module beside this one, with a function `draw`.
FIGURES = {
    "pass_at_k": Kind("pass_at_k"),
    "folded_pass_at_k": Kind("pass_at_k"),
    "majority_at_k": Kind("majority_at_k"),
    "accuracy_histogram": Kind("accuracy_histogram"),
    "difference": Kind("difference"),
    "coverage": Kind("coverage"),
    "perplexity": Kind("perplexity", scores="perplexity"),
    "perplexity_by_step": Kind("perplexity", scores="perplexity"),
    "entropy_matched": Kind("pass_at_k", scores="entropy"),
    "training_dynamics": Kind("metrics", of_models=True),
}
# A table without modules of its own has its layout in `tables`.
TABLES = {
    "pass_at_k": Kind("pass_at_k"),
    "majority_at_k": Kind("majority_at_k"),
    "accuracy_histogram": Kind("accuracy_histogram"),
    "verdicts": Kind("verdicts"),
    "samples": Kind("samples"),
    "agreement": Kind("agreement"),
    "difference": Kind("difference"),
    "coverage": Kind("coverage"),
    "comparison": Kind("measures"),
    "efficiency_gap": Kind("measures"),
    "claims": Kind(
        "measures",
        scores="claims",
        modules=("boundary.claims.judgement", "boundary.claims.report"),
    ),
    "published": Kind("pass_at_k", modules=("boundary.exhibits.published",)),
    "perplexity": Kind("perplexity_quantile", scores="perplexity"),
    "entropy": Kind("entropy", scores="entropy"),
}
# What a person judges of a cell: the command that lays it out has the kind's name.
SHEETS = {"chains": Kind("chains")}

KINDS: Mapping[ExhibitType, Mapping[str, Kind]] = {
    "figure": FIGURES,
    "table": TABLES,
    "sheet": SHEETS,
}
