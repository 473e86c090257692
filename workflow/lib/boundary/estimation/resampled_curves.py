"""Resampling the pass@k curves of models on the same problems, in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.estimation.bootstrap import (
    blocks,
    count_draws,
    draw_problems,
    join,
    percentile_interval,
    resampled_means,
)
from boundary.estimation.intervals import Interval, score_interval
from boundary.estimation.unbiased import LARGEST_K, pass_at_k

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
        # How often a resample has a problem, [problems, resamples].
        problems = len(counts[0])
        self._times = count_draws(draw_problems(problems, resamples, seed), problems)

    def over_problems(self) -> Iterator[tuple[slice, list[Singles]]]:
        """Some ks at a time: each model's mean over the problems of every resample, [ks, resamples]."""
        return _together(self.values, [self._times] * len(self.values))

    def over_samples(self) -> Iterator[tuple[slice, list[Singles]]]:
        """The same where the n samples of each problem that was drawn are drawn anew, too.

        With replacement, a solution that was seen once is lost in more than a third of the resamples, and
        pass@k for large k is too low in all of them. That is taken out: the resamples are moved to have
        the estimate as their mean.
        """
        for columns in blocks(len(self.ks)):
            yield columns, [means[columns] for means in self._means_over_samples]

    @cached_property
    def _means_over_samples(self) -> list[Singles]:
        """Each model's mean of every resample, [ks, resamples]."""
        rng = np.random.default_rng([self._seed, 1])
        times = self._times.astype(np.int64)
        moved = []
        for counts, values in zip(self._counts, self.values, strict=True):
            means = _draw_samples(counts, self.ks, times, rng) / len(counts)
            shift = values.mean(axis=0) - means.mean(axis=1, dtype=np.float64)
            moved.append(means + shift[:, None].astype(np.float32))
        return moved


def _draw_samples(
    counts: pd.DataFrame,
    ks: NDArray[np.int64],
    times: NDArray[np.int64],
    rng: np.random.Generator,
) -> Singles:
    """Sums of pass@k over the problems of each resample, each with n samples of its own, [ks, resamples].

    ``times`` [problems, resamples] tells how often a resample has a problem. Of n beyond LARGEST_K that
    many samples are drawn, which is a little too rough and bounds the memory.
    """
    resamples = np.arange(times.shape[1])
    sums = np.zeros((len(ks), times.shape[1]), dtype=np.float32)
    shares = (counts["correct"] / counts["n"]).to_numpy()
    sizes = counts["n"].clip(upper=LARGEST_K).to_numpy(np.int64)
    for n in np.unique(sizes):
        weights = np.zeros((n + 1, times.shape[1]), dtype=np.float32)
        for problem in np.flatnonzero(sizes == n):
            drawn = np.repeat(resamples, times[problem])
            np.add.at(weights, (rng.binomial(n, shares[problem], size=len(drawn)), drawn), 1)
        occurring = np.flatnonzero(weights.any(axis=1))
        table = pass_at_k(np.full(len(occurring), n), occurring, ks).astype(np.float32)
        sums += table.T @ weights[occurring]
    return sums


def tabulate_curves(resampled: ResampledCurves, level: float) -> list[pd.DataFrame]:
    """Each model's curve: k, pass_at_k and its intervals, as ``with_intervals`` names them."""
    models = range(len(resampled.values))
    over_problems, over_samples = (
        [[percentile_interval(means[model], level) for model in models] for _, means in resamples]
        for resamples in (resampled.over_problems(), resampled.over_samples())
    )
    return [
        with_intervals(
            {"k": resampled.ks, "pass_at_k": values.mean(axis=0)},
            values.mean(axis=0),
            score_interval(values, level),
            join(ends[model] for ends in over_problems),
            join(ends[model] for ends in over_samples),
            least=0,
        )
        for model, values in enumerate(resampled.values)
    ]


def with_intervals(
    table: dict[str, Any],
    estimates: Floats,
    score: Interval,
    over_problems: Interval,
    over_samples: Interval,
    least: float,
) -> pd.DataFrame:
    """``table`` with low and high, low_bootstrap and high_bootstrap, low_samples and high_samples.

    Each interval holds the ``estimates``, from which rounding may part it, and none leaves ``least`` ... 1.
    """
    columns = dict(table)
    for suffix, (low, high) in (
        ("", score),
        ("_bootstrap", over_problems),
        ("_samples", over_samples),
    ):
        columns[f"low{suffix}"] = np.clip(np.minimum(low, estimates), least, 1)
        columns[f"high{suffix}"] = np.clip(np.maximum(high, estimates), least, 1)
    return pd.DataFrame(columns)


def _together(
    tables: Sequence[Floats], weights: Sequence[Singles]
) -> Iterator[tuple[slice, list[Singles]]]:
    for parts in zip(*map(resampled_means, tables, weights), strict=True):
        yield parts[0][0], [means for _, means in parts]
