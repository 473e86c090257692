import time
from collections import Counter
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from boundary.errors import BoundaryError
from boundary.estimation.majority_at_k import (
    Ballot,
    answer_key,
    count_votes,
    estimate,
    majority_at_k,
)
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

LEVEL = 0.95
BLANK, RIGHT = "blank", "right"


def samples_of(ballot):
    wrong = [rival for rival, votes in enumerate(ballot.wrong) for _ in range(votes)]
    return [RIGHT] * ballot.right + [BLANK] * ballot.blank + wrong


def share_won(draw):
    votes = Counter(sample for sample in draw if sample != BLANK)
    winners = [answer for answer in votes if votes[answer] == max(votes.values())]
    return Fraction(RIGHT in winners, len(winners) or 1)


def by_enumeration(ballot, k):
    draws = list(combinations(samples_of(ballot), k))
    return sum(map(share_won, draws)) / len(draws)


@st.composite
def small_ballots(draw):
    wrong = draw(st.lists(st.integers(1, 4), max_size=4))
    left = 11 - sum(wrong)
    right = draw(st.integers(0 if wrong else 1, max(left, 1))) if left > 0 else 1
    return Ballot(right, tuple(wrong), draw(st.integers(0, 2)))


@given(small_ballots())
def test_is_the_share_won_of_all_draws(ballot):
    ks = range(1, ballot.samples + 1)
    expected = [float(by_enumeration(ballot, k)) for k in ks]
    assert majority_at_k([ballot], ks)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("ballot", "k", "expected"),
    [
        (Ballot(2, (2,), 0), 4, 1 / 2),  # a tie of two
        (Ballot(2, (2, 2, 1), 3), 10, 1 / 3),  # of three
        (Ballot(1, (1,) * 9, 0), 10, 1 / 10),
        (Ballot(1, (1, 1), 0), 2, 1 / 3),  # drawn with the chance 2/3, and always tied
        (Ballot(3, (2, 2), 4), 11, 1),
        (Ballot(2, (3,), 9), 14, 0),
        (Ballot(1, (), 3), 2, 1 / 2),  # all blank in every other draw
        (Ballot(0, (), 4), 3, 0),
        (Ballot(0, (3,), 4), 3, 0),
        (Ballot(600, (599, 599, 2), 7), 1807, 1),
        (Ballot(599, (599, 599, 2), 7), 1806, 1 / 3),
    ],
)
def test_known_values(ballot, k, expected):
    assert majority_at_k([ballot], [k])[0, 0] == pytest.approx(expected, abs=1e-9)


def test_one_sample_is_a_majority():
    ballots = [Ballot(3, (90, 7), 24), Ballot(124, (), 0), Ballot(0, (1,) * 124, 0)]
    assert majority_at_k(ballots, [1])[:, 0] == pytest.approx([3 / 124, 1, 0], abs=1e-12)


def test_many_votes_agree_with_rational_arithmetic():
    """One rival, whose chances have a closed form."""
    right, wrong, blank = 400, 420, 204
    n = right + wrong + blank
    ks = [1, 2, 16, 100, 512, 1000, 1024]
    for k, value in zip(ks, majority_at_k([Ballot(right, (wrong,), blank)], ks)[0], strict=True):
        won = sum(
            Fraction(2 if r > s else 1, 2)
            * comb(right, r)
            * comb(wrong, s)
            * comb(blank, k - r - s)
            for r in range(1, min(right, k) + 1)
            for s in range(max(0, k - r - blank), min(r, k - r, wrong) + 1)
        )
        assert value == pytest.approx(float(won / comb(n, k)), abs=1e-9)


@pytest.mark.parametrize(
    "ballot",
    [
        Ballot(30, (40, 30, 29, 3, 3, 2, *[1] * 60), 59),
        Ballot(2, (2,) * 20 + (1,) * 200, 14),
        Ballot(90, (85, 20, 5), 56),
    ],
)
def test_agrees_with_shuffled_samples(ballot):
    shuffles, ks = 4_000, [2, 8, 32, 128]
    samples = np.array(samples_of(ballot), dtype=object)
    rng = np.random.default_rng(5)
    won = np.zeros(len(ks))
    for _ in range(shuffles):
        shuffled = rng.permutation(samples)
        won += [float(share_won(shuffled[:k])) for k in ks]
    values = majority_at_k([ballot], ks)[0]
    four_errors = 4 * np.sqrt(values * (1 - values) / shuffles)
    assert (np.abs(values - won / shuffles) < four_errors + 1e-3).all()


def test_without_rivals_one_vote_is_enough():
    ks = range(1, 9)
    values = majority_at_k([Ballot(3, (), 5), Ballot(8, (), 0)], ks)
    pass_at_k = [1 - comb(5, k) / comb(8, k) for k in ks]
    assert values == pytest.approx(np.array([pass_at_k, [1] * 8]), abs=1e-12)


def test_the_most_frequent_answer_wins_the_more_the_more_vote():
    first, second = majority_at_k([Ballot(60, (40,), 0), Ballot(40, (60,), 0)], range(1, 101, 2))
    assert (np.diff(first) > -1e-12).all() and (np.diff(second) < 1e-12).all()
    assert first + second == pytest.approx(np.ones(50))


@pytest.mark.parametrize("ks", [[0], [1, 5], [-1]])
def test_refuses_what_has_no_value(ks):
    with pytest.raises(ValueError, match=r"k must lie within 1 \.\.\. 4"):
        majority_at_k([Ballot(1, (3,), 0), Ballot(1, (3,), 1)], ks)


def test_is_fast_enough():
    rng = np.random.default_rng(1)
    votes = rng.multinomial(256, rng.dirichlet(np.full(100, 0.2)), size=20)
    ballots = [Ballot(int(row[0]) + 1, tuple(row[1:][row[1:] > 0]), 0) for row in votes]
    start = time.process_time()
    majority_at_k(ballots, [1, 2, 4, 8, 16, 32, 64, 128, 256])
    assert time.process_time() - start < 5


# Verdicts


def verdicts_of(**problems):
    """Records of problems, each a list of (verdict, answer)."""
    rows = [
        (problem, index, answer, verdict)
        for problem, samples in problems.items()
        for index, (verdict, answer) in enumerate(samples)
    ]
    return pd.DataFrame(rows, columns=["problem_id", "sample_index", "answer", "verdict"])


def wrong(*answers):
    return [("wrong", answer) for answer in answers]


def votes_of(verdicts, n):
    votes = count_votes(verdicts, list(verdicts["problem_id"].unique()), n)
    assert list(votes.columns) == ["problem_id", "kind", "votes"]
    return sorted(votes.itertuples(index=False, name=None))


def test_votes_are_counted_by_answer():
    a = [("correct", "5"), ("no_answer", None), ("correct", "5.0"), *wrong("7", "8", "7")]
    b = [
        ("truncated", None),
        ("timeout", "1"),
        ("error", None),
        ("no_answer", None),
        *wrong("7", "7"),
    ]
    assert votes_of(verdicts_of(a=a, b=b), 6) == [
        ("a", "blank", 1),
        ("a", "right", 2),
        ("a", "wrong", 1),
        ("a", "wrong", 2),
        ("b", "blank", 2),
        ("b", "wrong", 2),
    ]
    assert votes_of(verdicts_of(a=a, b=b), 1) == [("a", "right", 1), ("b", "blank", 1)]


@pytest.mark.parametrize(
    "answers",
    [
        ("0.5", "1/2", r"\frac{1}{2}", r"\dfrac12", "½", "$0.50$", r"\frac{2}{4}", ".5"),
        ("1234", "1,234", r"1{,}234", "1234.0", r"1.234\times 10^3"),
        ("-3", "−3", "(-3)", " -3. "),
        ("0", "0.0", "-0"),
        (r"\dfrac{\pi}{2}", r"\frac{\pi}{2}", r"\frac{ \pi }{2}"),
        ("(1,2)", r"\left(1, 2\right)"),
        ("no", r"\text{no}"),
    ],
)
def test_what_is_written_differently_votes_together(answers):
    assert votes_of(verdicts_of(a=wrong(*answers)), len(answers)) == [("a", "wrong", len(answers))]


@pytest.mark.parametrize(
    "answers",
    [
        ("0.5", "0.50001", "5", "-0.5", "50%", "50", "x", "0.5 x", "(0,5)", "", "1/0"),
        ("2x", "2", "2 cm", "2 m", "2^\\circ", "\\sqrt{2}", "x=2", "\\text{two}"),
        ("3" * 5_000, "3" * 5_001, "3" * 200, "\\boxed{", "}", "\\"),
    ],
)
def test_what_differs_votes_apart(answers):
    assert votes_of(verdicts_of(a=wrong(*answers)), len(answers)) == [("a", "wrong", 1)] * len(
        answers
    )


def test_hostile_answers_are_answers():
    start = time.process_time()
    assert all(isinstance(answer_key(answer), str | Fraction) for answer in HOSTILE.values())
    stored = [answer.encode("utf-8", "replace").decode() for answer in HOSTILE.values()]
    found = votes_of(verdicts_of(a=wrong(*stored)), len(HOSTILE))
    assert sum(votes for _, _, votes in found) == len(HOSTILE)
    assert time.process_time() - start < 0.2 * len(HOSTILE)


def test_whatever_fails_in_the_reader_is_left_as_text(monkeypatch):
    def broken(*_, **__):
        raise RecursionError

    monkeypatch.setattr("boundary.estimation.majority_at_k.read", broken)
    assert answer_key("\\dfrac12") == "frac12"
    monkeypatch.setattr("boundary.estimation.majority_at_k.clean", broken)
    assert answer_key("\\dfrac12") == "\\dfrac12"


def test_a_wrong_sample_without_an_answer_cannot_vote():
    with pytest.raises(BoundaryError, match=r"problem b: sample 1 is wrong and .* no answer"):
        votes_of(verdicts_of(a=wrong("1", "2"), b=wrong("1", None)), 2)


def test_every_sample_must_be_there():
    with pytest.raises(BoundaryError, match="problem b: sample 1 is missing"):
        votes_of(verdicts_of(a=wrong("1", "2"), b=wrong("1")), 2)


# Estimates

MIXED = verdicts_of(
    b=[("correct", "4")] * 3 + wrong("6", "6.0", "12/2", "7", "8"),
    a=[("correct", "1")] * 2 + wrong("0.5", "1/2") + [("no_answer", None)] * 2 + wrong("3", "9"),
    c=[("timeout", None), ("error", None)] + [("correct", "2")] * 4 + wrong("1", "3"),
)
PROBLEMS = ["c", "a", "b"]


def test_estimate_averages_over_problems_and_brackets_the_mean():
    table = estimate(MIXED, PROBLEMS, 8, LEVEL)
    assert list(table.columns) == ["k", "majority_at_k", "low", "high", "problems"]
    assert list(table["k"]) == [1, 2, 4, 6]  # of c, six were judged
    assert (table["problems"] == 3).all()
    ballots = [Ballot(4, (1, 1), 0), Ballot(2, (2, 1, 1), 2), Ballot(3, (3, 1, 1), 0)]
    for k, value in zip(table["k"], table["majority_at_k"], strict=True):
        expected = sum(by_enumeration(ballot, k) for ballot in ballots) / 3
        assert value == pytest.approx(float(expected))
    assert (table["low"] < table["majority_at_k"]).all()
    assert (table["majority_at_k"] < table["high"]).all()


def test_the_order_of_samples_changes_nothing():
    expected = estimate(MIXED, PROBLEMS, 8, LEVEL)
    pd.testing.assert_frame_equal(
        estimate(MIXED.sample(frac=1, random_state=3), PROBLEMS, 8, LEVEL), expected
    )


def test_a_problem_that_was_never_judged_is_named():
    verdicts = verdicts_of(a=[("correct", "1")] * 2, b=[("timeout", None), ("error", None)])
    with pytest.raises(BoundaryError, match="problem b: none of its 2 samples was judged"):
        estimate(verdicts, ["a", "b"], 2, LEVEL)
