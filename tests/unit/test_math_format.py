"""The format math: what a row holds, under the keys that an entry names."""

import json

import pytest
from boundary.benchmarks.load import BenchmarkLoader, Entry
from boundary.benchmarks.sources import SourceFile
from boundary.errors import BoundaryError


def load(path, **fields):
    """The records of a file of one's own."""
    (problems,) = BenchmarkLoader(
        [SourceFile(path, str(path))], Entry("own", fields=fields)
    ).groups()
    return problems


def test_golds_stay_as_they_are_written(tmp_path):
    path = tmp_path / "own.jsonl"
    golds = ["123456789012345678", "0.10", "1e3", "-7"]
    lines = [f'{{"q": "half of {{x}}", "a": {gold}, "id": {n}}}' for n, gold in enumerate(golds)]
    path.write_text("\n\n".join(lines))
    problems = load(path, question="q", gold="a", problem_id="id")
    assert list(problems["problem_id"]) == ["0", "1", "2", "3"]
    assert [json.loads(gold) for gold in problems["gold"]] == golds
    assert problems["question"].eq("half of {x}").all()
    assert load(path, question="q", gold="a")["problem_id"].iloc[3] == "own/0003"
    assert set(problems["domain"]) == {"math"} and problems["tests"].isna().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"question": "x", "answer": 1}\n\n{"question": " ", "answer": 2}',
            "line 3: 'question' is ' '",
        ),
        (
            '{"question": "x", "answer": null}',
            "line 1: 'answer' is None; expected a number or a text",
        ),
        (
            '{"question": "x", "answer": []}',
            r"line 1: 'answer' is \[\]; expected .* or a list of them",
        ),
        ('{"question": "x", "answer": ["5", null]}', r"line 1: 'answer' is \['5', None\]"),
        ('{"question": "x", "answer": [["5"]]}', r"line 1: 'answer' is \[\['5'\]\]"),
        ('{"question": "x", "answer": true}', "line 1: 'answer' is True"),
        ('{"question": "x", "answer": NaN}', "line 1: 'answer' is nan"),
        ("[1]", "line 1 is not a JSON object"),
        ('{"question": "x", "answer": 1}\n{', "line 2: Expecting"),
        ('{"question": "\\ud800", "answer": 1}', "line 1: 'question' is"),
        (
            '{"question": "x", "answer": 1, "id": 3}\n' * 2,
            r"line 2: the identifier '3' stands in .*own\.jsonl, line 1, too",
        ),
        ('{"question": "x", "answer": 1, "id": ""}', "line 1: 'id' is ''"),
    ],
)
def test_bad_rows_are_named_with_their_line(tmp_path, text, message):
    path = tmp_path / "own.jsonl"
    path.write_text(text)
    with pytest.raises(BoundaryError, match=message):
        load(path, **({"problem_id": "id"} if '"id"' in text else {}))


def test_a_gold_may_be_several_answers(tmp_path):
    path = tmp_path / "own.jsonl"
    golds = ['[1, "x^2", 0.50]', '["\\\\frac{1}{2}"]', "[7]"]
    path.write_text("\n".join(f'{{"question": "?", "answer": {gold}}}' for gold in golds))
    read = [json.loads(gold) for gold in load(path)["gold"]]
    assert read == [["1", "x^2", "0.50"], "\\frac{1}{2}", "7"]


OWN = {"tolerance": "error", "unit": "unit", "several": "is_multiple"}


def own_settings(tmp_path, *lines):
    """What a file with these parts of lines leaves in the records' meta."""
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(f'{{"question": "?", "answer": 1, {line}}}' for line in lines))
    return [json.loads(meta) for meta in load(path, **OWN)["meta"]]


def test_a_problem_may_settle_how_it_is_verified(tmp_path):
    lines = [
        '"error": 1e-2, "unit": " m/s ", "is_multiple": true',
        '"error": "0.5", "unit": null, "is_multiple": false',
        '"error": "", "unit": " ", "is_multiple": null',
        '"error": "1e-1,1e-2", "is_multiple": "single"',
        '"is_multiple": "auto"',
        '"error": 0, "is_multiple": "list"',
    ]
    assert own_settings(tmp_path, *lines) == [
        {"verification": {"tolerance": 0.01, "unit": "m/s", "several": "list"}},
        {"verification": {"tolerance": 0.5}},
        {},
        {"verification": {"tolerance": 0.01, "several": "single"}},
        {},
        {"verification": {"tolerance": 0.0, "several": "list"}},
    ]
    path = tmp_path / "own.jsonl"
    assert load(path)["meta"].eq("{}").all()
    with pytest.raises(BoundaryError, match=r"no row with the key 'eror', which `fields` names as"):
        load(path, tolerance="eror")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"error": "small"', "'error' is 'small'; expected a number of 0 or more, or several"),
        ('"error": "1e-1,"', "'error' is '1e-1,'; expected a number of 0 or more, or several"),
        ('"error": -1', "'error' is '-1'; expected a number of 0 or more"),
        ('"error": NaN', "'error' is nan; expected a number"),
        ('"error": "inf"', "'error' is 'inf'; expected a number"),
        ('"error": true', "'error' is True; expected a number"),
        ('"error": [1]', r"'error' is \['1'\]; expected a number"),
        ('"unit": ["m"]', r"'unit' is \['m'\]; expected a text"),
        ('"unit": true', "'unit' is True; expected a text"),
        ('"is_multiple": 1', "'is_multiple' is '1'; expected true, false, list, single or auto"),
        ('"is_multiple": ["list"]', r"'is_multiple' is \['list'\]; expected true"),
    ],
)
def test_a_setting_that_is_none_is_named_with_its_line(tmp_path, line, message):
    known = '"error": null, "unit": null, "is_multiple": null'
    with pytest.raises(BoundaryError, match=f"line 2: {message}"):
        own_settings(tmp_path, known, line)
