"""The command compare: what it writes, what it says, and what it refuses."""

import json

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.records import write_records

ROWS = [
    *(("old", f"p{i}", 8, c) for i, c in enumerate([0, 1, 1, 2, 8, 3])),
    *(("new", f"p{i}", 8, c) for i, c in enumerate([0, 0, 6, 8, 8, 8])),
]

HALVES = {"old": ROWS[:6], "new": ROWS[6:]}


def write(path, rows, header="model,problem,n,correct"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def counts(tmp_path):
    return write(tmp_path / "counts.csv", ROWS)


def compare(file, out, *options, base="old", model="new"):
    settings = ["--resamples", "200", *options]
    return main(
        ["compare", str(file), "--base", base, "--model", model, "--out", str(out), *settings]
    )


def test_it_writes_tables_figures_and_a_summary(counts, tmp_path, capsys):
    out = tmp_path / "out"
    assert compare(counts, out) == 0
    curves = pd.read_csv(out / "passk.csv")
    assert list(curves.columns[:5]) == ["model", "k", "pass_at_k", "low", "high"]
    assert curves.groupby("model", sort=False)["k"].agg(list).to_dict() == {
        "old": list(range(1, 9)),
        "new": list(range(1, 9)),
    }
    first = curves[curves["k"] == 1].set_index("model")["pass_at_k"]
    assert first["old"] == pytest.approx(15 / 48) and first["new"] == pytest.approx(30 / 48)
    difference = pd.read_csv(out / "difference.csv")
    assert {"k", "difference", "low", "high"} <= set(difference.columns)
    assert difference["difference"].iloc[0] == pytest.approx(15 / 48)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["categories"] == {"both": 4, "base_only": 1, "model_only": 0, "neither": 1}
    assert summary["mcnemar_p"] == 1
    assert summary["delta_se"] == pytest.approx(100 * (5 / 6 - 30 / 48))
    assert summary["delta_se_k"] == 8
    assert set(summary["crossing"]) >= {"estimate", "low", "high"}
    histogram = pd.read_csv(out / "accuracy_histogram.csv", dtype={"bin": str})
    assert histogram.groupby("model")["problems"].sum().tolist() == [6, 6]
    coverage = pd.read_csv(out / "coverage.csv")
    assert coverage["category"].tolist() == ["neither", "base_only"] + ["both"] * 4
    for figure in ("pass_at_k", "difference", "accuracy_histogram", "coverage"):
        assert (out / f"{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert (out / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "new against old on 6 problems, 8 samples of each" in said and "In short: " in said


def test_the_same_command_makes_the_same_tables(counts, tmp_path):
    for name in ("one", "two"):
        assert compare(counts, tmp_path / name, "--seed", "5") == 0
    for file in ("passk.csv", "difference.csv", "summary.json"):
        one, two = ((tmp_path / name / file).read_bytes() for name in ("one", "two"))
        assert one == two
    assert compare(counts, tmp_path / "other", "--seed", "6") == 0
    assert (tmp_path / "other" / "difference.csv").read_bytes() != (
        tmp_path / "one" / "difference.csv"
    ).read_bytes()


@pytest.mark.parametrize(
    ("rows", "names", "message"),
    [
        (ROWS, {"base": "odl"}, r"counts.csv: unknown model 'odl'. Did you mean 'old'"),
        (ROWS, {"model": "old"}, "--base and --model are both 'old'"),
        (ROWS[:-1], {}, "counts.csv, row 7: problem p5: the model has no samples of it"),
        (ROWS[1:], {}, "counts.csv, row 7: problem p0: the base has no samples of it"),
        ([*ROWS[:3], ("old", "p9", 8, 9), *ROWS[3:]], {}, "counts.csv, row 5: correct is '9'"),
        ([*ROWS, ("new", "p3", 8, 1)], {}, "row 14: the model 'new' has the problem 'p3' in row 11"),
        ([*ROWS, ("new", "p9", 8, "nan")], {}, "row 14: correct is 'nan'"),
        ([*ROWS, ("new", "p9", -8, 1)], {}, "row 14: n is '-8'"),
        ([], {}, "holds no counts"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message_with_file_and_row(tmp_path, capsys, rows, names, message):
    file = write(tmp_path / "counts.csv", rows)
    assert compare(file, tmp_path / "out", **names) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_common_problems_are_compared_only_when_asked(tmp_path, capsys):
    file = write(tmp_path / "counts.csv", [*ROWS[:-1], ("new", "p7", 8, 1)])
    assert compare(file, tmp_path / "out") == 1
    assert "--common-only" in capsys.readouterr().err
    assert compare(file, tmp_path / "out", "--common-only") == 0
    assert (
        "Left out: 2 of the rows, whose problems only one of the two has."
        in capsys.readouterr().out
    )
    assert len(pd.read_csv(tmp_path / "out" / "coverage.csv")) == 5


def test_several_files_are_read_as_one(tmp_path, capsys):
    old, new = (write(tmp_path / f"{name}.csv", rows) for name, rows in HALVES.items())
    names = ["--base", "old", "--model", "new", "--resamples", "200"]
    whole = write(tmp_path / "counts.csv", ROWS)
    for out, files in (("apart", [old, new]), ("whole", [whole])):
        assert main(["compare", *map(str, files), *names, "--out", str(tmp_path / out)]) == 0
    one, other = (tmp_path / out / "passk.csv" for out in ("apart", "whole"))
    assert one.read_bytes() == other.read_bytes()
    capsys.readouterr()
    assert main(["compare", str(old), str(whole), *names, "--out", str(tmp_path / "no")]) == 1
    said = capsys.readouterr().err
    assert "counts.csv, row 2: the model 'old' has the problem 'p0' in" in said
    assert "old.csv, row 2, too" in said


def test_count_records_say_how_to_name_them(tmp_path, capsys):
    records = tmp_path / "counts.parquet"
    rows = [row[1:] for row in HALVES["old"]]
    frame = pd.DataFrame(rows, columns=["problem_id", "n", "correct"])
    write_records(records, "count", frame, {})
    assert compare(records, tmp_path / "out") == 1
    assert "boundary import counts" in capsys.readouterr().err
    table = tmp_path / "old.csv"
    arguments = ["import", "counts", str(records), "--model", "old", "--output", str(table)]
    assert main(arguments) == 0
    assert table.read_text() == write(tmp_path / "expected.csv", HALVES["old"]).read_text()


def test_unequal_n_is_told_and_ends_the_curves(tmp_path, capsys):
    rows = [row if row[0] == "old" else (*row[:2], 16, row[3]) for row in ROWS]
    assert compare(write(tmp_path / "counts.csv", rows), tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "8 to 16 samples of each" in said
    assert "of different numbers of samples" in said
    assert pd.read_csv(tmp_path / "out" / "passk.csv")["k"].max() == 8
