import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from boundary.data.completeness import check_complete
from boundary.data.one_cell import CELL_KEYS, check_one_cell
from boundary.errors import BoundaryError
from boundary.estimation.accuracy_histogram import BINS, accuracy_bin
from boundary.estimation.accuracy_histogram import estimate as histogram
from boundary.estimation.counts import count_correct
from boundary.images.processing import PixelLimits
from synthetic_stage import synthetic_shard


def verdict_records(verdicts):
    rows = [(p, i, v) for p, vs in verdicts.items() for i, v in enumerate(vs)]
    frame = pd.DataFrame(rows, columns=["problem_id", "sample_index", "verdict"])
    return frame.assign(finish_reason="stop")


@pytest.mark.parametrize(
    ("n", "correct", "label"),
    [
        (10, 0, "0"),
        (10, 1, "(0, 0.1]"),
        (256, 1, "(0, 0.1]"),
        (10, 2, "(0.1, 0.2]"),
        (1000, 101, "(0.1, 0.2]"),
        (10, 9, "(0.8, 0.9]"),
        (100, 91, "(0.9, 1)"),
        (1024, 1023, "(0.9, 1)"),
        (10, 10, "1"),
        (3, 1, "(0.3, 0.4]"),
    ],
)
def test_accuracy_bins_are_closed_on_the_right(n, correct, label):
    assert BINS[accuracy_bin(n, correct)] == label


def test_histogram_counts_every_problem_once():
    counts = pd.DataFrame({"problem_id": list("abcd"), "n": 10, "correct": [0, 0, 3, 10]})
    table = histogram(counts, 10, resamples=500, level=0.95, seed=0).set_index("bin")
    assert len(table) == 12 and table["problems"].sum() == 4
    assert table.loc["0", "problems"] == 2 and table.loc["(0.2, 0.3]", "problems"] == 1
    assert table.loc["1", "share"] == 0.25
    assert table.loc["0", "low"] < 0.5 < table.loc["0", "high"]


def test_counts_and_tally():
    verdicts = verdict_records(
        {"a": ["correct", "wrong", "truncated"], "b": ["no_answer", "correct", "correct"]}
    )
    counts, tally = count_correct([verdicts], ["a", "b"], 3)
    assert counts.to_dict("list") == {"problem_id": ["a", "b"], "n": [3, 3], "correct": [1, 2]}
    assert dict(zip(tally["verdict"], tally["samples"], strict=True)) == {
        "correct": 3,
        "wrong": 1,
        "no_answer": 1,
        "truncated": 1,
        "timeout": 0,
        "error": 0,
    }
    assert tally["share"].sum() == pytest.approx(1)


def test_the_tally_shows_what_was_cut_off():
    verdicts = verdict_records({"a": ["correct", "correct", "truncated", "wrong"]})
    verdicts["finish_reason"] = ["length", "stop", "length", "stop"]
    tally = count_correct([verdicts], ["a"], 4)[1].set_index("verdict")
    assert tally["cut_off"].to_dict() == {
        "correct": 1,
        "wrong": 0,
        "no_answer": 0,
        "truncated": 1,
        "timeout": 0,
        "error": 0,
    }


def test_a_failed_program_is_judged_and_the_tally_tells_how():
    verdicts = verdict_records({"a": ["correct", "program_timeout", "memory"], "b": ["error"] * 3})
    counts, tally = count_correct([verdicts], ["a", "b"], 3)
    assert list(counts["n"]) == [3, 0] and list(counts["correct"]) == [1, 0]
    told = dict(zip(tally["verdict"], tally["samples"], strict=True))
    assert told["program_timeout"] == told["memory"] == 1 and told["forbidden"] == 0


def test_samples_beyond_n_do_not_count():
    verdicts = verdict_records({"a": ["wrong", "wrong", "correct", "correct"]})
    counts, tally = count_correct([verdicts], ["a"], 2)
    assert counts["correct"].item() == 0 and tally["samples"].sum() == 2


def test_a_timeout_is_not_a_wrong_answer():
    verdicts = verdict_records({"a": ["correct", "timeout"], "b": ["error", "timeout"]})
    counts, tally = count_correct([verdicts], ["a", "b"], 2)
    assert counts.to_dict("list") == {"problem_id": ["a", "b"], "n": [1, 0], "correct": [1, 0]}
    assert tally.set_index("verdict").loc["timeout", "samples"] == 2
    with pytest.raises(BoundaryError, match="problem b: none of its samples was judged"):
        histogram(counts, 2, resamples=100, level=0.95, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.drop(index=1), "problem a: sample 1 is missing"),
        (lambda v: pd.concat([v, v.tail(1)]), "problem b: sample 1 stands twice"),
        (
            lambda v: v.assign(problem_id=v["problem_id"].replace("b", "c")),
            "problem c: sample 0 does not belong",
        ),
        (
            lambda v: v.assign(sample_index=v["sample_index"] - (v["problem_id"] == "b")),
            r"problem b: sample -1 does not belong",
        ),
    ],
)
def test_incomplete_cells_are_refused_by_name(change, message):
    verdicts = change(verdict_records({"a": ["wrong", "wrong"], "b": ["wrong", "wrong"]}))
    with pytest.raises(BoundaryError, match=message):
        check_complete(verdicts, ["a", "b"], range(2))


def test_a_sample_may_not_stand_in_two_parts():
    verdicts = verdict_records({"a": ["wrong", "correct"], "b": ["wrong", "wrong"]})
    parts = [verdicts[verdicts["sample_index"] == index] for index in (0, 1)]
    counts, tally = count_correct(parts, ["a", "b"], 2)
    pd.testing.assert_frame_equal(counts, count_correct([verdicts], ["a", "b"], 2)[0])
    assert tally["samples"].sum() == 4
    with pytest.raises(BoundaryError, match=r"problem a: sample 0 stands twice \(2 such"):
        count_correct([*parts, parts[0]], ["a", "b"], 2)
    with pytest.raises(BoundaryError, match=r"problem a: sample 1 is missing \(2 such"):
        count_correct(parts[:1], ["a", "b"], 2)


def test_shards_of_two_models_are_not_one_cell():
    one = dict.fromkeys(CELL_KEYS, "x")
    check_one_cell({Path("a"): one | {"shard": 0}, Path("b"): one | {"shard": 1}})
    for key in CELL_KEYS:
        with pytest.raises(
            BoundaryError, match=f"b: its samples have {key} 'y' and those of a 'x'"
        ):
            check_one_cell({Path("a"): one, Path("b"): one | {key: "y"}})


def test_shards_of_a_cell_share_all_that_decides_what_is_drawn_but_their_number():
    limits = PixelLimits(min_pixels=3136, max_pixels=12544)
    shard = dataclasses.replace(synthetic_shard(1), pixel_limits=limits)
    assert set(CELL_KEYS) == shard.identity().keys() - {"shard"}


def test_strangers_are_refused():
    verdicts = verdict_records({"a": ["wrong"], "z": ["wrong"]})
    with pytest.raises(BoundaryError, match="problem z: sample 0 does not belong"):
        check_complete(verdicts, ["a"], range(1))
