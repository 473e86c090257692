"""Counts as a CSV: what is read, and what is refused with its row."""

import time

import numpy as np
import pandas as pd
import pytest
from boundary.data.counts_file import LARGEST, read_counts, write_counts
from boundary.errors import BoundaryError
from hypothesis import given
from hypothesis import strategies as st

HEADER = "model,problem,n,correct\n"


def read(tmp_path, content):
    path = tmp_path / "counts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_counts(path)


def test_columns_in_any_order_among_others_and_identifiers_as_they_are(tmp_path):
    table = read(tmp_path, "correct, note,problem,n ,model\r\n1,,007,4,NA\r\n0,x,7,4.0,NA\r\n")
    assert table.to_dict("list") == {
        "model": ["NA", "NA"],
        "problem_id": ["007", "7"],
        "n": [4, 4],
        "correct": [1, 0],
    }
    assert table.dtypes[["n", "correct"]].eq("int64").all()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + HEADER.encode() + b"base,a,4,1\n",
        b"\xef\xbb\xbf" + b'"model",problem,n,correct\r\n"base",a,4,1',
        HEADER + "\n\nbase,a,4,1\n,,,\n\n",
        HEADER + '"base",a, 4 ,1.\n',
        HEADER + "base,a,4e0,1\n",
    ],
)
def test_what_spreadsheets_make_of_it_is_the_same(tmp_path, content):
    assert read(tmp_path, content).values.tolist() == [["base", "a", 4, 1]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "row 1: empty"),
        ("\n\n", "row 1: empty"),
        (HEADER, "holds no counts"),
        (HEADER + ",,,\n", "holds no counts"),
        (
            "model;problem;n;correct\nb;a;4;1\n",
            "row 1: the column 'model' is missing; found 'model;pr",
        ),
        ("model,problem,correct\nb,a,1\n", "row 1: the column 'n' is missing"),
        ("n," + HEADER + "4,b,a,4,1\n", "row 1: the column 'n' stands twice"),
        (HEADER + "b,a,4,5\n", "row 2: correct is '5'; expected n"),
        (HEADER + "b,a,0,0\n", "row 2: n is '0'; no sample was judged"),
        (HEADER + "b,a,4,1\nb,c,-4,1\n", "row 3: n is '-4'; expected a whole number"),
        (HEADER + "b,a,4,-1\n", "row 2: correct is '-1'"),
        (HEADER + f"b,a,{LARGEST + 1},1\n", f"row 2: n is '{LARGEST + 1}'"),
        (
            HEADER + "b,a,4,1\n\nb,c,4,1\nb,a,3,1\n",
            "row 5: the model 'b' has the problem 'a' in row 2,",
        ),
        (HEADER + " ,a,4,1\n", "row 2: model is ' '; expected the name of a model"),
        (
            HEADER + "b,,4,1\nb,,4,1\n",
            "row 2: problem is ''; expected the name of a problem (2 such",
        ),
        (HEADER + 'b,"a,4,1\nb,c,4,1\n', "EOF inside string"),
        (HEADER + 'b,"a,4,1\nb,c",4,1\n', "row 2: problem is 'a,4,1\\nb,c'; expected one line"),
        (HEADER + "b,a,4,1,5\n", "Expected 4 fields in line 2, saw 5"),
        (HEADER + "b,a\n", "row 2: n is ''"),
        (HEADER.encode() + b"b,\xff,4,1\n", "line 2: not a text in UTF-8"),
        ((HEADER + "b,a,4,1\n").encode("utf-16"), "line 1: not a text in UTF-8"),
        (b"PAR1\0\0\0", "line 1: not a text in UTF-8"),
    ]
    + [
        (HEADER + f"b,a,{number},1\n", f"row 2: n is '{number}'; expected a whole number")
        for number in (
            "3.5",
            "nan",
            "inf",
            "-inf",
            "1e400",
            "9" * 40,
            "1_0",
            "0x4",
            "four",
            "٤",
            "True",
        )
    ],
)
def test_a_mistake_is_told_with_its_row(tmp_path, content, said):
    with pytest.raises(BoundaryError) as raised:
        read(tmp_path, content)
    assert str(tmp_path / "counts.csv") in str(raised.value) and said in str(raised.value)


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BoundaryError, match="cannot be read"):
            read_counts(path)


def test_the_rows_numbers_are_those_of_a_spreadsheet(tmp_path):
    table = read(tmp_path, HEADER + "base,a,4,1\n\nrl,a,8,2\n")
    assert table.index.tolist() == [2, 4]


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1
).filter(str.strip)
ROWS = st.tuples(NAMES, NAMES, st.integers(1, LARGEST), st.floats(0, 1))


@given(st.lists(ROWS, min_size=1, unique_by=lambda row: row[:2]))
def test_what_is_written_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("counts") / "counts.csv"
    rows = [(model, problem, n, int(share * n)) for model, problem, n, share in rows]
    table = pd.DataFrame(rows, columns=["model", "problem_id", "n", "correct"])
    write_counts(path, table)
    assert read_counts(path).values.tolist() == table.values.tolist()
    assert [file.name for file in path.parent.iterdir()] == ["counts.csv"]


def test_a_large_file_takes_seconds(tmp_path):
    rows, path = 300_000, tmp_path / "counts.csv"
    correct = np.random.default_rng(0).integers(0, 1000, rows)
    table = pd.DataFrame({"model": "base", "problem_id": [f"p/{i}" for i in range(rows)]})
    write_counts(path, table.assign(n=1024, correct=correct))
    started = time.process_time()
    assert read_counts(path)["correct"].sum() == correct.sum()
    assert time.process_time() - started < 5  # about 0.5 on a server
