import csv
import html.parser
import itertools
import json
import shlex
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from boundary.cli import build_parser, main
from boundary.data.provenance import file_digest
from boundary.data.records import read_provenance, read_records, write_records
from boundary.estimation.chains import estimate_chains
from boundary.estimation.intervals import score_interval
from boundary.estimation.unbiased import pass_at_k
from boundary.sheets.chains import (
    INSTRUCTIONS,
    KEY_SCHEMA,
    QUESTIONS,
    TITLE,
    chain_cards,
    is_rare,
    lay_out,
    read_key,
)
from boundary.sheets.sheet import to_page
from boundary.stages.chains import EXAMPLES, exact_share

LEVEL = 0.9
HOSTILE = [
    "<script>alert(1)</script>",
    "</div></div></article><img src=x onerror=alert(1)>",
    '=HYPERLINK("http://x")',
    "\x00\x1b[31m, 12\N{RIGHT-TO-LEFT OVERRIDE}34",
    'valid,"valid"\nzzzzzzzz,valid',
    "",
]


def rows_of(*problems):
    """Rows as they are read: each problem as (n, correct), or (n, [(samples, judgement), ...])."""
    rows = []
    for number, (n, said) in enumerate(problems):
        if isinstance(said, int):
            rows.append((None, f"p{number}", n, said, None, None))
            continue
        correct = sum(samples for samples, _ in said)
        rows += [
            (f"id{number}-{at}", f"p{number}", n, correct, samples, judgement)
            for at, (samples, judgement) in enumerate(said)
        ]
    return pd.DataFrame(rows, columns=["id", "problem_id", "n", "correct", "samples", "chain"])


# Which problems are checked


@pytest.mark.parametrize("below", ["0.05", "0.1", "0.3", "1e-1", "1"])
def test_the_range_is_open_at_both_ends_and_exact(below):
    share = exact_share(below)
    for n in range(1, 70):
        for correct in range(n + 1):
            assert is_rare(correct, n, share) == (0 < Fraction(correct, n) < Fraction(below))


def test_one_in_twenty_is_not_below_five_percent():
    assert [is_rare(c, 20, exact_share("0.05")) for c in (0, 1, 2)] == [False] * 3
    assert [is_rare(c, 21, exact_share(" 0.05 ")) for c in (0, 1, 2)] == [False, True, False]
    # Nor is it where floating point would say that it is.
    assert is_rare(3, 10, exact_share("0.3000000000000000000001"))


@pytest.mark.parametrize("text", ["0", "1.01", "nan", "-0.1", "five", "1/20"])
def test_what_is_no_share_is_a_usage_error(capsys, text):
    files = ["--verdicts", "v", "--samples", "s", "--problems", "p", "--output", "o"]
    with pytest.raises(SystemExit):
        main(["chains", "draw", *files, "--n", "4", f"--below={text}"])
    assert "argument --below: found" in capsys.readouterr().err


# The cards


def laid_out(salt="one"):
    counts = pd.DataFrame({"problem_id": ["b", "c", "a"], "n": [90, 90, 80], "correct": [4, 7, 1]})
    said = {("b", 9): "y", ("b", 2): "x", ("b", 5): "y", ("b", 7): "x ", ("a", 1): "x"}
    correct = pd.DataFrame(list(said), columns=["problem_id", "sample_index"]).assign(answer="7")
    responses = {key: (text, "length" if key == ("a", 1) else "stop") for key, text in said.items()}
    return lay_out(counts, correct, responses, salt)


def test_samples_of_a_problem_with_the_same_text_are_one_card():
    rows = laid_out()
    found = rows[["problem_id", "n", "correct", "text", "samples", "sample_index"]]
    assert found.astype(object).where(found.notna(), None).values.tolist() == [
        ["b", 90, 4, "x", 1, 2],
        ["b", 90, 4, "y", 2, 5],
        ["b", 90, 4, "x ", 1, 7],
        ["c", 90, 7, None, None, None],
        ["a", 80, 1, "x", 1, 1],
    ]
    assert rows["id"].isna().tolist() == [False, False, False, True, False]
    names = rows["id"].dropna()
    assert names.is_unique and names.str.fullmatch("[b-df-hj-np-tv-xz]{8}").all()
    assert not set(names) & set(laid_out("two")["id"])


def test_a_card_says_where_it_stands():
    cards = chain_cards(
        laid_out().dropna(subset="id"),
        {"a": "A?", "b": "B?", "c": "C?"},
        {"a": json.dumps(["1", "2"]), "b": json.dumps("7"), "c": json.dumps("8")},
        {},
    )
    assert [card.blocks[-1].label for card in cards] == [
        "response 1 of 3 to problem b, accuracy 4/90",
        "response 2 of 3 to problem b, accuracy 4/90; 2 of the 4 say exactly this",
        "response 3 of 3 to problem b, accuracy 4/90",
        "response 1 of 1 to problem a, accuracy 1/80; it was cut off at its longest",
    ]
    assert [card.blocks[0].text for card in cards] == ["B?", "B?", "B?", "A?"]
    assert [card.blocks[-1].text for card in cards] == ["x", "y", "x ", "x"]
    assert cards[1].cells == {
        "problem_id": "b",
        "response": "2 of 3",
        "correct": "4 of 90",
        "samples": "2",
        "sample_index": "5",
        "gold": "7",
    }
    assert cards[3].cells["gold"] == "1 and 2"


def test_long_responses_stand_whole_on_the_page():
    rows = laid_out().dropna(subset="id")
    text = "a < b " * 20_000 + "the end"
    questions, golds = dict.fromkeys("abc", "?"), dict.fromkeys("abc", json.dumps("7"))
    cards = chain_cards(rows.assign(text=text), questions, golds, {})
    page = "".join(to_page(TITLE, INSTRUCTIONS, cards, QUESTIONS))
    assert page.count(text.replace("<", "&lt;")) == len(cards) == 4


# Estimates


def brute_force(n, correct, k):
    """The share of all choices of k of n samples that hold a correct one."""
    chosen = list(itertools.combinations([True] * correct + [False] * (n - correct), k))
    return sum(map(any, chosen)) / len(chosen)


def test_pass_at_k_counts_valid_chains_only():
    rows = rows_of(
        (8, [(2, "valid"), (1, "invalid")]),
        (8, [(1, "invalid"), (1, "unclear")]),
        (8, [(1, ""), (2, "valid"), (1, "unclear")]),
        (9, 6),
        (9, 0),
    )
    curve = estimate_chains(rows, LEVEL).pass_at_k
    assert curve["k"].tolist() == [1, 2, 4, 8]
    for column, correct in (
        ("pass_at_k", [3, 2, 4, 6, 0]),
        ("corrected_least", [2, 0, 2, 6, 0]),
        ("corrected_most", [2, 1, 4, 6, 0]),
    ):
        exact = [
            np.mean([brute_force(n, c, k) for n, c in zip([8, 8, 8, 9, 9], correct, strict=True)])
            for k in (1, 2, 4, 8)
        ]
        np.testing.assert_allclose(curve[column], exact, rtol=1e-12)


def test_the_interval_goes_from_the_low_end_of_one_curve_to_the_high_end_of_the_other():
    rows = rows_of(
        *[(40, [(1, "valid"), (1, "")])] * 5, *[(40, [(1, "unclear")])] * 4, (40, 30), (40, 0)
    )
    curve = estimate_chains(rows, LEVEL).pass_at_k
    n = [40] * 11
    least, most = (
        score_interval(pass_at_k(n, correct, curve["k"]), LEVEL)
        for correct in ([1] * 5 + [0] * 4 + [30, 0], [2] * 5 + [1] * 4 + [30, 0])
    )
    np.testing.assert_allclose(curve["low"], least[0], rtol=1e-5)
    np.testing.assert_allclose(curve["high"], most[1], rtol=1e-5)
    assert (least[1] < most[1]).all() and (least[0] < most[0]).all()


def test_a_problem_has_a_valid_chain_or_none_or_is_open():
    problems = estimate_chains(
        rows_of(
            (50, [(1, "invalid"), (1, "valid")]),
            (50, [(1, ""), (1, "valid")]),
            (50, [(2, "invalid")]),
            (50, [(1, "invalid"), (1, "")]),
            (50, [(1, "invalid"), (1, "unclear")]),
            (50, [(3, "unclear")]),
            (50, 0),
            (50, 40),
        ),
        LEVEL,
    ).problems
    assert problems["has_valid_chain"].tolist() == ["yes", "yes", "no", "open", "open", "open"]
    assert list(problems) == [
        *("problem_id", "n", "correct", "valid", "invalid", "unclear", "open", "has_valid_chain")
    ]
    states = problems[["valid", "invalid", "unclear", "open"]]
    assert states.values.tolist() == [
        *([1, 1, 0, 0], [1, 0, 0, 1], [0, 2, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0], [0, 0, 3, 0])
    ]
    assert (states.sum(axis=1) == problems["correct"]).all()


def test_any_sheet_agrees_with_counting_by_hand():
    rng = np.random.default_rng(0)
    for _ in range(40):
        problems, sizes, least, most = [], [], [], []
        for _ in range(12):
            n = int(rng.integers(30, 40))
            said = [
                (int(rng.integers(1, 4)), str(rng.choice(["valid", "invalid", "unclear", ""])))
                for _ in range(rng.integers(1, 5))
            ]
            total = {
                state: sum(samples for samples, judgement in said if judgement == state)
                for state in ("valid", "invalid", "unclear", "")
            }
            sizes.append(n)
            least.append(total["valid"])
            most.append(total["valid"] + total["unclear"] + total[""])
            problems.append((n, said))
        found = estimate_chains(rows_of(*problems, (60, 33)), LEVEL)
        ks = found.pass_at_k["k"]
        for column, correct in (("corrected_least", least), ("corrected_most", most)):
            exact = pass_at_k([*sizes, 60], [*correct, 33], ks).mean(axis=0)
            np.testing.assert_allclose(found.pass_at_k[column], exact, rtol=1e-12)
        assert ks.max() == min(sizes)


# The commands


def write_cell(folder, problems, n=40):
    """Two shards. ``problems`` is, by name, a text and its verdict for each sample; the rest is wrong."""
    table = pd.DataFrame({"problem_id": list(problems), "domain": "math", "question": "<b>?"})
    table["gold"] = json.dumps("=cmd()")
    write_records(folder / "problems.parquet", "problem", table, {})
    rows = []
    for problem, said in problems.items():
        said = said + [("no", "wrong")] * (n - len(said))
        rows += [(problem, i, text, verdict) for i, (text, verdict) in enumerate(said)]
    frame = pd.DataFrame(rows, columns=["problem_id", "sample_index", "text", "verdict"])
    frame = frame.assign(answer="=7", found="box", rung="text", detail="", finish_reason="stop")
    for number in (0, 1):
        shard = frame[frame["sample_index"] % 2 == number]
        samples = shard[["problem_id", "sample_index", "text", "finish_reason"]]
        samples = samples.assign(token_ids=None, n_tokens=1, logprob_sum=None)
        path = folder / f"samples-{number}.parquet"
        write_records(path, "sample", samples, {})
        record = {
            "samples": {"model": "base", "benchmark": "p"},
            "samples_sha256": file_digest(path),
        }
        verdicts = shard.drop(columns="text")
        write_records(folder / f"verdicts-{number}.parquet", "verdict", verdicts, record)


RIGHT, ALSO, LATE = ("right", "correct"), ("also right", "correct"), ("slow", "timeout")
CELL = {
    "p/never": [],
    "p/rare": [RIGHT],
    "p/often": [RIGHT] * 30,
    "p/late": [LATE] * 9 + [RIGHT],
}


def draw(folder, *options, output="chains", n="40", shards=(0, 1)):
    return main(
        [
            *("chains", "draw", "--problems", str(folder / "problems.parquet"), "--n", n),
            *("--verdicts", *(str(folder / f"verdicts-{number}.parquet") for number in (0, 1))),
            *("--samples", *(str(folder / f"samples-{number}.parquet") for number in shards)),
            *("--output", str(folder / output), *options),
        ]
    )


def read(folder, *options):
    sheet, output = str(folder / "chains.csv"), str(folder / "out")
    return main(["chains", "read", "--sheet", sheet, "--output", output, *options])


def judge(folder, person, delimiter=",", encoding="utf-8"):
    """Fill in the sheet: ``person`` says of a row what the person does."""
    with (folder / "chains.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row | {"chain": person(row)} for row in csv.DictReader(file)]
    with (folder / "chains.csv").open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def results(folder):
    tables = (pd.read_csv(folder / "out" / f"{name}.csv") for name in ("problems", "pass_at_k"))
    return tuple(tables)


def test_from_verdicts_to_a_corrected_curve(tmp_path, capsys):
    write_cell(tmp_path, {**CELL, "p/two": [RIGHT, ALSO, RIGHT]})
    assert draw(tmp_path, "--below", "0.1") == 0
    folder = tmp_path / "chains"
    assert {path.name for path in folder.iterdir()} == {"chains.html", "chains.csv", "key.parquet"}
    said = capsys.readouterr().out
    assert "3 of 5 problems have an accuracy above 0 and below 10%" in said
    assert "their 5 correct responses are 4 different texts" in said
    header, *rows = (folder / "chains.csv").read_text(encoding="utf-8-sig").splitlines()
    assert header == "id,problem_id,response,correct,samples,sample_index,gold,chain,note"
    assert [row.split(",", 1)[1] for row in rows] == [
        "p/rare,1 of 1,1 of 40,1,0,'=cmd(),,",
        "p/late,1 of 1,1 of 31,1,9,'=cmd(),,",
        "p/two,1 of 2,3 of 40,2,0,'=cmd(),,",
        "p/two,2 of 2,3 of 40,1,1,'=cmd(),,",
    ]
    judge(folder, lambda row: {"1": "valid", "2": "invalid"}[row["samples"]])
    assert read(folder) == 0
    said = capsys.readouterr().out
    assert "base on p, n = 40: 3 of 5 problems have an accuracy above 0 and below 10%" in said
    assert "5 correct responses to these: 3 valid, 2 invalid, 0 unclear, 0 open" in said
    assert "3 of 3 have a valid chain" in said
    assert "1 problems that are answered right more often, which keep their counts, and 1" in said
    assert "9 timeout, 0 error" in said and "to k = 31: the least that was judged" in said
    problems, curve = results(folder)
    assert problems["has_valid_chain"].tolist() == ["yes"] * 3
    assert list(curve) == ["k", "pass_at_k", "corrected_least", "corrected_most", "low", "high"]
    assert curve["corrected_least"].equals(curve["corrected_most"])
    sizes, ks = [40, 40, 40, 31, 40], [1, 2, 4, 8, 16, 31]
    for column, correct in (("pass_at_k", [0, 1, 30, 1, 3]), ("corrected_most", [0, 1, 30, 1, 1])):
        np.testing.assert_allclose(curve[column], pass_at_k(sizes, correct, ks).mean(axis=0))


def test_unjudged_samples_are_no_wrong_ones(tmp_path):
    """1 of 31 judged samples is 3.2 %, and of 40 would be 2.5 %."""
    write_cell(tmp_path, {"p/late": CELL["p/late"], "p/rare": CELL["p/rare"]})
    assert draw(tmp_path, "--below", "0.03") == 0
    key, about = read_key(tmp_path / "chains" / "key.parquet")
    assert key.set_index("problem_id")["n"].to_dict() == {"p/late": 31, "p/rare": 40}
    assert key["id"].isna().tolist() == [True, False]
    assert about["unjudged"] == {"timeout": 9, "error": 0} and about["below"] == 0.03


def test_when_all_are_valid_the_curve_is_the_verifiers(tmp_path):
    write_cell(tmp_path, {**CELL, "p/two": [RIGHT, ALSO]})
    draw(tmp_path, "--below", "0.06")
    judge(tmp_path / "chains", lambda _: "valid")
    assert read(tmp_path / "chains") == 0
    problems, curve = results(tmp_path / "chains")
    assert set(problems["has_valid_chain"]) == {"yes"}
    values = pass_at_k([40, 40, 40, 31, 40], [0, 1, 30, 1, 2], curve["k"])
    assert curve["pass_at_k"].tolist() == values.mean(axis=0).tolist()
    for column in ("corrected_least", "corrected_most"):
        assert curve[column].equals(curve["pass_at_k"])
    low, high = score_interval(values, 0.95)
    np.testing.assert_allclose(curve[["low", "high"]], np.stack([low, high], axis=1), rtol=1e-6)


def test_when_all_are_invalid_these_problems_are_not_solved(tmp_path, capsys):
    write_cell(tmp_path, {"a": [RIGHT], "b": [ALSO]})
    draw(tmp_path)
    judge(tmp_path / "chains", lambda _: "invalid")
    assert read(tmp_path / "chains") == 0
    problems, curve = results(tmp_path / "chains")
    assert set(problems["has_valid_chain"]) == {"no"}
    assert (curve.loc[:, "corrected_least":"low"] == 0).all(axis=None)
    assert (curve["pass_at_k"] > 0).all()
    assert "0 of 2 have a valid chain\n  2 have none\n  0 are open" in capsys.readouterr().out


def test_an_unfinished_sheet_gives_bounds(tmp_path, capsys):
    write_cell(tmp_path, {"a": [RIGHT], "b": [ALSO], "c": [RIGHT] * 30})
    draw(tmp_path)
    folder = tmp_path / "chains"
    assert read(folder) == 0
    problems, curve = results(folder)
    assert set(problems["has_valid_chain"]) == {"open"}
    assert curve["corrected_most"].equals(curve["pass_at_k"])
    assert curve["corrected_least"].iloc[-1] == pytest.approx(1 / 3)
    assert "2 are open: none is valid yet" in capsys.readouterr().out
    judge(folder, lambda row: {"a": "invalid", "b": "unclear"}[row["problem_id"]])
    assert read(folder, "--level", "0.5") == 0
    assert "0 of 2 have a valid chain\n  1 have none\n  1 are open" in capsys.readouterr().out
    curve = results(folder)[1]
    assert curve.iloc[-1][["corrected_least", "corrected_most"]].tolist() == pytest.approx(
        [1 / 3, 2 / 3]
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_what_spreadsheets_save_is_read(tmp_path, delimiter, encoding):
    write_cell(tmp_path, {"a": [RIGHT], "b": [ALSO]})
    draw(tmp_path)
    folder = tmp_path / "chains"
    judge(
        folder, lambda row: {"a": " VALID ", "b": "Invalid"}[row["problem_id"]], delimiter, encoding
    )
    path = folder / "chains.csv"
    content = path.read_bytes().replace(b"1 of 40", b"Jan 40")
    path.write_bytes(content + delimiter.join([""] * 9).encode())
    assert read(folder) == 0
    assert results(folder)[0]["has_valid_chain"].tolist() == ["yes", "no"]


def test_other_words_than_the_answers_are_named(tmp_path, capsys):
    write_cell(tmp_path, {"a": [RIGHT]})
    draw(tmp_path)
    judge(tmp_path / "chains", lambda _: "yes")
    assert read(tmp_path / "chains") == 1
    said = capsys.readouterr().err
    assert "row 2: chain is 'yes'; write valid, invalid, unclear" in said


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def test_hostile_responses_are_shown_and_run_nowhere(tmp_path, capsys):
    problems = {f"={text}": [(text, "correct")] for text in HOSTILE}
    write_cell(tmp_path, problems)
    assert draw(tmp_path) == 0
    folder = tmp_path / "chains"
    page = Tags()
    page.feed((folder / "chains.html").read_text())
    assert not {"script", "img"} & set(page.tags) and page.tags.count("article") == 6
    assert HOSTILE[0] in page.text and "12<U+202E>34" in page.text and "an empty text" in page.text
    with (folder / "chains.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in cells)
    judge(folder, lambda _: "valid")
    assert read(folder) == 0
    table = results(folder)[0]
    assert set(table["has_valid_chain"]) == {"yes"} and len(table) == 6
    assert table["problem_id"].str.startswith("'=").all()


def test_the_same_cell_makes_the_same_sheet(tmp_path):
    write_cell(tmp_path, {**CELL, "p/two": [RIGHT, ALSO]})
    for output, options in (("one", ()), ("same", ()), ("other", ("--below", "0.06"))):
        assert draw(tmp_path, *options, output=output) == 0
    for name in ("chains.html", "chains.csv"):
        one, same, other = (
            (tmp_path / output / name).read_bytes() for output in ("one", "same", "other")
        )
        assert one == same != other


def test_nothing_in_the_range_is_no_mistake_and_the_page_says_so(tmp_path, capsys):
    write_cell(tmp_path, {"p/never": [], "p/often": [RIGHT] * 2, "p/always": [RIGHT] * 40})
    assert draw(tmp_path) == 0
    said = capsys.readouterr().out
    assert "None of the 3 problems has an accuracy above 0 and below 5%: 1 were never" in said
    assert [path.name for path in (tmp_path / "chains").iterdir()] == ["chains.html"]
    page = Tags()
    page.feed((tmp_path / "chains" / "chains.html").read_text())
    assert said.strip() in page.text and "There is nothing to judge." in page.text
    assert "article" not in page.tags and "fill in" not in page.text


def test_samples_beyond_n_are_left_alone(tmp_path):
    write_cell(tmp_path, {"a": [RIGHT, *[("no", "wrong")] * 29, ALSO], "b": []})
    assert draw(tmp_path, n="30") == 0
    key, about = read_key(tmp_path / "chains" / "key.parquet")
    assert key["n"].tolist() == [30, 30] and key["correct"].tolist() == [1, 0] and about["n"] == 30
    assert list(key) == KEY_SCHEMA.names


def test_what_does_not_belong_together_is_named(tmp_path, capsys):
    write_cell(tmp_path, CELL)
    assert draw(tmp_path, shards=[0]) == 1
    said = capsys.readouterr().err
    assert "verdicts-1.parquet: the samples that it judges are in none of the files" in said
    assert draw(tmp_path, n="41") == 1
    assert "sample 40 is missing (4 such samples in all)" in capsys.readouterr().err
    write_cell(tmp_path, {"p/late": [LATE] * 40})
    assert draw(tmp_path) == 1
    assert "problem p/late: none of its samples was judged" in capsys.readouterr().err
    assert not (tmp_path / "chains").exists()


def test_a_drawn_sheet_is_not_drawn_over(tmp_path, capsys):
    write_cell(tmp_path, CELL)
    draw(tmp_path)
    judge(tmp_path / "chains", lambda _: "valid")
    before = {path.name: path.read_bytes() for path in (tmp_path / "chains").iterdir()}
    assert draw(tmp_path, "--below", "0.9") == 1
    assert "exists, and somebody may have filled it in" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "chains").iterdir()} == before


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def judge_again(folder):
    """The same verdicts in other files, as those of a verifier that was changed elsewhere."""
    for path in folder.glob("verdicts-*.parquet"):
        provenance, verdicts = read_provenance(path), read_records(path, "verdict")
        write_records(path, "verdict", verdicts, provenance | {"finished": "later"})


def test_a_sheet_drawn_again_for_the_same_responses_stays_as_it_is(tmp_path, capsys):
    write_cell(tmp_path, CELL)
    draw(tmp_path)
    folder = tmp_path / "chains"
    judge(folder, lambda _: "valid")
    before, said = contents(folder), capsys.readouterr().out
    digests = {file_digest(path) for path in tmp_path.glob("verdicts-*.parquet")}
    judge_again(tmp_path)
    assert digests.isdisjoint(file_digest(path) for path in tmp_path.glob("verdicts-*.parquet"))
    (folder / "chains.html").unlink()
    assert draw(tmp_path) == 0
    assert contents(folder) == before and capsys.readouterr().out == said
    assert read(folder) == 0 and results(folder)[0]["has_valid_chain"].tolist() == ["yes"] * 2


@pytest.mark.parametrize("lost", [None, "chains.csv", "key.parquet"])
@pytest.mark.parametrize(
    "now", [{"p/rare": [RIGHT, ALSO]}, {"p/never": [], "p/always": [RIGHT] * 30}]
)
def test_a_sheet_of_other_responses_is_never_written_over(tmp_path, capsys, now, lost):
    """Not even a sheet without its key, or a key whose sheet somebody took elsewhere."""
    write_cell(tmp_path, CELL)
    draw(tmp_path)
    folder = tmp_path / "chains"
    judge(folder, lambda _: "valid")
    if lost:
        (folder / lost).rename(tmp_path / lost)
    before = contents(folder)
    write_cell(tmp_path, now)
    assert draw(tmp_path, "--below", "0.06") == 1
    said = capsys.readouterr().err
    assert (
        "exists, and somebody may have filled it in; the responses to judge are others now" in said
    )
    assert "Move chains.html, chains.csv, key.parquet to another folder" in said
    assert contents(folder) == before
    if not lost:
        folder.rename(tmp_path / "elsewhere")
        assert draw(tmp_path, "--below", "0.06") == 0
        assert read(tmp_path / "elsewhere") == 0
        assert set(results(tmp_path / "elsewhere")[0]["has_valid_chain"]) == {"yes"}


def test_a_lost_table_is_written_again_for_its_key(tmp_path):
    write_cell(tmp_path, CELL)
    draw(tmp_path)
    before = contents(tmp_path / "chains")
    (tmp_path / "chains" / "chains.csv").unlink()
    assert draw(tmp_path) == 0 and contents(tmp_path / "chains") == before


def test_a_filled_in_sheet_beside_the_key_of_others_is_not_read(tmp_path, capsys):
    write_cell(tmp_path, CELL)
    draw(tmp_path)
    judge(tmp_path / "chains", lambda _: "valid")
    write_cell(tmp_path, CELL | {"p/two": [RIGHT, ALSO]})
    draw(tmp_path, "--below", "0.06", output="other")
    (tmp_path / "other" / "chains.csv").write_bytes(
        (tmp_path / "chains" / "chains.csv").read_bytes()
    )
    assert read(tmp_path / "other") == 1
    assert "the sheet belongs to another key" in capsys.readouterr().err


def test_guessable_problems_are_left_out(tmp_path, capsys):
    write_cell(tmp_path, CELL | {"007": [RIGHT], "p/late": [LATE] * 40})
    told = pd.DataFrame({"problem_id": [*CELL, "007"]})
    told["guessable"] = told["problem_id"].isin(["p/rare", "p/late"])
    told.to_csv(tmp_path / "guessable.csv", index=False)
    assert draw(tmp_path, "--guessable", str(tmp_path / "guessable.csv")) == 0
    said = capsys.readouterr().out
    assert "1 of 3 problems, 2 guessable ones being left out, have an accuracy above 0" in said
    key, about = read_key(tmp_path / "chains" / "key.parquet")
    assert key["problem_id"].tolist() == ["p/never", "p/often", "007"]
    assert about["left_out"] == 2 and about["unjudged"] == {"timeout": 0, "error": 0}
    judge(tmp_path / "chains", lambda _: "invalid")
    assert read(tmp_path / "chains") == 0
    assert "1 of 3 problems, 2 guessable ones being left out, have" in capsys.readouterr().out
    assert results(tmp_path / "chains")[1]["pass_at_k"].iloc[-1] == pytest.approx(2 / 3)


def test_the_page_begins_with_the_caption(tmp_path):
    write_cell(tmp_path, CELL)
    assert draw(tmp_path, "--caption", "of <all> problems") == 0
    page = Tags()
    page.feed((tmp_path / "chains" / "chains.html").read_text())
    assert "of <all> problems" in page.text.split("A model was asked")[0]


def test_the_key_must_be_the_sheets_own(tmp_path, capsys):
    write_cell(tmp_path, CELL)
    draw(tmp_path)
    draw(tmp_path, output="other", n="38")
    folder = tmp_path / "chains"
    assert read(folder, "--key", str(tmp_path / "other" / "key.parquet")) == 1
    assert "row 2: unknown id" in capsys.readouterr().err
    assert read(folder, "--key", str(tmp_path / "problems.parquet")) == 1
    said = capsys.readouterr().err
    assert "problems.parquet: is no chain sheet's key; expected the key.parquet that" in said
    (folder / "key.parquet").rename(tmp_path / "moved.parquet")
    assert read(folder) == 1
    assert "key.parquet: there is no such file" in capsys.readouterr().err
    assert read(folder, "--key", str(tmp_path / "moved.parquet")) == 0


def test_the_examples_of_the_help_are_commands_that_exist():
    lines = EXAMPLES.replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in lines if line.strip().startswith("boundary ")]
    steps = [build_parser().parse_args(command[1:]).step for command in commands]
    assert steps == ["draw", "read"]


def test_the_help_needs_no_heavy_import():
    code = "import sys, boundary.cli as cli; cli.build_parser(); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
