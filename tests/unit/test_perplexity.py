"""Perplexities and their quantiles against exact arithmetic, plain loops and simulated truth."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from boundary.data.atomic import write_csv
from boundary.errors import BoundaryError
from boundary.estimation.perplexity import describe, read_table, tabulate, weighted_medians
from boundary.estimation.perplexity_quantile import compare, quantiles_among
from boundary.estimation.summary import by_name
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

NAN = math.nan
SETTINGS = {"resamples": 300, "level": 0.95, "seed": 0}
COUNTS = {
    "problems", "problems_correct", "problems_wrong", "problems_left_out",
    "base_responses", "model_responses", "cut_off", "unscored",
}  # fmt: skip


def scores_of(*rows):
    """Score records from (problem, index, nll_sum, n_tokens) and, of some, further columns."""
    usual = {"scorer": "base", "entropy_mean": 0.5, "tokens": "stored", "finish_reason": "stop"}
    records = [
        {
            **usual,
            "detail": "",
            **dict(
                zip(("problem_id", "sample_index", "nll_sum", "n_tokens"), row[:4], strict=True)
            ),
            **(row[4] if len(row) > 4 else {}),
        }
        for row in rows
    ]
    return pd.DataFrame(records).astype({"nll_sum": np.float64, "entropy_mean": np.float32})


def verdicts_of(scores, verdict="correct"):
    return scores[["problem_id", "sample_index"]].assign(verdict=verdict)


EMPTY = {"detail": "no tokens", "entropy_mean": NAN, "finish_reason": "stop"}
LONG = {
    "detail": "longer than the scorer's context of 4096 tokens",
    "entropy_mean": NAN,
    "finish_reason": "length",
}
SCORES = scores_of(
    ("a", 0, 2 * math.log(8), 2),
    ("a", 1, NAN, 0, EMPTY),
    ("a", 2, 3 * math.log(2), 3, {"finish_reason": "length", "tokens": "retokenised"}),
    ("b", 0, 5 * math.log(4), 5),
    ("b", 1, NAN, 5000, LONG),
    ("c", 0, NAN, 7, {"detail": "a failed sample", "finish_reason": "error"}),
)


def table_of(problems, verdict="correct"):
    """A table like tabulate's from perplexities by problem, or (perplexity, verdict)."""
    rows = [
        (problem, index, *(value if isinstance(value, tuple) else (value, verdict)))
        for problem, values in problems.items()
        for index, value in enumerate(values)
    ]
    table = pd.DataFrame(rows, columns=["problem_id", "sample_index", "perplexity", "verdict"])
    return table.astype({"perplexity": np.float64}).assign(cut_off=False)


def compared(base, model, **changed):
    by_problem, measures = compare(table_of(base), table_of(model), **{**SETTINGS, **changed})
    return by_problem.set_index("problem_id"), by_name(measures)


def test_a_perplexity_is_that_of_the_mean_token():
    verdicts = verdicts_of(SCORES, ["correct", "no_answer", "truncated", "wrong", "wrong", "error"])
    more = pd.DataFrame({"problem_id": ["a"], "sample_index": [9], "verdict": ["wrong"]})
    shuffled = pd.concat([more, verdicts]).sample(frac=1, random_state=0)
    table = tabulate(SCORES, shuffled)
    assert list(table) == [
        "problem_id", "sample_index", "perplexity", "entropy", "n_tokens", "tokens", "cut_off",
        "verdict", "detail",
    ]  # fmt: skip
    assert table["perplexity"].tolist() == pytest.approx([8, NAN, 2, 4, NAN, NAN], nan_ok=True)
    assert table["cut_off"].tolist() == [False, False, True, False, True, False]
    pd.testing.assert_frame_equal(
        table[["problem_id", "sample_index", "verdict"]], verdicts, check_dtype=False
    )


def test_scores_keep_their_order_and_any_index():
    verdicts = verdicts_of(SCORES, ["correct", "wrong", "wrong", "wrong", "wrong", "error"])
    table = tabulate(SCORES.iloc[::-1], verdicts)
    pd.testing.assert_frame_equal(
        table.iloc[::-1].reset_index(drop=True), tabulate(SCORES, verdicts)
    )


def test_what_was_scored_has_one_verdict_and_was_scored_once():
    verdicts = verdicts_of(SCORES)
    with pytest.raises(BoundaryError, match=r"problem b: sample 1 was scored and has no .*1 such"):
        tabulate(SCORES, verdicts.drop(index=4))
    twice = pd.concat([verdicts, verdicts.iloc[2:4]])
    with pytest.raises(BoundaryError, match=r"problem a: sample 2 has two verdicts .2 such"):
        tabulate(SCORES, twice)
    with pytest.raises(BoundaryError, match=r"problem a: sample 0 was scored twice .1 such"):
        tabulate(pd.concat([SCORES, SCORES.iloc[:1]]), verdicts)


def test_a_cell_tells_what_was_not_scored():
    values = by_value(describe(tabulate(SCORES, verdicts_of(SCORES))))
    assert values.pop("median") == pytest.approx(4)  # b has half of the weight
    assert values == {
        "problems": 3, "responses": 6, "scored": 3, "unscored": 3, "empty": 1, "too_long": 1,
        "cut_off": 1, "retokenised": 1,
    }  # fmt: skip


def by_value(measures):
    return dict(zip(measures["measure"], measures["value"], strict=True))


def test_a_cell_of_which_nothing_was_scored_has_no_median():
    scores = SCORES[SCORES["nll_sum"].isna()]
    values = by_value(describe(tabulate(scores, verdicts_of(scores))))
    assert math.isnan(values["median"]) and values["scored"] == 0 and values["unscored"] == 3


NUMBERS = st.integers(0, 5).map(float)
PROBLEMS = st.dictionaries(
    st.sampled_from("abcd"), st.lists(NUMBERS, min_size=1, max_size=7), min_size=1
)


def exact_quantile(values, of):
    return Fraction(2 * sum(v < of for v in values) + sum(v == of for v in values), 2 * len(values))


def exact_median(pairs):
    """The median of (value, weight), from its definition: the middle of all that halve the weight."""
    total = sum(weight for _, weight in pairs)
    halves = [
        v
        for v, _ in pairs
        if 2 * sum(w for u, w in pairs if u < v) <= total
        and 2 * sum(w for u, w in pairs if u > v) <= total
    ]
    return (min(halves) + max(halves)) / 2


def weigh(problems):
    return [(v, Fraction(1, len(values))) for values in problems.values() for v in values]


@given(st.lists(NUMBERS, min_size=1, max_size=9), NUMBERS)
def test_a_quantile_is_exact_and_halves_ties(values, of):
    found = quantiles_among(np.sort(values), np.array([of]))[0]
    assert Fraction(found).limit_denominator(100) == exact_quantile(values, of)


@given(st.lists(st.tuples(NUMBERS, st.integers(0, 3)), min_size=1, max_size=9))
def test_a_weighted_median_is_that_of_each_value_so_often(pairs):
    values, weights = (np.array(part, dtype=float) for part in zip(*sorted(pairs), strict=True))
    if not weights.any():
        return
    rows = np.stack([weights / 7, np.ones_like(weights)])  # of any scale, and rows for themselves
    found = weighted_medians(values, rows)
    assert found.tolist() == [np.median(np.repeat(values, weights.astype(int))), np.median(values)]


@settings(max_examples=40)
@given(PROBLEMS, PROBLEMS)
def test_estimates_are_exact(base, model):
    both = [problem for problem in base if problem in model]
    if not both:
        with pytest.raises(BoundaryError, match=r"no problem has scored responses of both"):
            compared(base, model)
        return
    by_problem, measured = compared(base, model, resamples=60)
    exact = {p: exact_quantile(base[p], np.median(model[p])) for p in both}
    for problem in {*base, *model}:
        found = by_problem.loc[problem, "quantile"]
        assert found == pytest.approx(float(exact.get(problem, NAN)), nan_ok=True)
    assert measured["perplexity_quantile"][0] == pytest.approx(
        float(sum(exact.values()) / len(both))
    )
    pools = [weigh({p: side[p] for p in both}) for side in (base, model)]
    medians = [exact_median(pool) for pool in pools]
    assert [measured[f"{who}_median"][0] for who in ("base", "model")] == medians
    below = sum(w for v, w in pools[0] if v < medians[1])
    level = sum(w for v, w in pools[0] if v == medians[1])
    expected = (below + level / 2) / len(both)
    assert measured["perplexity_quantile_pooled"][0] == pytest.approx(float(expected))
    assert measured["problems"][0] == len(both)
    assert measured["problems_left_out"][0] == len({*base, *model}) - len(both)
    for value, low, high in [
        *(values for values in measured.values() if not math.isnan(values[1])),
        *by_problem.loc[both, ["quantile", "low", "high"]].to_numpy(),
    ]:
        assert 0 <= low <= value <= high


def draw(seed, problems=40, n=15, shift=0.0, spread=1.0):
    rng = np.random.default_rng(seed)
    levels = np.linspace(0, spread, problems)
    return {
        f"p{i}": np.exp(level + 0.3 * rng.normal(size=n) + shift).tolist()
        for i, level in enumerate(levels)
    }


def test_equal_distributions_lie_at_a_half():
    _, measured = compared(draw(2, problems=400), draw(3, problems=400))
    for name in ("perplexity_quantile", "perplexity_quantile_pooled"):
        value, low, high = measured[name]
        assert value == pytest.approx(0.5, abs=0.03) and low < 0.5 < high and high - low < 0.12


def test_all_below_is_nought_and_all_above_is_one():
    base = draw(0)
    for shift, expected in ((-9, 0), (9, 1)):
        by_problem, measured = compared(base, draw(1, shift=shift))
        assert (by_problem[["quantile", "low", "high"]] == expected).all(axis=None)
        assert measured["perplexity_quantile_pooled"] == (expected, expected, expected)
        value, low, high = measured["perplexity_quantile"]
        assert value == expected and 0 <= low <= value <= high <= 1 and high - low > 0.01


def test_all_tied_is_a_half():
    by_problem, measured = compared({"a": [3.0] * 4}, {"a": [3.0]})
    assert by_problem.loc["a", ["quantile", "low", "high"]].tolist() == [0.5] * 3
    assert measured["perplexity_quantile_pooled"] == (0.5, 0.5, 0.5)


def test_equal_responses_are_tied_whatever_batch_they_were_scored_in():
    values = {"a": [1.1, 1.3, 1.2], "b": [2.5, 1.9, 2.2]}
    other = {name: [value * (1 - 2e-7) for value in each] for name, each in values.items()}
    by_problem, measured = compared(values, other)
    assert by_problem["quantile"].tolist() == [0.5, 0.5]
    assert measured["perplexity_quantile_pooled"][0] == pytest.approx(0.5)


def test_a_table_is_read_as_it_was_written(tmp_path):
    table = tabulate(SCORES, verdicts_of(SCORES))
    table["problem_id"] = ["007", "NA", "007", "NA", "null", "1e3"]
    write_csv(tmp_path / "perplexity.csv", table)
    again = read_table(tmp_path / "perplexity.csv")
    pd.testing.assert_frame_equal(again, table, check_dtype=False)


def test_the_pool_hides_what_every_problem_shows():
    """Below the base's in every problem; with problems far apart, in the middle of the pool."""
    base, model = draw(0, spread=20), draw(1, spread=20, shift=-0.4)
    _, measured = compared(base, model)
    assert measured["perplexity_quantile"][2] < 0.2
    assert measured["perplexity_quantile_pooled"][0] > 0.4


def test_swapping_below_and_above_turns_the_quantile_round():
    base, model = draw(0), draw(1, shift=-0.2)
    turned = [{p: [1 / v for v in values] for p, values in side.items()} for side in (base, model)]
    there, back = (by[1] for by in (compared(base, model), compared(*turned)))
    for name in ("perplexity_quantile", "perplexity_quantile_pooled"):
        value, low, high = there[name]
        assert back[name] == pytest.approx((1 - value, 1 - high, 1 - low), abs=0.02)


def test_correct_lie_among_correct_and_wrong_among_wrong():
    base = {
        "a": [(1, "correct"), (2, "correct"), (8, "wrong"), (9, "no_answer"), (0.5, "timeout")],
        "b": [(1, "correct"), (5, "error")],
        "c": [(1, "wrong"), (3, "truncated")],
        "d": [(4, "correct")],
    }
    model = {
        "a": [(1.5, "correct"), (9.5, "truncated"), (0.1, "error")],
        "b": [(9, "wrong"), (9, "timeout")],
        "c": [(2, "no_answer")],
        "d": [(3, "correct"), (3, "correct"), (7, "correct")],
    }
    _, measured = compared(base, model)
    assert measured["perplexity_quantile_correct"][0] == pytest.approx((1 / 2 + 0) / 2)
    assert measured["perplexity_quantile_wrong"][0] == pytest.approx((1 + 1 / 2) / 2)
    assert measured["problems_correct"][0] == measured["problems_wrong"][0] == 2
    assert measured["problems"][0] == 4 and measured["base_responses"][0] == 10
    assert measured["perplexity_quantile"][0] == pytest.approx((0.4 + 1 + 0.5 + 0) / 4)


def test_without_a_common_verdict_there_is_no_such_quantile():
    _, measured = compared({"a": [(1, "correct")]}, {"a": [(1, "wrong")]})
    for of in ("correct", "wrong"):
        assert all(map(math.isnan, measured[f"perplexity_quantile_{of}"]))
        assert measured[f"problems_{of}"][0] == 0


def test_what_was_not_scored_is_counted_and_in_no_mean():
    base = {"a": [1, 2, NAN], "b": [NAN], "c": [3]}
    model = {"a": [1.5, NAN], "b": [2], "d": [1, NAN]}
    tables = [table_of(side) for side in (base, model)]
    tables[0]["cut_off"] = [
        True,
        False,
        True,
        True,
        True,
    ]  # scored, no, no, no; of none that counts
    by_problem, measures = compare(*tables, **SETTINGS)
    measured = by_name(measures)
    assert by_problem["problem_id"].tolist() == ["a", "b", "c", "d"]
    assert by_problem["base_responses"].tolist() == [2, 0, 1, 0]
    assert by_problem["model_responses"].tolist() == [1, 1, 0, 1]
    assert by_problem["quantile"].isna().tolist() == [False, True, True, True]
    assert measured["perplexity_quantile"][0] == 0.5
    assert {name: measured[name][0] for name in COUNTS} == {
        "problems": 1, "problems_correct": 1, "problems_wrong": 0, "problems_left_out": 3,
        "base_responses": 2, "model_responses": 1, "unscored": 4, "cut_off": 1,
    }  # fmt: skip
    assert all(math.isnan(end) for name in COUNTS for end in measured[name][1:])
    assert measured["base_median"][0] == measured["model_median"][0] == 1.5


def test_nothing_in_common_is_said_with_numbers():
    with pytest.raises(BoundaryError, match=r"base has some of 2 problems, the model of 1, and"):
        compared({"a": [1], "b": [1], "c": [NAN]}, {"a": [NAN], "c": [2]})


def test_problems_of_any_size_weigh_the_same():
    """Of one problem a hundred responses, of others one each: the medians are the others'."""
    base = {"a": [1.0] * 100, **{name: [5.0] for name in "bcdefghij"}}
    _, measured = compared(base, {name: [4.0] for name in base})
    assert measured["base_median"] == (5, 5, 5)
    value, low, high = measured["perplexity_quantile_pooled"]
    assert value == pytest.approx(0.1) and low == 0 and high < 0.5
    table = table_of(base).assign(detail="", tokens="stored")
    assert by_value(describe(table))["median"] == 5


def test_intervals_are_those_of_drawing_by_hand():
    """Problems, then the responses of each, of unequal numbers: against a plain loop."""
    rng = np.random.default_rng(0)
    base = {f"p{i}": rng.lognormal(i / 8, 0.5, size=3 + i % 4).tolist() for i in range(8)}
    model = {f"p{i}": rng.lognormal(i / 8 - 0.3, 0.5, size=5 - i % 2).tolist() for i in range(8)}
    by_hand, within = [], []
    for _ in range(3000):
        drawn = rng.choice(list(base), size=8)
        pools = [
            weigh_floats([rng.choice(side[p], size=len(side[p])) for p in drawn])
            for side in (base, model)
        ]
        medians = [halved(*pool) for pool in pools]
        values, weights = pools[0]
        at = (values < medians[1]) @ weights + (values == medians[1]) @ weights / 2
        by_hand.append((at / 8, *medians))
        own, theirs = (rng.choice(side["p3"], size=len(side["p3"])) for side in (base, model))
        within.append(float(exact_quantile(own, np.median(theirs))))
    by_problem, measured = compared(base, model, resamples=20_000, level=0.8)
    names = ("perplexity_quantile_pooled", "base_median", "model_median")
    ends = np.quantile(by_hand, [0.1, 0.9], axis=0).T
    for name, expected in zip(names, ends, strict=True):
        assert measured[name][1:] == pytest.approx(tuple(expected), rel=0.06), name
    expected = np.quantile(within, [0.1, 0.9])
    assert by_problem.loc["p3", ["low", "high"]].tolist() == pytest.approx(expected, abs=0.02)


def weigh_floats(responses):
    values = np.concatenate(responses)
    return values, np.concatenate([np.full(len(part), 1 / len(part)) for part in responses])


def halved(values, weights):
    order = np.argsort(values)
    reached = weights[order].cumsum() / weights.sum()
    ends = [values[order][np.argmax(reached > 0.5 + side)] for side in (-1e-9, 1e-9)]
    return sum(ends) / 2


def test_the_seed_decides_and_blocks_do_not(monkeypatch):
    base, model = draw(0, problems=6), draw(1, problems=6)
    first, again = (compared(base, model) for _ in range(2))
    pd.testing.assert_frame_equal(first[0], again[0])
    assert str(first[1]) == str(again[1])
    other = compared(base, model, seed=1)
    assert other[1]["base_median"] != first[1]["base_median"]
    monkeypatch.setattr("boundary.estimation.perplexity_quantile.VALUES_AT_ONCE", 100)
    small = compared(base, model, resamples=4000)[1]["perplexity_quantile_pooled"]
    monkeypatch.undo()
    large = compared(base, model, resamples=4000)[1]["perplexity_quantile_pooled"]
    assert small == pytest.approx(large, abs=0.03)


def test_the_truth_lies_in_the_intervals_as_often_as_they_say():
    """Of 100 replications at 90 %, of 40 problems with 8 responses each, from a normal population."""
    rng = np.random.default_rng(3)
    spread, within, shift = 0.9, 0.4, -0.3
    whole = math.hypot(spread, within)
    medians = np.median(shift + within * rng.normal(size=(100_000, 8)), axis=1)
    truth = {
        "perplexity_quantile": stats.norm.cdf(medians / within).mean(),
        "perplexity_quantile_pooled": stats.norm.cdf(shift / whole),
        "base_median": 1,
        "model_median": math.exp(shift),
    }
    held = []
    for _ in range(100):
        levels = spread * rng.normal(size=40)
        base, model = (
            {
                f"p{i}": np.exp(level + within * rng.normal(size=8) + moved).tolist()
                for i, level in enumerate(levels)
            }
            for moved in (0.0, shift)
        )
        _, measured = compared(base, model, resamples=200, level=0.9)
        held.append([measured[name][1] <= truth[name] <= measured[name][2] for name in truth])
    for name, share in zip(truth, np.mean(held, axis=0), strict=True):
        assert share > 0.82, name
