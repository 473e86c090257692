"""The filter of guessed problems: its ends are open, and it is recorded."""

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.records import read_provenance, read_records, write_records
from boundary.errors import BoundaryError
from boundary.estimation.guesses import find_guessable, leave_out


def counts_of(**correct):
    return pd.DataFrame(
        [(problem, 100, hits) for problem, hits in correct.items()],
        columns=["problem_id", "n", "correct"],
    )


def test_the_range_is_open_at_both_ends():
    told = find_guessable(counts_of(never=0, once=1, nearly=4, at=5, often=50, always=100), 0.05)
    assert told.loc[told["guessable"], "problem_id"].tolist() == ["once", "nearly"]
    assert told["rate"].tolist() == [0, 0.01, 0.04, 0.05, 0.5, 1]


def test_the_end_is_compared_exactly():
    """Nothing of 7 % that floating point makes of 7 in 100 lets it in or out."""
    for percent in range(1, 100):
        told = find_guessable(counts_of(a=percent, b=percent - 1), percent / 100)
        assert told["guessable"].tolist() == [False, percent > 1]


def test_a_problem_that_was_never_judged_is_no_guess_and_no_other():
    with pytest.raises(BoundaryError, match="problem b: none of its samples was judged"):
        find_guessable(counts_of(a=1, b=0).assign(n=[100, 0]), 0.05)


def test_guessed_problems_are_left_out_whatever_their_order():
    told = find_guessable(counts_of(a=1, b=0, c=3, d=80), 0.05)
    kept = leave_out(counts_of(d=5, c=6, b=7, a=8), told)
    assert kept["problem_id"].tolist() == ["d", "b"] and kept["correct"].tolist() == [5, 7]


def test_what_it_does_not_tell_of_is_refused():
    told = find_guessable(counts_of(a=1), 0.05)
    with pytest.raises(BoundaryError, match="problem z: is not among those"):
        leave_out(counts_of(a=1, z=1), told)
    with pytest.raises(BoundaryError, match="none is left"):
        leave_out(counts_of(a=1), told)


def test_the_steps_record_what_was_left_out(tmp_path, capsys):
    direct, cell = tmp_path / "direct.parquet", tmp_path / "cell.parquet"
    write_records(direct, "count", counts_of(**{"007": 1, "b": 0, "c": 80}), {"n": 100})
    write_records(cell, "count", counts_of(**{"007": 10, "b": 20, "c": 30}), {"n": 100})
    told, kept = tmp_path / "told.csv", tmp_path / "kept.parquet"
    assert main(["analyse", "guessable", "--counts", str(direct), "--output", str(told)]) == 0
    assert "1 of 3 problems are guessed" in capsys.readouterr().err
    arguments = ["--counts", str(cell), "--guessable", str(told), "--name", "mine"]
    assert main(["analyse", "leave-out", *arguments, "--output", str(kept)]) == 0
    assert read_records(kept, "count")["problem_id"].tolist() == ["b", "c"]
    assert read_provenance(kept) == {"n": 100, "filter": "mine", "left_out": 1}
