import csv
import html.parser
import json
import re
import shlex
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from boundary.cli import build_parser, main
from boundary.data.provenance import file_digest
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.estimation.audit import disagreements, draw_errors, estimate_audit
from boundary.estimation.unbiased import pass_at_k
from boundary.sheets.audit import (
    INSTRUCTIONS,
    LEAST,
    QUESTIONS,
    TITLE,
    allocate,
    audit_cards,
    audit_units,
    check_audited,
    draw_audit,
    name_units,
    read_key,
)
from boundary.sheets.sheet import (
    Block,
    Card,
    Question,
    read_sheet,
    spreadsheet_cell,
    to_page,
    write_sheet,
)
from boundary.stages.audit import EXAMPLES
from boundary.verification.verdict import VERDICTS
from scipy import stats

ESTIMATE = {"draws": 2_000, "level": 0.95, "seed": 0}
FILES = {"audit.html", "audit.csv", "key.parquet"}


def units_of(rows):
    """Units from (problem, verdict, samples, person); the stratum is the verdict."""
    frame = pd.DataFrame(rows, columns=["problem_id", "verdict", "samples", "person"])
    drawn = frame["person"].ne("")
    return frame.assign(
        rung=None, stratum=frame["verdict"], id=pd.Series("x", frame.index).where(drawn, None)
    )


def verdict_frame(rows):
    """Verdict records from (problem, answer, verdict, rung), numbered within their problems."""
    seen = Counter()
    records = []
    for problem, *judgement in rows:
        records.append((problem, seen[problem], *judgement))
        seen[problem] += 1
    columns = ["problem_id", "sample_index", "answer", "verdict", "rung"]
    return pd.DataFrame(records, columns=columns)


def by_name(table):
    return table.set_index(table.columns[0])[["estimate", "low", "high"]]


# Units, strata and the draw


def test_a_unit_is_what_shares_its_verdict():
    verdicts = verdict_frame(
        [
            ("a", "7", "correct", "text"),
            ("a", "7", "correct", "text"),
            ("a", "8", "wrong", "number"),
            ("a", None, "no_answer", None),
            ("a", None, "no_answer", None),
            ("b", "7", "wrong", "number"),
            ("b", "", "wrong", "text"),
            ("b", None, "truncated", None),
            ("b", "9", "timeout", "sympy"),
            ("b", None, "error", None),
        ]
    )
    units = audit_units(verdicts, seed=0)
    answers = units["answer"].astype(object).where(units["answer"].notna(), None)
    found = Counter(
        zip(units["problem_id"], answers, units["verdict"], units["samples"], strict=True)
    )
    assert found == {
        ("a", "7", "correct", 2): 1,
        ("a", "8", "wrong", 1): 1,
        ("a", None, "no_answer", 1): 2,
        ("b", "7", "wrong", 1): 1,
        ("b", "", "wrong", 1): 1,
        ("b", None, "truncated", 1): 1,
    }
    assert set(units["stratum"]) == {
        "correct/text",
        "wrong/number",
        "wrong/text",
        "no_answer",
        "truncated",
    }
    keys = verdicts.set_index(["problem_id", "sample_index"])
    for unit in units.itertuples():
        shown = keys.loc[(unit.problem_id, unit.sample_index)]
        assert shown["verdict"] == unit.verdict
        assert shown["answer"] == unit.answer or (pd.isna(shown["answer"]) and pd.isna(unit.answer))


def test_a_cell_may_have_no_answers_at_all():
    units = audit_units(verdict_frame([("a", None, "truncated", None)] * 3), 0)
    assert units["samples"].tolist() == [1] * 3 and set(units["stratum"]) == {"truncated"}


def test_the_sample_that_is_shown_is_any_of_its_unit():
    verdicts = verdict_frame([("a", "7", "correct", "text")] * 50)
    shown = {audit_units(verdicts, seed)["sample_index"].item() for seed in range(20)}
    assert len(shown) > 10


def test_common_answers_are_apart_from_rare_ones():
    rows = [("a", "1", "wrong", "number")] * 6 + [("b", "2", "wrong", "number")] * 5
    rows += [("c", str(i), "wrong", "number") for i in range(10)]
    strata = audit_units(verdict_frame(rows), 0).groupby("stratum")["samples"].agg(list)
    assert {name: sorted(sizes) for name, sizes in strata.items()} == {
        "wrong/number/common": [5, 6],
        "wrong/number/rare": [1] * 10,
    }
    # Where most samples are of rare answers, the others are common all the same.
    rows = [("a", "1", "wrong", "number")] * 3 + [
        ("b", str(i), "wrong", "number") for i in range(9)
    ]
    units = audit_units(verdict_frame(rows), 0)
    assert units.loc[units["samples"] == 3, "stratum"].item() == "wrong/number/common"


def test_every_stratum_gets_the_least_and_each_side_half_of_the_rest():
    units, samples = [100, 3, 1000, 500, 4], [500, 3, 3000, 1000, 4]
    correct = [True, True, False, False, False]
    drawn = allocate(units, samples, correct, 200)
    assert drawn.sum() == 200 and (drawn <= units).all()
    assert drawn[1] == 3 and drawn[4] == 4 and (drawn[[0, 2, 3]] >= LEAST).all()
    assert abs(drawn[:2].sum() - 100) <= 5
    assert drawn[2] / drawn[3] == pytest.approx(3, rel=0.1)
    assert list(allocate(units, samples, correct, 5000)) == units
    assert list(allocate(units, samples, correct, 12)) == [3, 2, 3, 2, 2]
    with pytest.raises(BoundaryError, match=r"4 units are too few .* 5 strata; raise --size, 25"):
        allocate(units, samples, correct, 4)


def test_the_draw_is_that_of_its_seed_and_fair_within_a_stratum():
    units = units_of([("a", "wrong", 1, "")] * 20 + [("b", "correct", 1, "")] * 20)
    again = [draw_audit(units, 10, seed) for seed in (3, 3, 4)]
    assert list(again[0]) == list(again[1]) != list(again[2])
    assert len(set(again[0])) == 10 and (again[0] < 20).sum() == 5
    many = [draw_audit(units, 10, seed) for seed in range(200)]
    assert stats.chisquare(np.bincount(np.concatenate(many), minlength=40)).pvalue > 1e-3
    first = [drawn[0] < 20 for drawn in many]
    assert 0.4 < np.mean(first) < 0.6  # a half-filled sheet is no worse a sample


def test_ids_are_letters_that_belong_to_one_audit():
    units = audit_units(verdict_frame([("a", str(i), "wrong", "text") for i in range(30)]), 0)
    drawn = np.array([4, 7, 1])
    names = name_units(units, drawn, "one")
    assert (
        names.notna().sum() == 3 and names.iloc[drawn].str.fullmatch("[b-df-hj-np-tv-xz]{8}").all()
    )
    assert not set(names.dropna()) & set(name_units(units, drawn, "another").dropna())


def test_a_problem_without_a_judgement_is_named():
    verdicts = verdict_frame([("a", "1", "wrong", "text"), ("b", "1", "timeout", "sympy")])
    assert check_audited(verdicts.head(1), ["a"]) == {"timeout": 0, "error": 0}
    with pytest.raises(BoundaryError, match="problem b: none of its samples was judged"):
        check_audited(verdicts, ["a", "b"])


# Estimates


def test_when_all_is_judged_the_rates_are_those_of_counting():
    units = units_of(
        [
            ("a", "correct", 5, "correct"),
            ("a", "correct", 2, "wrong"),
            ("a", "wrong", 1, "wrong"),
            ("b", "wrong", 3, "correct"),
            ("b", "wrong", 4, "wrong"),
            ("b", "no_answer", 1, "wrong"),
        ]
    )
    rates, strata, curve = estimate_audit(units, **ESTIMATE)
    rates, shares = by_name(rates), by_name(strata)
    for name, exact in (
        ("false_positive_rate", 2 / 8),  # of 2 + 1 + 4 + 1 that are wrong
        ("false_negative_rate", 3 / 8),  # of 5 + 3 that are right
        ("false_share_of_correct", 2 / 7),
    ):
        assert rates.loc[name].tolist() == pytest.approx([exact] * 3)
    assert shares.loc["correct"].tolist() == [0.5] * 3
    assert shares.loc["wrong"].tolist() == pytest.approx([1 / 3] * 3)
    assert strata.set_index("stratum")["errors"].to_dict() == {
        "correct": 1,
        "no_answer": 0,
        "wrong": 1,
    }
    assert curve["k"].tolist() == [1, 2, 4, 8]
    for column, correct in (("pass_at_k", [7, 0]), ("corrected", [5, 3])):
        exact = pass_at_k([8, 8], correct, [1, 2, 4, 8]).mean(axis=0)
        np.testing.assert_allclose(curve[column], exact)
    assert (curve["low"] == curve["high"]).all() and (curve["low"] == curve["corrected"]).all()


@pytest.mark.parametrize("errors", [0, 3])
def test_a_stratum_has_the_posterior_of_jeffreys(errors):
    people = ["correct"] * errors + ["wrong"] * (40 - errors) + [""] * 29_960
    units = units_of([(f"p{i % 1500}", "wrong", 1, person) for i, person in enumerate(people)])
    estimates = estimate_audit(units, draws=3_000, level=0.9, seed=1)
    posterior = stats.beta(errors + 0.5, 40 - errors + 0.5)
    tolerance = {"rel": 0.06, "abs": 1e-4}
    low, high = posterior.ppf(0.05), posterior.ppf(0.95)
    found = by_name(estimates.strata).loc["wrong"]
    assert found["high"] == pytest.approx(high, **tolerance)
    assert found["low"] == pytest.approx(low, **tolerance)
    # Nothing else is in the cell: as many samples are right as there are errors.
    assert estimates.pass_at_k["high"].iloc[0] == pytest.approx(high, **tolerance)


def test_rare_errors_are_not_found_anew_in_each_of_many_strata():
    """200 right verdicts in 20 strata tell as much as in one; a prior for each would exclude no error."""
    rows = [(f"p{i % 499}", "wrong", 1, "wrong" if i < 200 else "") for i in range(5_000)]
    units = units_of(rows).assign(stratum=[f"wrong/{i % 20}" for i in range(5_000)])
    right = units_of([(f"p{i}", "correct", 100, "correct") for i in range(499)])
    units = pd.concat([units, right], ignore_index=True)
    found = by_name(estimate_audit(units, **ESTIMATE).rates).loc["false_negative_rate"]
    errors = 4_800 * stats.beta(0.5, 200.5).ppf(0.975)
    assert found["low"] == 0
    assert found["high"] == pytest.approx(errors / (49_900 + errors), rel=0.25)


def test_a_judged_error_that_stands_for_many_samples_counts_for_all_of_them():
    rows = [("odd", "wrong", 90, "correct"), ("odd", "correct", 10, "correct")]
    for i in range(9):
        rows += [(f"p{i}", "correct", 50, "correct"), (f"p{i}", "wrong", 50, "wrong")]
    rates, _, curve = estimate_audit(units_of(rows), **ESTIMATE)
    assert by_name(rates).loc["false_negative_rate", "estimate"] == pytest.approx(90 / 550)
    assert curve["corrected"].iloc[0] == pytest.approx(550 / 1000)


def errors_of_one_problem(together):
    """60 problems of which 5 judged units are in error: of one problem, or of five."""
    rows = []
    for problem in range(60):
        rows += [(f"p{problem:02}", "wrong", 1, "wrong") for _ in range(3)]
        rows += [(f"p{problem:02}", "wrong", 1, "") for _ in range(61)]
    units = units_of(rows)
    judged = units.index[units["person"] == "wrong"]
    if together:
        units.loc[[0, 1, 2, 3, 4], ["person", "id"]] = ["correct", "x"]
    else:
        units.loc[judged[::36], ["person", "id"]] = ["correct", "x"]
    assert disagreements(units).sum() == 5
    return units


def test_errors_that_keep_to_a_problem_do_not_solve_the_others():
    alone = estimate_audit(errors_of_one_problem(together=True), **ESTIMATE)
    spread = estimate_audit(errors_of_one_problem(together=False), **ESTIMATE)
    last = [table.pass_at_k.iloc[-1] for table in (alone, spread)]
    assert last[0]["corrected"] < 0.3 and last[0]["low"] < 0.05
    assert last[1]["corrected"] > 0.6


def test_what_was_judged_of_a_problem_tells_of_the_rest_of_it():
    units = errors_of_one_problem(together=True)
    units = units.assign(
        judged=units["person"].ne(""),
        error=disagreements(units),
        problem=pd.factorize(units["problem_id"])[0],
    )
    drawn = np.median(draw_errors(units, 60, 2_000, np.random.default_rng(0)), axis=0)
    assert drawn[0] > 50 and drawn[1:].max() < 3  # of 64


def test_unclear_counts_as_not_drawn():
    rows = [
        ("a", "correct", 4, "correct"),
        ("a", "wrong", 4, "wrong"),
        ("a", "wrong", 2, "unclear"),
    ]
    unclear = units_of(rows)
    undrawn = unclear.assign(person=unclear["person"].replace("unclear", ""))
    first, second = (estimate_audit(units, **ESTIMATE) for units in (unclear, undrawn))
    pd.testing.assert_frame_equal(first.rates, second.rates)
    assert first.strata.set_index("stratum").loc["wrong", "unclear"] == 1
    with pytest.raises(BoundaryError, match="no row is judged yet"):
        estimate_audit(undrawn.assign(person=""), **ESTIMATE)


def test_a_rate_of_nothing_is_unknown():
    rates = by_name(estimate_audit(units_of([("a", "correct", 3, "correct")]), **ESTIMATE).rates)
    assert rates.loc["false_positive_rate"].isna().all()
    assert rates.loc["false_negative_rate"].tolist() == [0, 0, 0]


def test_the_curve_ends_at_the_least_judged_samples():
    rows = [
        ("a", "correct", 3, "correct"),
        ("b", "correct", 5, "correct"),
        ("b", "wrong", 3, "wrong"),
    ]
    curve = estimate_audit(units_of(rows), **ESTIMATE).pass_at_k
    assert curve["k"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(
        curve["corrected"], pass_at_k([3, 8], [3, 5], [1, 2, 3]).mean(axis=0)
    )


def synthetic_cell(rng):
    """Units of 40 problems x 64 samples: answers of all sizes, judged by two rungs."""
    rows = []
    for problem in range(40):
        correct = rng.binomial(64, rng.beta(0.5, 0.7))
        for verdict, left in (("correct", correct), ("wrong", 64 - correct)):
            while left:
                size = min(left, int(rng.zipf(1.6)))
                left -= size
                answer, rung = str(len(rows)), rng.choice(["number", "structure"])
                rows += [(f"p{problem:02}", answer, verdict, rung)] * size
    return audit_units(verdict_frame(rows), 0)


def test_nine_of_ten_intervals_hold_the_truth():
    """Rates and pass@k, whether errors keep to problems or not."""
    held = []
    for replication in range(1000, 1080):
        rng = np.random.default_rng(replication)
        units = synthetic_cell(rng)
        positive = units["verdict"].eq("correct")
        rate = np.where(positive, 0.06, np.where(units["rung"] == "number", 0.02, 0.08))
        of_problem = rng.random((40, 2))[pd.factorize(units["problem_id"])[0], positive.astype(int)]
        follows = rng.random(len(units)) < rng.random()
        right = positive ^ (np.where(follows, of_problem, rng.random(len(units))) < rate)
        drawn = draw_audit(units, 150, replication)
        person = pd.Series("", units.index)
        person.iloc[drawn] = np.where(right.iloc[drawn], "correct", "wrong")
        units = units.assign(person=person, id=person.where(person.ne(""), None))
        rates, _, curve = estimate_audit(units, draws=250, level=0.9, seed=replication)
        samples = units["samples"]
        counts = (samples * right).groupby(units["problem_id"]).sum()
        for found, truth in (
            (rates.iloc[0], samples[positive & ~right].sum() / samples[~right].sum()),
            (rates.iloc[1], samples[~positive & right].sum() / samples[right].sum()),
            (curve.iloc[0], counts.sum() / samples.sum()),
            (curve.iloc[4], pass_at_k([64] * 40, counts, [16]).mean()),
        ):
            held.append(found["low"] <= truth <= found["high"])
    coverage = np.reshape(held, (80, 4)).mean(axis=0)
    assert coverage.mean() == pytest.approx(0.9, abs=0.05)
    assert coverage.min() > 0.8  # of 80 replications: three standard errors are 0.1


def test_the_same_seed_gives_the_same_estimates():
    units = errors_of_one_problem(together=False)
    first, second, third = (
        estimate_audit(units, draws=200, level=0.95, seed=seed) for seed in (5, 5, 6)
    )
    for one, other in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert not first.pass_at_k.equals(third.pass_at_k)


# The sheet

HOSTILE = [
    "<script>alert(1)</script>",
    "</div></details></article><img src=x onerror=alert(1)>",
    "\"'&lt;&amp;",
    "{title} {0} %s",
    "\x00\x1b[31m",
    "12\N{RIGHT-TO-LEFT OVERRIDE}34",
]


def hostile_cards():
    return [
        Card(f"id{i}", (Block(text, text, "end"), Block("x", text, "half")), {"answer": text})
        for i, text in enumerate(HOSTILE)
    ]


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.texts = set(), set(), []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data):
        self.texts.append(data)


def test_a_page_shows_texts_and_runs_none():
    page = Tags()
    page.feed("".join(to_page("<b>", ["<i>"], hostile_cards(), QUESTIONS)))
    assert not page.tags & {"script", "img", "i", "link", "iframe"}
    assert page.attributes == {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "id",
        "class",
        "open",
    }
    for text in HOSTILE[:4]:
        assert page.texts.count(text) == 3
    assert "\N{SYMBOL FOR NULL}\N{SYMBOL FOR ESCAPE}[31m" in page.texts
    assert "12<U+202E>34" in page.texts


def test_a_page_loads_nothing_and_shows_long_texts_whole():
    long = "word " * 50_000 + "end"
    page = "".join(to_page("t", [], [Card("a", (Block("x", long), Block("y", None)), {})], []))
    assert long in page and "default-src 'none'" in page
    assert not re.search(r"(src|href)=|url\(|@import", page)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("  =1", "'  =1"),
        ("a;=1", "a;'=1"),  # a cell of its own, where the language puts semicolons between cells
        ("＝1", "'＝1"),
        ("x = 1, y = -2", "x = 1, y = -2"),
        ("", ""),
    ],
)
def test_a_cell_is_no_formula(text, cell):
    assert spreadsheet_cell(text) == cell


def sheet(tmp_path, cards=None):
    cards = cards or [Card(name, (), {"answer": "1,\n2"}) for name in ("aa", "bb", "cc")]
    page, table = tmp_path / "audit.html", tmp_path / "audit.csv"
    write_sheet(page, table, title="t", instructions=[], cards=cards, questions=QUESTIONS)
    return table


def filled(path, *rows):
    path.write_text("\n".join(["id,answer,person,note", *rows]) + "\n")
    return path


def test_an_empty_sheet_is_read_as_not_judged(tmp_path):
    table = read_sheet(sheet(tmp_path), ["cc", "aa", "bb"], QUESTIONS)
    assert table.to_dict("list") == {
        "id": ["cc", "aa", "bb"],
        "person": [""] * 3,
        "note": [""] * 3,
    }


def test_hostile_cells_survive_the_csv(tmp_path):
    path = sheet(tmp_path, hostile_cards())
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [row["answer"] for row in csv.DictReader(file)][:4] == HOSTILE[:4]
    assert len(read_sheet(path, [f"id{i}" for i in range(6)], QUESTIONS)) == 6


def test_a_sheet_that_may_be_filled_in_is_not_written_over(tmp_path):
    sheet(tmp_path)
    with pytest.raises(
        BoundaryError, match=r"audit.csv exists, and somebody may have filled it in"
    ):
        sheet(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "id,answer,person,note\naa,x,Correct ,\nbb,x,,\ncc,x,wrong,café\n",
        "id;answer;person;note\r\naa;x;correct;\r\n;;;\r\nbb;x;;\r\ncc;x;WRONG;café\r\n",
        "note\tperson\tid\n\tcorrect\taa\n\t\tbb\ncafé\twrong\tcc\n",
        "id,answer,person,note,,\naa,x,correct,,,\nbb\ncc,x,wrong,café,,\n",
    ],
    ids=["commas", "semicolons", "tabs", "ragged"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_what_spreadsheets_save_is_read(tmp_path, content, encoding):
    path = tmp_path / "audit.csv"
    path.write_bytes(content.encode(encoding))
    table = read_sheet(path, ["aa", "bb", "cc"], QUESTIONS)
    assert table["person"].tolist() == ["correct", "", "wrong"]
    assert table["note"].tolist() == ["", "", "café"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["aa,x,correct,", "bb,x,yes,", "cc,x,,"],
            "row 3: person is 'yes'; write correct, wrong, unclear, or leave it empty",
        ),
        (["aa,,,", "bb,,,", "bbb,,,", "cc,,,"], "row 4: unknown id 'bbb'. Did you mean 'bb'?"),
        (["", "aa,,,", "bb,,,", "zz,,,"], "row 5: unknown id 'zz'. The page shows the ids"),
        (["aa,,,", "bb,,,", "cc,,,", "aa,,,"], "row 5: the id aa stands in row 2, too"),
        (["aa,,,"], "the row with the id bb is missing (2 such rows); put it back"),
        (["aa,,,", "bb,,,a, b", "cc,,,"], "row 3: more cells than row 1 has columns"),
        (['aa,"x"y,,', "bb,,,", "cc,,,"], "line 2: no CSV: "),
        (['aa,,,"never closed'], "line 2: no CSV: "),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, rows, message):
    path = filled(tmp_path / "audit.csv", *rows)
    with pytest.raises(BoundaryError) as raised:
        read_sheet(path, ["aa", "bb", "cc"], QUESTIONS)
    assert str(raised.value).startswith(str(path)) and message in str(raised.value)


def test_a_file_that_is_no_sheet_is_named(tmp_path):
    path = tmp_path / "audit.csv"
    with pytest.raises(BoundaryError, match=r"audit.csv: cannot be read: No such file"):
        read_sheet(path, [], QUESTIONS)
    for content, column, times in (("", "id", 0), ("id,person\n", "note", 0), ("id,id\n", "id", 2)):
        path.write_text(content)
        with pytest.raises(
            BoundaryError,
            match=f"row 1 names the column '{column}' {times} times; it should name id",
        ):
            read_sheet(path, [], QUESTIONS)


def test_other_sheets_ask_other_questions(tmp_path):
    path = tmp_path / "cot.csv"
    questions = [Question("valid", {"yes": "it holds", "no": "it does not"}), Question("step")]
    card = Card("aa", (Block("response", "text", "end"),), {"answer": "1"})
    write_sheet(
        tmp_path / "cot.html", path, title="t", instructions=[], cards=[card], questions=questions
    )
    path.write_text(path.read_text(encoding="utf-8-sig").replace("aa,1,,", "aa,1,no,Step 3"))
    assert read_sheet(path, ["aa"], questions).to_dict("records") == [
        {"id": "aa", "valid": "no", "step": "Step 3"}
    ]


def test_the_sheet_is_blind():
    """Whatever the verdicts were, the same samples make the same cards."""
    drawn = pd.DataFrame(
        {
            "id": ["aa", "bb", "cc"],
            "problem_id": ["p"] * 3,
            "gold": [json.dumps("7"), json.dumps(["1", "2"]), json.dumps("7")],
            "answer": ["7", "8", None],
            "sample_index": [0, 1, 2],
        }
    )
    responses = {("p", i): ("text", "length" if i == 2 else "stop") for i in range(3)}
    pages = set()
    for verdict in VERDICTS:
        judged = drawn.assign(verdict=verdict, rung="structure", stratum=f"{verdict}/structure")
        cards = audit_cards(judged, {"p": "What?"}, responses, {})
        pages.add("".join(to_page(TITLE, INSTRUCTIONS, cards, QUESTIONS)))
    (page,) = pages
    assert not re.search("no_answer|truncated|timeout|structure", page)
    assert "1 and 2" in page and "cut off" in page
    assert set(cards[0].cells) == {"problem_id", "gold", "answer"}


# The commands


def write_cell(folder, n=8):
    """Two shards of three problems; the rung number takes 7.0 for wrong."""
    ids = ["p/0", "p/1", "p/2"]
    golds = [json.dumps("7"), json.dumps(["1", "2"]), json.dumps("=cmd()")]
    problems = pd.DataFrame(
        {"problem_id": ids, "domain": "math", "question": "<b>?", "gold": golds}
    )
    write_records(folder / "problems.parquet", "problem", problems, {})
    kinds = [
        ("7", "correct", "text", "stop"),
        ("7.0", "wrong", "number", "stop"),
        ("=2+5", "wrong", "structure", "stop"),
        (None, "truncated", None, "length"),
        ("7", "correct", "text", "stop"),
        (None, "no_answer", None, "stop"),
        ("9", "timeout", "sympy", "stop"),
        ("8", "wrong", "number", "stop"),
    ]
    rows = [(problem, i, *kinds[i % 8]) for problem in ids for i in range(n)]
    columns = ["problem_id", "sample_index", "answer", "verdict", "rung", "finish_reason"]
    frame = pd.DataFrame(rows, columns=columns).assign(found="box", detail="")
    for number, part in enumerate(
        (frame["sample_index"] < n // 2, frame["sample_index"] >= n // 2)
    ):
        shard = frame[part]
        samples = shard[["problem_id", "sample_index", "finish_reason"]].assign(
            text="so <script>x</script> \\boxed{}", token_ids=None, n_tokens=1, logprob_sum=None
        )
        path = folder / f"samples-{number}.parquet"
        write_records(path, "sample", samples, {})
        drawn = {"model": "base", "benchmark": "p", "seed": 0}
        record = {"samples": drawn, "samples_sha256": file_digest(path)}
        write_records(folder / f"verdicts-{number}.parquet", "verdict", shard, record)


def draw(folder, *options, output="audit", n="8", shards=(0, 1)):
    return main(
        [
            *("audit", "draw", "--problems", str(folder / "problems.parquet"), "--n", n),
            *("--verdicts", *(str(folder / f"verdicts-{number}.parquet") for number in (0, 1))),
            *("--samples", *(str(folder / f"samples-{number}.parquet") for number in shards)),
            *("--output", str(folder / output), *options),
        ]
    )


def judge(folder, person):
    """Fill in the sheet: ``person`` says, of a row and its unit, what the person does."""
    units, _ = read_key(folder / "key.parquet")
    known = units.dropna(subset="id").set_index("id")
    with (folder / "audit.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row | {"person": person(known.loc[row["id"]])} for row in csv.DictReader(file)]
    with (folder / "audit.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def truth(unit):
    return "correct" if unit["answer"] in ("7", "7.0") else "wrong"


def read(folder, *options):
    sheet = str(folder / "audit.csv")
    return main(["audit", "read", "--sheet", sheet, "--output", str(folder / "out"), *options])


def test_from_verdicts_to_rates(tmp_path, capsys):
    write_cell(tmp_path)
    assert draw(tmp_path) == 0
    folder = tmp_path / "audit"
    assert {path.name for path in folder.iterdir()} == FILES
    assert "18 of 18 units from 5 strata" in capsys.readouterr().out
    page = (folder / "audit.html").read_text()
    assert "<script" not in page and page.count("&lt;script&gt;") == 18
    header = (folder / "audit.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert header == "id,problem_id,gold,answer,person,note"
    judge(folder, truth)
    assert read(folder) == 0
    said = capsys.readouterr().out
    assert "base on p, n = 8: 21 judged samples in 18 units" in said
    assert "18 units drawn: 18 judged, 3 of these otherwise" in said
    assert "3 timeout, 0 error" in said and "33.33% [33.33%, 33.33%]" in said
    assert "to k = 7: the least that was judged" in said
    rates = pd.read_csv(folder / "out" / "rates.csv", index_col="rate")
    assert rates.loc["false_negative_rate"].tolist() == pytest.approx([1 / 3] * 3)
    assert rates.loc["false_positive_rate"].tolist() == [0] * 3
    curve = pd.read_csv(folder / "out" / "pass_at_k.csv")
    assert list(curve) == ["k", "pass_at_k", "corrected", "low", "high"]
    assert curve.iloc[0].tolist() == pytest.approx([1, 2 / 7, 3 / 7, 3 / 7, 3 / 7])
    errors = pd.read_csv(folder / "out" / "disagreements.csv", dtype=str)
    assert set(errors["answer"]) == {"7.0"} and set(errors["rung"]) == {"number"}
    assert set(errors["gold"]) == {"7", "1 and 2", "'=cmd()"}
    strata = pd.read_csv(folder / "out" / "strata.csv")
    assert strata["units"].sum() == strata["judged"].sum() == 18


def test_the_draw_is_the_same_in_every_run(tmp_path):
    write_cell(tmp_path)
    for output, seed in (("one", "3"), ("same", "3"), ("other", "4")):
        assert draw(tmp_path, "--size", "9", "--seed", seed, output=output) == 0
    for name in ("audit.html", "audit.csv"):
        one, same, other = (
            (tmp_path / output / name).read_bytes() for output in ("one", "same", "other")
        )
        assert one == same != other


def test_samples_beyond_n_are_left_alone(tmp_path):
    write_cell(tmp_path)
    assert draw(tmp_path, n="4") == 0
    units, about = read_key(tmp_path / "audit" / "key.parquet")
    assert units["samples"].sum() == 12 and units["sample_index"].max() < 4
    assert about["n"] == 4 and about["unaudited"] == {"timeout": 0, "error": 0}


def test_an_unfinished_sheet_can_be_read(tmp_path, capsys):
    write_cell(tmp_path)
    draw(tmp_path, "--size", "9")
    folder = tmp_path / "audit"
    assert read(folder) == 1
    assert "boundary audit: no row is judged yet" in capsys.readouterr().err
    judge(
        folder, lambda unit: {"truncated": "", "no_answer": "unclear"}.get(unit["verdict"], "wrong")
    )
    assert read(folder, "--draws", "50", "--level", "0.5") == 0
    said = capsys.readouterr().out
    assert "nothing is judged of no_answer, truncated" in said and "50% interval" in said


def test_a_drawn_sheet_is_not_drawn_over(tmp_path, capsys):
    write_cell(tmp_path)
    draw(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()}
    assert draw(tmp_path, "--seed", "1") == 1
    assert "exists, and somebody may have filled it in" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()} == before


def test_the_key_must_be_the_sheets_own(tmp_path, capsys):
    write_cell(tmp_path)
    draw(tmp_path)
    draw(tmp_path, "--seed", "1", output="other")
    sheet_of_one = tmp_path / "audit"
    assert read(sheet_of_one, "--key", str(tmp_path / "other" / "key.parquet")) == 1
    assert "row 2: unknown id" in capsys.readouterr().err
    assert read(sheet_of_one, "--key", str(tmp_path / "problems.parquet")) == 1
    assert "problems.parquet: is no audit's key" in capsys.readouterr().err
    (sheet_of_one / "key.parquet").unlink()
    assert read(sheet_of_one) == 1
    assert "key.parquet: there is no such file" in capsys.readouterr().err


def test_samples_and_verdicts_must_belong_together(tmp_path, capsys):
    write_cell(tmp_path)
    assert draw(tmp_path, shards=[0]) == 1
    said = capsys.readouterr().err
    assert "verdicts-1.parquet: the samples that it judges are in none of the files" in said
    assert draw(tmp_path, n="9") == 1
    assert "problem p/0: sample 8 is missing" in capsys.readouterr().err
    assert draw(tmp_path, "--size", "4") == 1
    assert "4 units are too few" in capsys.readouterr().err
    assert not (tmp_path / "audit").exists()


def test_a_sample_that_no_file_holds_is_named(tmp_path, capsys):
    write_cell(tmp_path)
    for number in (0, 1):
        path = tmp_path / f"verdicts-{number}.parquet"
        frame = pd.read_parquet(path)
        write_records(path, "verdict", frame, {"samples": {}})  # of before digests were kept
    assert draw(tmp_path, shards=[0]) == 1
    assert re.search(r"problem p/0: no file of --samples holds its sample", capsys.readouterr().err)


def test_the_examples_of_the_help_are_commands_that_exist():
    lines = EXAMPLES.replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in lines if line.strip().startswith("boundary ")]
    steps = [build_parser().parse_args(command[1:]).step for command in commands]
    assert steps == ["draw", "read"]
