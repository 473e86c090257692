"""Intervals against closed forms, other implementations and simulated truth."""

import numpy as np
import pytest
from boundary.estimation.crossing import crossing_interval, find_crossing
from boundary.estimation.intervals import (
    mean_difference,
    score_interval,
    score_interval_of_difference,
)
from boundary.estimation.unbiased import tabulate
from scipy import stats
from simulated import worlds

N = 128
KS = np.arange(1, N + 1)


def binary(*counts):
    """A column of so many ones, then zeros: [problems, 1]."""
    ones, zeros = counts
    return np.array([1.0] * ones + [0.0] * zeros)[:, None]


@pytest.mark.parametrize(("solved", "problems"), [(0, 400), (1, 400), (200, 400), (400, 400)])
def test_of_a_proportion_it_is_wilsons(solved, problems):
    low, high = score_interval(binary(solved, problems - solved), 0.95)
    # Wilson's takes the normal quantile where this takes Student's, which is the next level's.
    level = 2 * stats.norm.cdf(stats.t.ppf(0.975, problems - 1)) - 1
    theirs = stats.binomtest(solved, problems).proportion_ci(level, method="wilson")
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), abs=2e-3)


def test_without_any_variance_nothing_is_certain():
    values = np.ones((30, 2))
    values[:, 1] = 0.5
    low, high = score_interval(values, 0.95)
    assert 0.85 < low[0] < 0.9 and high[0] == pytest.approx(1)
    assert low[1] < 0.46 and high[1] > 0.54


def test_it_approaches_students_where_that_is_right():
    values = np.random.default_rng(0).beta(2, 3, size=(2_000, 1))
    low, high = score_interval(values, 0.9)
    theirs = stats.ttest_1samp(values[:, 0], 0).confidence_interval(0.9)
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), abs=5e-4)


def test_a_higher_level_reaches_farther():
    values = np.random.default_rng(1).random((20, 1))
    ends = [score_interval(values, level) for level in (0.5, 0.9, 0.99)]
    assert ends[0][0] > ends[1][0] > ends[2][0] and ends[0][1] < ends[1][1] < ends[2][1]


def test_the_difference_of_independent_proportions_is_newcombes():
    """Newcombe (1998), method 10 of the independent case: 56/70 against 48/80 is 0.0524 ... 0.3339."""
    first = np.tile(binary(48, 32), (7, 1))  # crossed, so that the correlation is nought
    second = np.repeat(binary(56, 14), 8, axis=0)
    low, high = score_interval_of_difference(first, second, 0.95)
    assert second.mean() - first.mean() == pytest.approx(0.2)
    # Of 560 pairs, and not of 70 and 80: the shape is the same and the ends are nearer.
    assert 0.13 < low[0] < 0.2 < high[0] < 0.27


def test_pairs_that_go_together_have_a_narrow_difference():
    rng = np.random.default_rng(2)
    base = rng.beta(1, 1, size=(100, 1))
    alike, shuffled = np.clip(base + 0.1, 0, 1), np.clip(rng.permutation(base) + 0.1, 0, 1)
    widths = [
        np.subtract(*score_interval_of_difference(base, model, 0.95)[::-1])[0]
        for model in (alike, shuffled)
    ]
    assert widths[0] < widths[1] / 3


def test_of_binary_pairs_it_agrees_with_the_bootstrap():
    rng = np.random.default_rng(3)
    base, model = rng.random((2, 400)) < [[0.4], [0.6]]
    estimate, low, high = mean_difference(base.astype(float), model.astype(float), 0.95)
    theirs = stats.bootstrap(
        (base, model), lambda a, b, axis: b.mean(axis) - a.mean(axis), paired=True, rng=4
    ).confidence_interval
    assert estimate == model.mean() - base.mean()
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


@pytest.mark.parametrize("problems", [30, 100, 500])
@pytest.mark.parametrize("world", worlds(), ids=lambda world: world.name)
def test_the_truth_lies_in_the_interval_as_often_as_it_says(world, problems):
    """500 replications; the aim is 95 %, and what is near 1 may be held more often, never less."""
    rng = np.random.default_rng(problems)
    table, _ = tabulate(np.array([N]), KS)
    truth = world.truth(KS)
    crossing = find_crossing(KS, truth[1] - truth[0])
    held = {"curve": [], "difference": [], "crossing": []}
    for _ in range(500):
        base, model = (table[counts["correct"]] for counts in world.draw(problems, N, rng))
        low, high = score_interval(base, 0.95)
        held["curve"].append((low <= truth[0]) & (truth[0] <= high))
        low, high = score_interval_of_difference(base, model, 0.95)
        held["difference"].append((low <= truth[1] - truth[0]) & (truth[1] - truth[0] <= high))
        ends = crossing_interval(KS, low, high)
        held["crossing"].append(ends[0] <= crossing <= ends[1])
    at = np.array([1, 4, 16, 64, 128]) - 1
    for name in ("curve", "difference"):
        # The aim is 93 % and more; of 500 replications a share has a standard error of one point.
        assert np.mean(held[name], axis=0)[at].min() > 0.907, name
    assert np.mean(held["crossing"]) > 0.92
    if world.name == "no crossing" and problems == 500:
        assert np.mean(held["curve"]) < 0.985 and np.mean(held["difference"]) < 0.985
