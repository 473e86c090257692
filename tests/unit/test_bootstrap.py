"""The bootstraps against their moments, scipy's and a plain loop."""

import numpy as np
import pandas as pd
import pytest
from boundary.estimation.bootstrap import (
    count_draws,
    draw_problems,
    join,
    percentile_interval,
    resampled_means,
)
from boundary.estimation.pass_at_k import estimate
from boundary.estimation.resampled_curves import ResampledCurves
from boundary.estimation.unbiased import pass_at_k
from scipy import stats


def means_of(values, resamples, seed):
    weights = count_draws(draw_problems(len(values), resamples, seed), len(values))
    return np.concatenate([means for _, means in resampled_means(values, weights)])


def counts_of(correct, n):
    names = [f"p{number}" for number in range(len(correct))]
    return pd.DataFrame({"problem_id": names, "n": n, "correct": correct})


def test_means_have_the_moments_of_resampling():
    values = np.random.default_rng(0).random((40, 300))
    means = means_of(values, 20_000, seed=1)
    assert means.shape == (300, 20_000)
    np.testing.assert_allclose(means.mean(axis=1), values.mean(axis=0), atol=3e-3)
    np.testing.assert_allclose(means.std(axis=1), values.std(axis=0) / np.sqrt(40), rtol=0.04)


def test_every_resample_holds_as_many_problems():
    weights = count_draws(draw_problems(17, 50, seed=0), 17)
    assert weights.shape == (17, 50) and (weights.sum(axis=0) == 17).all()


def test_it_agrees_with_scipy():
    values = np.random.default_rng(2).random(60)
    low, high = percentile_interval(means_of(values[:, None], 20_000, seed=3), 0.9)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, confidence_level=0.9, method="percentile", rng=4
    ).confidence_interval
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), abs=5e-3)


def test_the_same_seed_draws_the_same_problems_for_any_model():
    base, model = (counts_of(np.random.default_rng(s).integers(0, 9, 30), 8) for s in (1, 2))
    ks = np.arange(1, 9)
    together = ResampledCurves([base, model], ks, resamples=300, seed=6)
    alone = ResampledCurves([model], ks, resamples=300, seed=6)
    (_, (_, of_model)), (_, (by_itself,)) = *together.over_problems(), *alone.over_problems()
    np.testing.assert_array_equal(of_model, by_itself)


def test_parts_are_joined_in_their_order():
    low, high = join([(np.array([1.0]), np.array([2.0])), (np.array([3.0]), np.array([4.0]))])
    assert low.tolist() == [1, 3] and high.tolist() == [2, 4]


def test_samples_are_drawn_within_the_problems_that_were_drawn():
    """Against a loop that draws problems, then for each its samples, as one would by hand."""
    n, correct = np.array([8, 8, 6, 8]), np.array([0, 1, 3, 8])
    counts, ks = counts_of(correct, n), np.array([1, 3, 6])
    rng = np.random.default_rng(0)
    by_hand = np.empty((4_000, 3))
    for row in by_hand:
        drawn = rng.integers(4, size=4)
        hits = [
            rng.choice(np.arange(n[p]) < correct[p], size=n[p], replace=True).sum() for p in drawn
        ]
        row[:] = pass_at_k(n[drawn], hits, ks).mean(axis=0)
    resampled = ResampledCurves([counts], ks, resamples=20_000, seed=1)
    ((_, (means,)),) = resampled.over_samples()
    estimates = pass_at_k(n, correct, ks).mean(axis=0)
    np.testing.assert_allclose(means.mean(axis=1), estimates, atol=1e-5)  # moved there
    np.testing.assert_allclose(means.std(axis=1), by_hand.std(axis=0), rtol=0.04)
    moved = by_hand + estimates - by_hand.mean(axis=0)
    for ours, theirs in zip(means, moved.T, strict=True):
        assert stats.wasserstein_distance(ours, theirs) < 0.01


def test_the_statistic_averages_over_problems_and_ends_at_the_fewest_samples():
    frame = counts_of([0, 2, 8], [8, 8, 9])
    table = estimate(frame, 8, resamples=500, level=0.95, seed=0)
    assert list(table["k"]) == list(range(1, 9))
    assert table["pass_at_k"].iloc[0] == pytest.approx((0 + 2 / 8 + 8 / 9) / 3)
    assert table["pass_at_k"].iloc[-1] == pytest.approx(2 / 3)
    for kind in ("", "_bootstrap", "_samples"):
        assert (table[f"low{kind}"] < table["pass_at_k"]).all()
        assert (table["pass_at_k"] < table[f"high{kind}"] + 1e-6).all()
    short = estimate(counts_of([0, 2], [8, 5]), 8, resamples=100, level=0.95, seed=0)
    assert short["k"].iloc[-1] == 5
    assert (
        estimate(frame, 4, resamples=100, level=0.95, seed=0)["k"].iloc[-1] == 4
    )  # as many as were asked for
