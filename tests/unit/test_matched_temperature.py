"""Entropies, and the temperature that matches one, against closed forms and simulated truth."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from boundary.errors import BoundaryError
from boundary.estimation.entropy import by_problem, estimate, measure
from boundary.estimation.matched_temperature import match, solve, to_document
from boundary.estimation.summary import by_name
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

NAN = math.nan
SETTINGS = {"level": 0.95, "resamples": 400, "seed": 0}
V, LIKELY = 100, 3  # tokens, and those with a logit above the others'


def scores_of(*rows):
    """Score records from (problem, entropy_mean, n_tokens)."""
    problems, entropies, tokens = zip(*rows, strict=True)
    scores = pd.DataFrame({"problem_id": problems, "n_tokens": np.array(tokens, dtype=np.int32)})
    scores["entropy_mean"] = np.array(entropies, dtype=np.float32)
    return scores.assign(nll_sum=scores["entropy_mean"].astype(np.float64))


def table_of(entropies, **columns):
    names = [f"p{number}" for number in range(len(entropies))]
    table = {"problem_id": names, "entropy": entropies, "tokens": 20, "responses": 2, "unscored": 0}
    return pd.DataFrame({**table, **columns})


def entropy_at(logit, temperature):
    """Of LIKELY tokens with the logit ``logit`` and V - LIKELY with 0, in closed form."""
    scaled = np.asarray(logit) / temperature
    total = LIKELY * np.exp(scaled) + V - LIKELY
    return np.log(total) - scaled * LIKELY * np.exp(scaled) / total


def probes_of(logits, grid):
    return {temperature: table_of(entropy_at(logits, temperature)) for temperature in grid}


def test_the_closed_form_is_the_entropy():
    logits = np.r_[np.full(LIKELY, 3.0), np.zeros(V - LIKELY)] / 0.7
    assert entropy_at(3.0, 0.7) == pytest.approx(stats.entropy(np.exp(logits)))


def test_an_entropy_is_that_of_the_mean_token():
    table = by_problem(
        scores_of(("b", 1.0, 30), ("b", 2.0, 10), ("a", 0.5, 7), ("b", NAN, 99), ("c", NAN, 0))
    ).set_index("problem_id")
    assert table.index.tolist() == ["b", "a", "c"]
    assert table["entropy"].tolist() == pytest.approx([1.25, 0.5, NAN], nan_ok=True)
    assert table["tokens"].tolist() == [40, 7, 0]
    assert table["responses"].tolist() == [2, 1, 0]
    assert table["unscored"].tolist() == [1, 0, 1]


def test_a_cells_entropy_is_the_mean_over_problems():
    scores = scores_of(("a", 1.0, 300), ("b", 2.0, 10), ("b", NAN, 0), ("c", NAN, 5), ("d", 3, 1))
    measured = by_name(estimate(scores, temperature=0.6, level=0.9))
    theirs = stats.ttest_1samp([1, 2, 3], 0).confidence_interval(0.9)
    assert measured.pop("entropy") == pytest.approx((2, theirs.low, theirs.high))
    assert {name: values[0] for name, values in measured.items()} == {
        "temperature": 0.6, "problems": 3, "problems_left_out": 1, "responses": 3, "tokens": 311,
        "unscored": 2,
    }  # fmt: skip
    assert all(math.isnan(end) for values in measured.values() for end in values[1:])


def test_no_entropy_is_below_nought_and_one_problem_has_no_interval():
    assert measure(table_of([0.0, 0.1, 3.0]), 0.95)[1] == 0
    value, low, high = measure(table_of([0.7, NAN]), 0.95)
    assert value == 0.7 and math.isnan(low) and math.isnan(high)


def test_missing_entropies_are_told_from_missing_scores():
    scores = scores_of(("a", 1.0, 3), ("b", 1.0, 3))
    with pytest.raises(
        BoundaryError, match="no entropies, which vllm does not tell; score with transf"
    ):
        by_problem(scores.assign(entropy_mean=np.float32(NAN)))
    with pytest.raises(BoundaryError, match="none of the 2 responses was scored"):
        by_problem(scores.assign(nll_sum=NAN, entropy_mean=NAN))


def error_of(grid, logit=6.0, target=2.0):
    """How far the match is from the temperature at which the closed form is ``target``."""
    truth = optimize.brentq(lambda t: entropy_at(logit, t) - target, 0.2, 3)
    found = match(table_of([target] * 3), probes_of([logit] * 3, grid), **SETTINGS)
    assert found.reached and found.side == "" and found.problems == 3
    assert found.entropy == pytest.approx(target) and found.target == pytest.approx(target)
    return abs(found.temperature - truth)


def test_a_known_curve_is_inverted_the_better_the_finer_its_grid():
    coarse, fine, finest = (error_of(np.linspace(0.4, 2.0, points)) for points in (3, 5, 33))
    assert coarse < 0.1 and fine < 0.01 and finest <= 5e-4  # it is rounded to three digits
    assert coarse > fine > finest


def test_a_probe_at_the_target_is_the_match():
    logits = np.array([5.0, 6.0, 7.0])
    for temperature in (0.4, 0.8, 1.2):
        target = table_of(entropy_at(logits, temperature))
        found = match(target, probes_of(logits, (1.2, 0.4, 0.8)), **SETTINGS)
        assert found.reached and found.temperature == pytest.approx(temperature)
        # The same in every resample, as the problems are drawn together.
        assert (found.low, found.high) == pytest.approx((temperature, temperature), abs=1e-4)


@pytest.mark.parametrize(("shift", "side", "limit"), [(-9, "below", 0.5), (9, "above", 1.1)])
def test_an_entropy_beyond_the_grid_is_told_with_its_limit(shift, side, limit):
    probes = {t: table_of([10 * t, 10 * t + 2]) for t in (0.5, 0.8, 1.1)}
    found = match(table_of([9.0 + shift, 9.2 + shift]), probes, **SETTINGS)
    assert (found.reached, found.side) == (False, side)
    assert found.temperature == found.low == found.high == limit
    assert found.entropy == pytest.approx(10 * limit + 1)
    assert found.target == pytest.approx(9.1 + shift)


def test_resamples_beyond_the_grid_count_as_its_limit():
    rng = np.random.default_rng(0)
    target = table_of(1.1 + 0.2 * rng.normal(size=30))
    probes = {t: table_of(t + 0.2 * rng.normal(size=30)) for t in (0.5, 0.8, 1.1)}
    found = match(target, probes, **SETTINGS)
    assert found.high == 1.1 and 0.5 < found.low < 1.1


def test_the_nearer_the_grid_the_nearer_its_entropy():
    """PCHIP through the probes is exact at them, and of a line everywhere."""
    probes = {t: table_of([2 * t, 2 * t]) for t in (0.4, 0.6, 1.0, 1.3)}
    for wanted in (0.8, 1.0, 1.2, 1.7, 2.0, 2.6):
        found = match(table_of([wanted, wanted]), probes, **SETTINGS)
        assert found.temperature == pytest.approx(wanted / 2)


def test_two_temperatures_are_joined_by_a_line():
    probes = {0.5: table_of([1.0]), 1.5: table_of([2.0])}
    found = match(table_of([1.25]), probes, **SETTINGS)
    assert found.temperature == found.low == found.high == pytest.approx(0.75)
    assert math.isnan(found.target_low) and to_document(found)["target_low"] is None


def test_probes_that_fall_are_levelled_and_the_least_temperature_is_taken():
    probes = {t: table_of([e, e]) for t, e in ((0.4, 1.0), (0.6, 2.2), (0.8, 1.8), (1.0, 3.0))}
    level = match(table_of([2.0, 2.0]), probes, **SETTINGS)
    assert level.temperature == pytest.approx(0.6) and level.entropy == pytest.approx(2)
    assert [probe["entropy"] for probe in level.probes] == pytest.approx([1, 2.2, 1.8, 3])
    for wanted, ends in ((1.5, (0.4, 0.6)), (2.5, (0.8, 1.0))):
        found = match(table_of([wanted, wanted]), probes, **SETTINGS)
        assert ends[0] < found.temperature < ends[1] and found.reached


def test_what_only_a_probe_that_is_levelled_reaches_is_not_reached():
    probes = {0.5: table_of([1.0]), 1.0: table_of([2.0]), 1.5: table_of([1.8])}
    found = match(table_of([1.95]), probes, **SETTINGS)
    assert (found.side, found.temperature) == ("above", 1.5)
    assert found.entropy == pytest.approx(1.9)


ENTROPIES = st.integers(0, 40).map(lambda tenths: tenths / 10)


@given(st.lists(ENTROPIES, min_size=2, max_size=6), ENTROPIES, ENTROPIES)
def test_the_curve_gives_the_target_and_rises_with_it(probes, one, other):
    grid = np.cumsum(np.linspace(0.2, 0.5, len(probes)))
    low, high = sorted((one, other))
    found = solve(grid, np.array([[low, *probes], [high, *probes]]))
    assert found.temperatures[0] <= found.temperatures[1]
    levelled = optimize.isotonic_regression(probes).x
    for row, target in enumerate((low, high)):
        assert grid[0] <= found.temperatures[row] <= grid[-1]
        inside = levelled[0] <= target <= levelled[-1]
        assert (found.sides[row] == 0) == inside
        expected = np.clip(target, levelled[0], levelled[-1])
        assert found.entropies[row] == pytest.approx(expected, abs=1e-9)


def test_a_paired_bootstrap_over_problems_as_by_hand():
    rng = np.random.default_rng(1)
    logits = 6 + rng.normal(size=25)
    grid = (0.5, 0.8, 1.1, 1.4)
    target, probes = table_of(entropy_at(logits - 1, 0.8)), probes_of(logits, grid)
    found = match(target, probes, level=0.9, resamples=4000, seed=0)
    columns = np.stack([target["entropy"], *(probes[t]["entropy"] for t in grid)], axis=1)
    by_hand = [
        float(np.interp(means[0], means[1:], grid))
        for means in (columns[rng.integers(25, size=25)].mean(axis=0) for _ in range(4000))
    ]
    shift = np.interp(columns.mean(axis=0)[0], columns.mean(axis=0)[1:], grid) - found.temperature
    ends = np.quantile(by_hand, [0.05, 0.95]) - shift
    assert (found.low, found.high) == pytest.approx(ends, abs=0.01)
    # Apart, the problems' differences would come on top.
    apart = columns[rng.integers(25, size=(4000, 25)), 0].mean(axis=1)
    alone = np.quantile(np.interp(apart, columns.mean(axis=0)[1:], grid), [0.05, 0.95])
    assert found.high - found.low < 0.7 * (alone[1] - alone[0])


def test_problems_are_matched_by_name_and_the_missing_are_named():
    logits = np.array([4.0, 6.0, 8.0])
    target, probes = table_of(entropy_at(logits, 0.7)), probes_of(logits, (0.5, 1.0))
    shuffled = {0.5: probes[0.5].iloc[::-1], 1.0: probes[1.0].iloc[[1, 2, 0]]}
    assert match(target, shuffled, **SETTINGS) == match(target, probes, **SETTINGS)
    with pytest.raises(
        BoundaryError, match=r"problem p2: the model at temperature 1 has no .*1 such problems"
    ):
        match(target, {**probes, 1.0: probes[1.0].iloc[:2]}, **SETTINGS)
    with pytest.raises(BoundaryError, match=r"problem p0: the base has no .* temperature 0\.5 has"):
        match(target.iloc[1:], probes, **SETTINGS)


def test_problems_without_a_scored_response_are_left_out_of_all_and_counted():
    probes = {0.5: table_of([1.0, NAN, 1.0]), 1.0: table_of([2.0, 9.0, 2.0])}
    found = match(table_of([1.5, 40.0, 1.5]), probes, **SETTINGS)
    assert (found.problems, found.problems_left_out) == (2, 1)
    assert found.temperature == pytest.approx(0.75) and found.target == 1.5
    assert found.probes[1] == {
        "temperature": 1.0, "entropy": 2.0, "low": 2.0, "high": 2.0, "responses": 4, "tokens": 40,
    }  # fmt: skip
    with pytest.raises(BoundaryError, match="no problem has a scored response of the base and"):
        match(table_of([NAN, 1.0, NAN]), probes, **SETTINGS)


def test_one_temperature_is_no_curve():
    with pytest.raises(BoundaryError, match=r"between two or more that were sampled; found 1"):
        match(table_of([1.0]), {1.0: table_of([1.0])}, **SETTINGS)


def test_the_document_is_json():
    probes = probes_of(np.array([5.0, 6.0]), (0.5, 1.0))
    found = match(table_of([1.4, 1.6]), probes, **SETTINGS)
    document = json.loads(json.dumps(to_document(found), allow_nan=False))
    assert document["temperature"] == found.temperature and document["reached"] is True
    assert document["level"] == 0.95 and len(document["probes"]) == 2
    assert set(document) == {
        "temperature", "low", "high", "entropy", "target", "target_low", "target_high", "reached",
        "side", "probes", "problems", "problems_left_out", "level",
    }  # fmt: skip


def test_the_truth_lies_in_the_interval_as_often_as_it_says():
    """Of 200 replications at 90 %, of 40 problems whose logits are drawn anew."""
    rng = np.random.default_rng(0)
    population = 6 + rng.normal(size=50_000)
    wanted = entropy_at(population - 0.8, 0.8).mean()
    truth = optimize.brentq(lambda t: entropy_at(population, t).mean() - wanted, 0.5, 1.4)
    held = []
    for _ in range(200):
        logits = 6 + rng.normal(size=40)
        noise = [0.1 * rng.normal(size=40) for _ in range(7)]
        target = table_of(entropy_at(logits - 0.8, 0.8) + noise[0])
        probes = {
            t: table_of(entropy_at(logits, t) + part)
            for t, part in zip((0.5, 0.7, 0.9, 1.1, 1.3, 1.5), noise[1:], strict=True)
        }
        found = match(target, probes, level=0.9, resamples=300, seed=0)
        held.append(found.low <= truth <= found.high)
    assert 0.84 < np.mean(held) < 0.96
