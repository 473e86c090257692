from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from boundary.errors import BoundaryError
from boundary.estimation.pass_at_k import estimate, pass_at_k, powers_of_two
from hypothesis import given
from hypothesis import strategies as st

BOOTSTRAP = {"resamples": 2_000, "level": 0.95, "seed": 0}


def exact(n, correct, k):
    return 1 - Fraction(comb(n - correct, k), comb(n, k))


@st.composite
def counts(draw):
    n = draw(st.integers(1, 4096))
    return n, draw(st.integers(0, n)), draw(st.integers(1, n))


@given(counts())
def test_agrees_with_rational_arithmetic(case):
    n, correct, k = case
    assert pass_at_k([n], [correct], [k])[0, 0] == pytest.approx(
        float(exact(n, correct, k)), abs=1e-12
    )


def test_every_k_at_the_largest_n():
    n, ks = 4096, np.arange(1, 4097)
    for correct in (0, 1, 2, 7, 100, 4095, 4096):
        ours = pass_at_k([n], [correct], ks)[0]
        theirs = [float(exact(n, correct, int(k))) for k in ks[::97]]
        assert np.abs(ours[::97] - theirs).max() < 1e-12


def test_is_the_share_of_all_draws_that_hold_a_correct_sample():
    n, correct = 7, 2
    samples = [1] * correct + [0] * (n - correct)
    for k in range(1, n + 1):
        draws = list(combinations(samples, k))
        assert pass_at_k([n], [correct], [k])[0, 0] == pytest.approx(
            sum(any(draw) for draw in draws) / len(draws)
        )


def test_problems_may_have_unequal_n():
    values = pass_at_k([4, 8, 4], [1, 0, 1], [1, 4])
    assert values.tolist() == [[0.25, 1.0], [0.0, 0.0], [0.25, 1.0]]


@pytest.mark.parametrize(
    ("n", "correct", "k"),
    [([4, 3], [1, 1], [4]), ([4], [5], [1]), ([4], [-1], [1]), ([4], [1], [0])],
)
def test_refuses_what_has_no_value(n, correct, k):
    with pytest.raises(ValueError, match="must lie within"):
        pass_at_k(n, correct, k)


def test_powers_of_two_end_at_n():
    assert powers_of_two(1) == [1]
    assert powers_of_two(256) == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert powers_of_two(100) == [1, 2, 4, 8, 16, 32, 64, 100]


def test_estimate_averages_over_problems_and_brackets_the_mean():
    frame = pd.DataFrame({"problem_id": ["a", "b", "c"], "n": 8, "correct": [0, 2, 8]})
    table = estimate(frame, 8, **BOOTSTRAP)
    assert list(table["k"]) == [1, 2, 4, 8]
    assert table["pass_at_k"].iloc[0] == pytest.approx((0 + 2 / 8 + 1) / 3)
    assert table["pass_at_k"].iloc[-1] == pytest.approx(2 / 3)
    assert (table["low"] <= table["pass_at_k"]).all() and (
        table["pass_at_k"] <= table["high"]
    ).all()
    assert (table["low"] < table["high"]).all()


def test_a_missing_sample_is_not_a_wrong_sample():
    frame = pd.DataFrame({"problem_id": ["a", "b"], "n": [8, 7], "correct": [0, 2]})
    with pytest.raises(BoundaryError, match="problem b: 7 judged samples, and pass@8 needs 8"):
        estimate(frame, 8, **BOOTSTRAP)
    assert estimate(frame, 7, **BOOTSTRAP)["k"].iloc[-1] == 7
