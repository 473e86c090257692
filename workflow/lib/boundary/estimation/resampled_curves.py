"""Resampling the pass@k curves of models on the same problems, in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.estimation.bootstrap import (
    count_draws,
    draw_problems,
    join,
    percentile_interval,
    resampled_means,
)
from boundary.estimation.intervals import Interval, score_interval
from boundary.estimation.unbiased import pass_at_k

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


class ResampledCurves:
    """pass@k of each of ``counts`` for every one of ``ks``, and in every resample.

    ``counts`` are count records of models on the same problems in the same order; a resample holds the
    same problems for all of them. ``values`` is pass@k of each model, [problems, ks].
    """

    def __init__(
        self, counts: Sequence[pd.DataFrame], ks: NDArray[np.int64], *, resamples: int, seed: int
    ) -> None:
        self.ks = ks
        self.values = [pass_at_k(table["n"], table["correct"], ks) for table in counts]
        self._counts, self._seed = counts, seed
        self._drawn = draw_problems(len(counts[0]), resamples, seed)

    def over_problems(self) -> Iterator[tuple[slice, list[Singles]]]:
        """Some ks at a time: each model's mean over the problems of every resample, [ks, resamples]."""
        weights = count_draws(self._drawn, len(self._drawn), len(self._counts[0]))
        return _together(self.values, [weights] * len(self.values))

    def over_samples(self) -> Iterator[tuple[slice, list[Singles]]]:
        """The same where the samples of each problem that was drawn are drawn anew, too.

        As many as the largest k; for problems that have more, that makes a little too much of chance. With
        replacement, a solution that was seen once is lost in more than a third of the resamples, and
        pass@k for large k is too low in all of them. That is taken out: the resamples are moved to have
        the estimate as their mean.
        """
        largest = int(self.ks[-1])
        table = pass_at_k(np.full(largest + 1, largest), np.arange(largest + 1), self.ks)
        estimates = [values.mean(axis=0) for values in self.values]
        for ks, means in _together([table] * len(estimates), self._drawn_hits):
            pairs = zip(means, estimates, strict=True)
            yield ks, [_move(resampled, estimate[ks]) for resampled, estimate in pairs]

    @cached_property
    def _drawn_hits(self) -> list[Singles]:
        """For each model how often a problem of each resample has 0, 1, 2, ... hits, [hits, resamples]."""
        rng = np.random.default_rng([self._seed, 1])
        largest = int(self.ks[-1])
        shares = [(counts["correct"] / counts["n"]).to_numpy() for counts in self._counts]
        return [
            count_draws(
                (rng.binomial(largest, share[chosen]) for chosen in self._drawn),
                len(self._drawn),
                largest + 1,
            )
            for share in shares
        ]


def tabulate_curves(resampled: ResampledCurves, level: float) -> list[pd.DataFrame]:
    """Each model's curve: k, pass_at_k and its intervals, as ``with_intervals`` names them."""
    models = range(len(resampled.values))
    over_problems, over_samples = (
        [[percentile_interval(means[model], level) for model in models] for _, means in blocks]
        for blocks in (resampled.over_problems(), resampled.over_samples())
    )
    return [
        with_intervals(
            {"k": resampled.ks, "pass_at_k": values.mean(axis=0)},
            score_interval(values, level),
            join(ends[model] for ends in over_problems),
            join(ends[model] for ends in over_samples),
        )
        for model, values in enumerate(resampled.values)
    ]


def with_intervals(
    table: dict[str, Any], score: Interval, over_problems: Interval, over_samples: Interval
) -> pd.DataFrame:
    """``table`` with low and high, low_bootstrap and high_bootstrap, low_samples and high_samples."""
    columns = dict(table)
    for suffix, (low, high) in (
        ("", score),
        ("_bootstrap", over_problems),
        ("_samples", over_samples),
    ):
        columns |= {f"low{suffix}": low, f"high{suffix}": high}
    return pd.DataFrame(columns)


def _together(
    tables: Sequence[Floats], weights: Sequence[Singles]
) -> Iterator[tuple[slice, list[Singles]]]:
    for parts in zip(*map(resampled_means, tables, weights), strict=True):
        yield parts[0][0], [means for _, means in parts]


def _move(means: Singles, estimates: Floats) -> Singles:
    shift = estimates - means.mean(axis=1, dtype=np.float64)
    return means + shift[:, None].astype(np.float32)
