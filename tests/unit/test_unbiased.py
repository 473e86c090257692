from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from boundary.errors import BoundaryError
from boundary.estimation.unbiased import check_enough, every_k, pass_at_k, powers_of_two, tabulate
from hypothesis import given
from hypothesis import strategies as st


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


def test_a_table_holds_every_number_of_hits():
    table, begin = tabulate(np.array([4, 2, 4]), [1, 2])
    for n, start in zip([4, 2, 4], begin, strict=True):
        expected = pass_at_k(np.full(n + 1, n), np.arange(n + 1), [1, 2])
        np.testing.assert_array_equal(table[start : start + n + 1], expected)


def test_a_missing_sample_is_not_a_wrong_sample():
    counts = pd.DataFrame({"problem_id": ["a", "b"], "n": [8, 7], "correct": [0, 2]})
    assert every_k(counts).tolist() == list(range(1, 8))
    with pytest.raises(BoundaryError, match="problem b: none of its samples was judged"):
        every_k(counts.assign(n=[8, 0]))
    with pytest.raises(BoundaryError, match="problem b: 7 judged samples, and pass@8 needs 8"):
        check_enough(counts, 8)
    check_enough(counts, 7)
