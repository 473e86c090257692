from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from boundary.errors import BoundaryError
from boundary.estimation import pass_at_k
from boundary.exhibits.published import COLUMNS, compare_with_published
from boundary.study.published import Published, load_published

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "workflow" / "schemas"
SETTINGS = {"n": 128, "temperature": 0.6, "template": "simplerl"}


def entry(**changes):
    told = {"model": "m", "benchmark": "b", "k": 1, "value": 0.5, "source": "a paper"}
    return Published(**told | {"settings": SETTINGS} | changes)


def curves(chances=None, n=128, **changes):
    """The gathered statistic of one cell, of simulated counts."""
    chances = np.full(40, 0.5) if chances is None else chances
    correct = np.random.default_rng(0).binomial(n, chances)
    names = [str(number) for number in range(len(chances))]
    counts = pd.DataFrame({"problem_id": names, "n": n, "correct": correct})
    cell = {
        "model": "m", "benchmark": "b", "sampling": "s.seed0", "n": n, "verifier": "boundary",
        "temperature": 0.6, "top_p": 0.95, "max_tokens": 16384, "template": "simplerl",
    } | changes  # fmt: skip
    return pass_at_k.estimate(counts, n, resamples=100, level=0.95, seed=0).assign(**cell)


def only(table):
    (row,) = table.to_dict("records")
    return row


def test_the_published_numbers_are_those_of_the_paper():
    numbers = {
        (number.model, number.benchmark, number.k, number.source): number
        for number in load_published(ROOT / "config", SCHEMAS)
    }
    assert len(numbers) == 7 * 6 + 2 * 6 + 2 + 2 + 4
    assert numbers["qwen2.5-7b", "math500", 1, "the paper, table 2"].value == 0.345
    assert numbers["qwen2.5-7b", "math500", 1, "public reproduction"].value == 0.614
    late = numbers["qwen2.5-7b-grpo-450", "omni-math-rule-train", 256, "the paper, table 3"]
    assert (late.value, late.settings["template"], late.settings["n"]) == (0.643, "verl", 256)
    solved = numbers["qwen2.5-7b-simplerl", "aime24", 1024, "the paper, table 4"]
    base = numbers["qwen2.5-7b", "aime24", 1024, "the paper, table 4"]
    assert (len(base.ids), len(solved.ids), solved.value) == (23, 19, 19 / 30)
    assert set(solved.ids) <= set(base.ids)
    code = numbers["coder1-zero", "livecodebench", 128, "the paper, table 5"]
    assert len(code.ids) == 20 and code.value is None and code.part


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda d: d["g"]["pass_at_k"]["m"]["b"].pop(),
            "found 1 numbers; expected one for each of ks",
        ),
        (lambda d: d["g"].update(ks=[1, 256]), "found 256; expected at most settings.n, 128"),
        (lambda d: d["g"]["pass_at_k"]["m"].update(b=[1, 67.2]), "67.2"),
        (lambda d: d["g"].pop("ks"), "ks"),
        (
            lambda d: d["s"]["solved"]["m"]["b"]["ids"].append(30),
            "found 30; expected numbers below",
        ),
        (lambda d: d["s"]["solved"]["m"]["b"].pop("problems"), "problems"),
        (lambda d: d["s"].update(pass_at_k={}), "exactly one of"),
        (lambda d: d["g"].update(sorce="x"), "source"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, change, complaint):
    document = {
        "g": {
            "source": "x",
            "settings": {"n": 128},
            "ks": [1, 64],
            "pass_at_k": {"m": {"b": [0, 1]}},
        },
        "s": {
            "source": "x",
            "settings": {"n": 8},
            "solved": {"m": {"b": {"problems": 30, "ids": [0, 29]}}},
        },
    }
    (tmp_path / "published.yaml").write_text(yaml.safe_dump(document))
    assert len(load_published(tmp_path, SCHEMAS)) == 3
    change(document)
    (tmp_path / "published.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(BoundaryError, match=complaint) as caught:
        load_published(tmp_path, SCHEMAS)
    assert str(tmp_path / "published.yaml") in str(caught.value)


def test_ours_stands_beside_the_published():
    table = curves()
    row = only(compare_with_published(table, [entry(k=1, value=0.5)]))
    assert tuple(row) == COLUMNS
    ours = table[table["k"] == 1].iloc[0]
    assert (row["ours"], row["low"], row["high"]) == tuple(ours[["pass_at_k", "low", "high"]])
    assert row["difference"] == pytest.approx(ours["pass_at_k"] - 0.5)
    assert row["inside"] is True and row["settings_that_differ"] == row["note"] == ""
    assert (row["statistic"], row["published"], row["source"]) == ("pass@1", 0.5, "a paper")
    assert only(compare_with_published(table, [entry(value=0.9)]))["inside"] is False


def test_solved_problems_are_compared_as_a_number():
    chances = np.repeat([0.5, 0.0], [24, 16])
    solved = entry(k=128, value=0.5, ids=tuple(range(20)), problems=40)
    row = only(compare_with_published(curves(chances), [solved]))
    assert (row["published"], row["ours"], row["difference"]) == (20, 24, 4)
    assert row["low"] < 20 < row["high"] and row["inside"] is True
    assert row["statistic"] == "solved of 40 problems in 128 samples"
    few = entry(k=128, value=0.1, ids=(1, 2, 3, 4), problems=40)
    assert only(compare_with_published(curves(chances), [few]))["inside"] is False


@pytest.mark.parametrize(
    ("number", "note"),
    [
        (entry(k=1024), "our curve ends at k = 128"),
        (entry(k=128, ids=(1,), problems=30), "published of 30 problems, and ours has 40"),
        (entry(k=128, value=None, ids=(1,), part="the first ten"), "of a part of the benchmark"),
    ],
)
def test_what_cannot_be_compared_says_so_instead_of_a_number(number, note):
    row = only(compare_with_published(curves(), [number]))
    assert note in row["note"] and row["inside"] is None
    assert np.isnan([row[name] for name in ("ours", "low", "high", "difference")]).all()


def test_settings_that_differ_are_named():
    table = curves(n=64, template="mini", temperature=np.nan)
    row = only(compare_with_published(table, [entry()]))
    assert row["settings_that_differ"] == (
        "n 64 (published 128); temperature unknown (published 0.6); template mini (published simplerl)"
    )
    capped = entry(settings={"n": 64, "max_tokens": 16384.0, "top_p": 1.0, "template": "mini"})
    row = only(compare_with_published(table.assign(max_tokens=4096), [capped]))
    assert row["settings_that_differ"] == (
        "top_p 0.95 (published 1); max_tokens 4096 (published 16384)"
    )


def test_every_cell_and_every_number_has_its_row():
    table = pd.concat(
        [
            curves(),
            curves(sampling="hot.seed0"),
            curves(verifier="published"),
            curves(model="other"),
        ]
    )
    numbers = [entry(k=1), entry(k=128), entry(model="nobody")]
    rows = compare_with_published(table, numbers)
    assert len(rows) == 6 and set(rows["model"]) == {"m"}
    assert list(rows["statistic"]) == ["pass@1", "pass@128"] * 3
    # A filter leaves problems out, so that its curve is of others than the published.
    assert compare_with_published(curves(verifier="boundary/guessable"), numbers).empty


def test_a_study_of_which_nothing_is_published_has_an_empty_table():
    table = compare_with_published(curves(), [entry(benchmark="c")])
    assert table.empty and tuple(table.columns) == COLUMNS
    assert tuple(compare_with_published(curves(), []).columns) == COLUMNS
