"""Comparing two models: crossing, coverage and measures against brute force and exact arithmetic."""

import math
from fractions import Fraction
from math import comb

import numpy as np
import pandas as pd
import pytest
from boundary.errors import BoundaryError
from boundary.estimation.comparison import compare
from boundary.estimation.coverage import (
    CATEGORIES,
    categorise,
    mcnemar_p,
    pair_counts,
    share_with_interval,
)
from boundary.estimation.crossing import CrossingFinder, crossing_interval, find_crossing
from boundary.estimation.intervals import mean_difference
from boundary.estimation.summary import by_name, describe_crossing, in_words, to_document
from boundary.estimation.unbiased import pass_at_k
from hypothesis import given
from hypothesis import strategies as st

SETTINGS = {"resamples": 400, "level": 0.95, "seed": 0}


def counts_of(correct, n=16):
    names = [f"p{number}" for number in range(len(correct))]
    return pd.DataFrame({"problem_id": names, "n": n, "correct": correct})


def pairs_of(base, model, n=16):
    return pair_counts(counts_of(base, n), counts_of(model, n), common_only=False)


def measures_of(*args, **kwargs):
    return by_name(compare(pairs_of(*args, **kwargs), **SETTINGS).measures)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([0.2, 0.1, -0.1, -0.2], 3),
        ([0.2, 0.1, 0.0, -0.2], 3),  # level counts as not above
        ([0.2, 0.1, 0.05, 0.01], math.inf),
        ([-0.1, -0.2], 1),
        ([0.1, -0.1, 0.1], math.inf),  # above again at the end
        ([0.1, -0.1, 0.1, -0.1], 4),  # for good
        ([0.1, -0.1, 0.0], 2),  # they meet at last, and had crossed
        ([0.1, 0.0], math.inf),  # they meet, and that is all
        ([0.0, 0.0], math.inf),
        ([0.0, -0.1], 1),
    ],
)
def test_the_crossing_is_where_the_base_goes_ahead_for_good(differences, expected):
    ks = np.arange(1, len(differences) + 1)
    assert find_crossing(ks, np.array(differences)) == expected


def crossing_by_definition(ks, differences):
    """In words: the least k such that none from it on is above, if the last that is not level is below."""
    signs = [0 if abs(d) <= 1e-6 else math.copysign(1, d) for d in differences]
    told = [sign for sign in signs if sign]
    if not told or told[-1] > 0:
        return math.inf
    return next(k for at, k in enumerate(ks) if all(sign <= 0 for sign in signs[at:]))


@given(st.lists(st.sampled_from([-0.2, -1e-7, 0.0, 1e-7, 0.3]), min_size=1, max_size=9))
def test_the_crossing_is_that_of_its_definition(differences):
    ks = np.arange(1, len(differences) + 1)
    assert find_crossing(ks, np.array(differences)) == crossing_by_definition(ks, differences)


def test_many_curves_seen_in_parts():
    curves = np.random.default_rng(0).normal(size=(20, 50))
    ks = np.arange(1, 21)
    finder = CrossingFinder(50)
    for part in (slice(0, 7), slice(7, 8), slice(8, 20)):
        finder.see(ks[part], curves[part])
    expected = [crossing_by_definition(ks, curve) for curve in curves.T]
    assert finder.crossings().tolist() == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ([0.1, -0.1, -0.2, -0.3], [0.3, 0.2, 0.1, -0.1], (2, 4)),
        ([0.1, -0.1, -0.2], [0.3, 0.2, 0.1], (2, math.inf)),
        ([0.1, 0.1], [0.3, 0.2], (math.inf, math.inf)),  # above for sure, to the end
        ([-0.3, -0.2], [-0.1, -0.1], (1, 1)),
        ([-0.3, -0.2], [0.1, -0.1], (1, 2)),
    ],
)
def test_the_crossings_interval_is_where_the_difference_may_be_nought(low, high, expected):
    assert crossing_interval(np.arange(1, len(low) + 1), np.array(low), np.array(high)) == expected


def test_categories_hold_every_problem_once():
    coverage = categorise(pairs_of([3, 3, 0, 0, 16], [1, 0, 1, 0, 16]))
    assert coverage["category"].tolist() == [
        "both", "base_only", "model_only", "neither", "both",
    ]  # fmt: skip


@pytest.mark.parametrize(("base_only", "model_only"), [(0, 0), (1, 0), (5, 1), (3, 3), (0, 12)])
def test_mcnemars_test_is_exact(base_only, model_only):
    """Twice the binomial tail, by hand."""
    different, least = base_only + model_only, min(base_only, model_only)
    tail = sum(Fraction(comb(different, k), 2**different) for k in range(least + 1))
    assert mcnemar_p(base_only, model_only) == pytest.approx(float(min(2 * tail, Fraction(1))))


def test_a_share_of_nothing_is_undefined():
    assert all(map(math.isnan, share_with_interval(0, 0, 0.95)))
    ratio, low, high = share_with_interval(18, 19, 0.95)  # the paper's table 4
    assert ratio == 18 / 19 and 0.7 < low < ratio < high < 1


def test_problems_that_one_of_the_two_lacks_are_refused_unless_asked():
    base, model = counts_of([1, 2, 3]), counts_of([1, 2])
    with pytest.raises(BoundaryError, match=r"problem p2: the model has no .*1 such problems"):
        pair_counts(base, model, common_only=False)
    with pytest.raises(BoundaryError, match=r"problem p2: the base has no"):
        pair_counts(model, base, common_only=False)
    assert pair_counts(base, model, common_only=True)["problem_id"].tolist() == ["p0", "p1"]
    with pytest.raises(BoundaryError, match="no problem in common"):
        pair_counts(base, model.assign(problem_id=["x", "y"]), common_only=True)


def test_problems_are_matched_by_name_and_not_by_place():
    base, model = counts_of([1, 2, 3]), counts_of([4, 5, 6]).iloc[::-1]
    pairs = pair_counts(base, model, common_only=False)
    assert pairs["base_correct"].tolist() == [1, 2, 3] and pairs["model_correct"].tolist() == [
        4, 5, 6,
    ]  # fmt: skip


def test_measures_are_what_they_are_called():
    base, model = [0, 1, 2, 16, 0, 8], [0, 0, 8, 16, 1, 16]
    measured = measures_of(base, model)
    values = [pass_at_k(np.full(6, 16), correct, np.arange(1, 17)) for correct in (base, model)]
    difference = (values[1] - values[0]).mean(axis=0)
    assert measured["difference_at_1"][0] == pytest.approx(difference[0])
    assert measured["difference_at_largest_k"][0] == pytest.approx(difference[-1])
    assert measured["least_difference"][0] == pytest.approx(difference.min())
    assert measured["largest_k"][0] == measured["delta_se_k"][0] == 16
    assert [measured[name][0] for name in CATEGORIES] == [3, 1, 1, 1]
    assert measured["problems"][0] == 6 and measured["subset_ratio"][0] == 3 / 4
    assert measured["at_accuracy_1"][0] == pytest.approx(1 / 6)
    assert measured["at_accuracy_0"][0] == 0
    gap = 100 * (values[0][:, -1].mean() - values[1][:, 0].mean())
    assert measured["delta_se"][0] == pytest.approx(gap)
    assert measured["base_pass_at_k"][0] == pytest.approx(values[0][:, -1].mean())
    assert measured["model_pass_at_1"][0] == pytest.approx(values[1][:, 0].mean())
    for name in ("difference_at_1", "delta_se", "subset_ratio", "model_pass_at_k"):
        value, low, high = measured[name]
        assert low < value < high, name


def test_the_gap_is_taken_at_256_or_less():
    many = measures_of([1, 300, 0], [20, 400, 0], n=400)
    assert many["delta_se_k"][0] == 256
    reached = pass_at_k([400] * 3, [1, 300, 0], [256]).mean()
    assert many["delta_se"][0] == pytest.approx(100 * (reached - 420 / 1200))


def test_a_model_against_itself_differs_in_nothing():
    result = compare(pairs_of([0, 3, 16], [0, 3, 16]), **SETTINGS)
    difference, measured = result.difference, by_name(result.measures)
    assert (difference["difference"] == 0).all()
    assert (difference[["low_bootstrap", "high_bootstrap"]] == 0).all(axis=None)
    assert (difference["low"] <= 0).all() and (difference["high"] >= 0).all()
    assert measured["crossing"] == (math.inf, 1, math.inf)
    assert measured["crossing_censored"][0] == 1 and measured["mcnemar_p"][0] == 1


def test_swapping_the_two_turns_the_difference_round():
    base, model = [0, 1, 2, 16, 0, 8], [0, 0, 8, 16, 1, 16]
    there, back = (compare(pairs_of(*pair), **SETTINGS) for pair in ((base, model), (model, base)))
    for kind in ("", "_bootstrap"):
        np.testing.assert_allclose(
            there.difference[f"low{kind}"], -back.difference[f"high{kind}"], atol=1e-6
        )
    pd.testing.assert_frame_equal(there.base, back.model, check_exact=False, atol=0.2)
    np.testing.assert_allclose(there.base["low"], back.model["low"])


def test_unequal_n_end_the_curves_at_the_fewest():
    pairs = pair_counts(
        counts_of([1, 2, 3], [16, 12, 16]), counts_of([1, 2, 3], 8), common_only=False
    )
    result = compare(pairs, **SETTINGS)
    assert result.base["k"].max() == result.model["k"].max() == 8
    with pytest.raises(BoundaryError, match="problem p1: none of its samples was judged"):
        compare(pairs.assign(model_judged=[8, 0, 8], model_correct=[1, 0, 3]), **SETTINGS)


CROSSED = ([1] * 30 + [0] * 10, [8] * 20 + [0] * 20)


def test_a_crossing_that_is_beyond_doubt_is_found():
    measured = measures_of(*CROSSED)
    crossing, low, high = measured["crossing"]
    assert 1 < low < crossing < high < 16
    of_bootstrap = measured["crossing_bootstrap"]
    assert low <= of_bootstrap[1] <= crossing <= of_bootstrap[2] <= high
    assert measured["crossing_censored"][0] < 0.01


def test_words_and_document_say_the_same():
    result = compare(pairs_of(*CROSSED), **SETTINGS)
    words = in_words(result, "old", "new", 0.95)
    document = to_document(result, "old", "new", 0.95)
    assert document["categories"] == {"both": 20, "base_only": 10, "model_only": 0, "neither": 10}
    assert document["crossing"]["estimate"] == find_crossing(
        result.difference["k"].to_numpy(), result.difference["difference"].to_numpy()
    )
    assert (
        f"at {document['crossing']['estimate']:.0f} samples, from where on old solves more" in words
    )
    assert "In short: new finds solutions sooner than old; it solves less in 16 samples" in words
    assert "20 problems by both, 10 by old only, 0 by new only, 10 seen solved by neither" in words
    assert "cannot" not in words and f"{document['delta_se']:.1f}" in words
    assert document["n"] == {"base": [16, 16], "model": [16, 16]}


def test_what_is_undecided_is_called_so():
    words = in_words(compare(pairs_of([1, 0, 3], [0, 2, 3]), **SETTINGS), "old", "new", 0.95)
    assert "whether new finds solutions sooner than old is undecided" in words
    assert "whether it solves more or less in 16 samples is undecided" in words
    document = to_document(compare(pairs_of([3, 3], [3, 3]), **SETTINGS), "old", "new", 0.95)
    assert document["crossing"] == {
        "estimate": None,
        "low": 1,
        "high": None,
        "no_crossing_share": 1,
        "from_start_share": 0,
    }


@pytest.mark.parametrize(
    ("crossing", "text"),
    [
        ((math.inf, 20, math.inf), "none up to 64 samples [20 to beyond 64]"),
        ((math.inf, math.inf, math.inf), "none up to 64 samples [beyond 64]"),
        ((1, 1, 3), "old is never behind [1 to 3]"),
        ((9, 4, 31), "estimated at 9 samples, from where on old solves more [4 to 31]"),
    ],
)
def test_a_crossing_in_words(crossing, text):
    alone = (math.nan, math.nan)
    measured = {
        "crossing": crossing,
        "crossing_censored": (0.25, *alone),
        "crossing_from_start": (0.0, *alone),
    }
    assert (
        describe_crossing(measured, 64, "old") == f"{text}; no crossing in 25.0% of the resamples"
    )


def test_what_rounding_makes_of_level_curves_is_no_crossing():
    ks = np.array([1, 2, 3])
    assert find_crossing(ks, np.array([0.2, -1e-8, -1e-8])) == math.inf
    assert find_crossing(ks, np.array([0.2, -1e-5, -1e-5])) == 2


def test_between_a_crossing_and_none_there_is_nothing():
    """The ends of the bootstrap are resamples' own: with infinite ones about, a mean of two is none."""
    measured = measures_of([1] * 8 + [0] * 2, [3] * 6 + [0] * 4, n=8)
    for end in measured["crossing_bootstrap"][1:]:
        assert math.isinf(end) or end == int(end)
    assert not any(map(math.isnan, measured["crossing_bootstrap"]))


def test_the_least_difference_takes_the_least_of_each_column():
    result = compare(pairs_of([0, 1, 2, 16, 0, 8], [0, 0, 8, 16, 1, 16]), **SETTINGS)
    least = by_name(result.measures)["least_difference"]
    expected = result.difference[["difference", "low", "high"]].min()
    assert least == tuple(expected) and result.difference["low"].idxmin() > 0


def test_models_samples_are_drawn_apart():
    """Within a resample the problems are shared, and not the luck of drawing: differences widen."""
    base = model = [8] * 40
    result = compare(pairs_of(base, model), **SETTINGS).difference
    assert (result["high_bootstrap"] < 1e-6).all()  # all problems are the same
    spread = math.sqrt(2 * 0.5 * 0.5 / (16 * 40))
    assert result["high_samples"].iloc[0] == pytest.approx(1.96 * spread, rel=0.2)


@pytest.mark.parametrize("correct", [[0, 0], [16, 16], [1], [16], [0, 16], [5] * 30])
def test_no_interval_leaves_the_possible_or_its_estimate(correct):
    result = compare(pairs_of(correct, correct[::-1]), **SETTINGS)
    for table, value, least in (
        (result.base, "pass_at_k", 0),
        (result.difference, "difference", -1),
    ):
        for kind in ("", "_bootstrap", "_samples"):
            low, high = table[f"low{kind}"], table[f"high{kind}"]
            assert (least <= low).all() and (low <= table[value]).all()
            assert (table[value] <= high).all() and (high <= 1).all()
    for _, low, high in by_name(result.measures).values():
        assert not low > high


def test_a_few_equal_differences_prove_nothing():
    """Two problems, each solved half as often again: the difference is not known to the last digit."""
    value, low, high = measures_of([4, 8], [8, 12])["difference_at_1"]
    assert value == 0.25 and low < -0.2 and high > 0.5
    same = measures_of([16] * 6 + [0] * 6, [16] * 6 + [0] * 6)["difference_at_largest_k"]
    assert same[0] == 0 and same[1] < -0.1 and same[2] > 0.1


def test_rare_disagreements_are_held_as_often_as_others():
    """Models that disagree on 3 % of 30 problems, on which the raw correlation would say too much."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(500):
        kinds = rng.choice(3, 30, p=[0.5, 0.03, 0.47])
        base, model = (kinds <= 1).astype(float), (kinds == 0).astype(float)
        low, high = mean_difference(base, model, 0.95)[1:]
        held.append(low <= -0.03 <= high)
    assert np.mean(held) > 0.93


def test_curves_of_very_many_samples_end_where_memory_would():
    result = compare(pairs_of([10**6, 5], [10**8, 10**3], n=10**9), **SETTINGS)
    assert result.base["k"].max() == 4096
    assert by_name(result.measures)["model_only"][0] == 0
