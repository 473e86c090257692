"""The stage benchmarks: every kind of file and source, what is chosen, and what is refused."""

import gzip
import hashlib
import json
import os
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from boundary.benchmarks.formats import MODULES, check_of, domain_of
from boundary.benchmarks.load import BenchmarkLoader, Entry
from boundary.benchmarks.pictures import check_images
from boundary.benchmarks.selection import part_positions
from boundary.benchmarks.sources import SourceFile
from boundary.cli import main
from boundary.data.records import read_provenance, read_records
from boundary.errors import BoundaryError
from boundary.study import code_digest
from boundary.study.catalogue import load_catalogue
from boundary.study.documents import SCHEMAS
from config_files import edit
from fake_hub import REVISION, ROWS, lines, parquet, sha


def load(tmp_path, *arguments, name="own"):
    """Exit code of the stage, whose output is problems.parquet."""
    output = str(tmp_path / "problems.parquet")
    return main(["benchmarks", "--name", name, *map(str, arguments), "--output", output])


def problems_of(tmp_path):
    return read_records(tmp_path / "problems.parquet", "problem")


def refused(tmp_path, capsys, *arguments):
    """The stage's one message; nothing is written."""
    before = set(tmp_path.rglob("*"))
    assert load(tmp_path, *arguments) == 1
    assert set(tmp_path.rglob("*")) == before
    said = [line for line in capsys.readouterr().err.splitlines() if "problem/s" not in line]
    (message,) = [line for line in said if line]
    return message


def test_the_same_rows_are_the_same_problems_in_every_kind_of_file(tmp_path):
    numbers = [{**row, "answer": float(row["answer"])} for row in ROWS]
    contents = {
        "a.json": json.dumps(numbers).encode(),
        "b.jsonl": lines(numbers),
        "c.jsonl.gz": gzip.compress(lines(numbers)),
        "d.parquet": parquet(numbers),
    }
    digests = set()
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert load(tmp_path, "--path", tmp_path / name) == 0
        assert [json.loads(g) for g in problems_of(tmp_path)["gold"]] == ["2.0", "13.5", "27.0"]
        made = read_provenance(tmp_path / "problems.parquet")
        assert made["files"] == {str(tmp_path / name): sha(content)}
        digests.add(made["problems_sha256"])
    assert len(digests) == 1


def test_the_digest_is_of_canonical_lines(tmp_path):
    (tmp_path / "own.jsonl").write_bytes(lines(ROWS))
    assert load(tmp_path, "--path", tmp_path / "own.jsonl") == 0
    expected = "".join(
        f'{{"domain":"math","gold":"{gold}","images":null,"meta":{{}},"problem_id":"own/000{n}",'
        f'"question":{json.dumps(row["question"])},"tests":null}}\n'
        for n, (row, gold) in enumerate(zip(ROWS, ("2", "13.5", "27.0"), strict=True))
    )
    made = read_provenance(tmp_path / "problems.parquet")
    assert made["problems_sha256"] == hashlib.sha256(expected.encode("ascii")).hexdigest()
    text = json.dumps(made)
    assert os.uname().nodename not in text and "202" not in text.replace(str(tmp_path), "")


def test_what_is_pinned_is_told_and_then_checked(tmp_path, capsys):
    path = tmp_path / "own.jsonl"
    path.write_bytes(lines(ROWS))
    assert load(tmp_path, "--path", path) == 0
    told = dict(line.split(": ") for line in capsys.readouterr().err.split(":\n")[1].splitlines())
    pins = [f"--{key.strip()}={value}" for key, value in told.items()]
    assert len(pins) == 2 and load(tmp_path, "--path", path, *pins) == 0
    assert "To pin" not in capsys.readouterr().err
    (tmp_path / "problems.parquet").unlink()
    path.write_bytes(lines([*ROWS[:2], {"question": "27.0?", "answer": 27}]))
    message = refused(tmp_path, capsys, "--path", path, *pins)
    assert f"benchmark own: {path}: found problems with the sha256 " in message
    assert f"expected {told['  sha256']}" in message
    path.write_bytes(lines(ROWS[:2]))
    message = refused(tmp_path, capsys, "--path", path, *pins)
    assert f"benchmark own: {path}: found 2 problems; expected 3, which `rows` says" in message


BAD = {
    "no key": ("own.jsonl", b'{"question": "?"}', "{}, line 1: no key 'answer'; its keys are question"),
    "empty question": ("own.jsonl", b'{"question": " ", "answer": 1}', "{}, line 1: 'question' is ' '"),
    "empty gold": ("own.json", b'[{"question": "?", "answer": ""}]', "{}, row 1: 'answer' is ''"),
    "null gold": (
        "own.parquet", parquet([{"question": "?", "answer": None}]), "{}, row 1: 'answer' is None"
    ),
    "torn gzip": ("own.jsonl.gz", gzip.compress(lines(ROWS))[:-9], "{} cannot be read as JSON lines: "),
    "no gzip": ("own.jsonl.gz", lines(ROWS), "{} cannot be read as JSON lines: Not a gzipped file"),
    "bad gzip": (
        "own.jsonl.gz", gzip.compress(lines(ROWS))[:10] + b"\xff" * 40, "{} cannot be read as JSON lines: "
    ),
    "torn parquet": ("own.parquet", parquet(ROWS)[:-9], "{} cannot be read as a Parquet file: "),
    "no parquet": ("own.parquet", b"PAR1", "{} cannot be read as a Parquet file: "),
    "torn list": ("own.json", b'[{"question": "?"', "{} cannot be read as JSON: Expecting"),
    "lines as a list": ("own.json", lines(ROWS), "One object a line is a .jsonl file"),
    "an object": ("own.json", b"{}", "{}: found a JSON dict; expected a list of objects"),
    "a list of texts": ("own.json", b'["x"]', "{}, row 1: not a JSON object"),
    "too deep": ("own.jsonl", b'{"a": ' + b"[" * 200_000, "{} cannot be read as JSON lines: "),
    "no problem": ("own.json", b"[]", "{} holds no problem"),
    "another kind": ("own.csv", b"", "{}: found 'own.csv'; expected a file that ends in .json"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_message_with_entry_file_and_row(tmp_path, capsys, case):
    name, content, expected = BAD[case]
    path = tmp_path / name
    path.write_bytes(content)
    message = refused(tmp_path, capsys, "--path", path)
    assert message.startswith("boundary benchmarks: benchmark own: ")
    assert expected.format(path) in message


def test_an_absent_file_is_a_message(tmp_path, capsys):
    for suffix in ("json", "jsonl", "jsonl.gz", "parquet"):
        path = tmp_path / f"absent.{suffix}"
        assert f"benchmark own: {path} cannot be read" in refused(tmp_path, capsys, "--path", path)


def test_an_identifier_that_stands_twice_is_told_with_both_places(tmp_path):
    rows = [{"question": "?", "answer": 1, "id": n} for n in (1, 2)]
    files = []
    for name, some in (("one", rows), ("two", rows[1:])):
        (tmp_path / name).with_suffix(".jsonl").write_bytes(lines(some))
        files.append(SourceFile((tmp_path / name).with_suffix(".jsonl"), name))
    with pytest.raises(BoundaryError) as raised:
        list(BenchmarkLoader(files, Entry("own", fields={"problem_id": "id"})).groups())
    assert str(raised.value).startswith(
        "benchmark own: two, line 1: the identifier '2' stands in one, line 2, too"
    )


@pytest.mark.parametrize(
    ("where", "text", "gold"),
    [
        ("after_hashes", "So 2 * 3 = 6.\n#### 6", "6"),
        ("after_hashes", "#### no\n#### $1,234 ", "$1,234"),
        ("last_box", r"\boxed{1}, no: $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        ("after_hashes", "So it is 6.", None),
        ("after_hashes", "So it is 6.\n#### ", None),
        ("last_box", "So it is 6.", None),
        ("last_box", r"So it is \boxed{}.", None),
    ],
)
def test_a_gold_may_stand_within_a_text(tmp_path, capsys, where, text, gold):
    path = tmp_path / "own.jsonl"
    path.write_bytes(lines([{"question": "?", "answer": text}]))
    arguments = ("--path", path, "--fields", json.dumps({"gold_in": where}))
    if gold is None:
        message = refused(tmp_path, capsys, *arguments)
        assert f"{path}, line 1: 'answer' has no answer" in message
        assert f"`gold_in: {where}`" in message
    else:
        assert load(tmp_path, *arguments) == 0
        assert json.loads(problems_of(tmp_path)["gold"][0]) == gold


SIZES = {"train": 2000, "test": 821}


def test_a_split_is_disjoint_complete_and_stable(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_bytes(lines([{"question": f"{n}?", "answer": n} for n in range(2821)]))
    found = {}
    for seed in (0, 1):
        for name in SIZES:
            part = json.dumps({"name": name, "sizes": SIZES, "seed": seed})
            assert load(tmp_path, "--path", path, "--part", part, "--rows", SIZES[name]) == 0
            golds = [int(json.loads(gold)) for gold in problems_of(tmp_path)["gold"]]
            assert golds == sorted(golds) and len(golds) == SIZES[name]
            # Numbered as in the whole file, so that both parts call a problem the same.
            ids = [f"own/{n:04d}" for n in golds]
            assert list(problems_of(tmp_path)["problem_id"]) == ids
            found[name, seed] = golds
        together = sorted(found["train", seed] + found["test", seed])
        assert together == list(range(2821))
    assert found["test", 0] != found["test", 1]
    # As the documentation says: in the order of the digests of "SEED POSITION", test first.
    dealt = sorted(range(2821), key=lambda n: hashlib.sha256(f"0 {n}".encode()).hexdigest())
    assert found["test", 0] == sorted(dealt[:821])
    assert sha(json.dumps(found["test", 0]).encode()) == TEST_PART
    reordered = {name: SIZES[name] for name in reversed(SIZES)}
    assert part_positions("test", reordered, 0) == set(found["test", 0])


TEST_PART = "02ced331716c6c61fb14a1368adf852763eeb8eeec23e27b1133e691d9fd8fe7"


def test_a_split_of_another_size_is_refused(tmp_path, capsys):
    path = tmp_path / "own.jsonl"
    path.write_bytes(lines(ROWS))
    for sizes, total in (({"train": 1, "test": 1}, 2), ({"train": 2, "test": 2}, 4)):
        part = json.dumps({"name": "train", "sizes": sizes, "seed": 0})
        message = refused(tmp_path, capsys, "--path", path, "--part", part)
        assert f"{path}: found 3 problems to split; expected {total}, the sum of" in message
    part = json.dumps({"name": "tarin", "sizes": SIZES, "seed": 0})
    assert "unknown part 'tarin'. Did you mean 'train'" in refused(
        tmp_path, capsys, "--path", path, "--part", part
    )


def livecodebench_row(day):
    test = json.dumps([{"input": "1", "output": "1", "testtype": "stdin"}])
    return {
        "question_id": day, "question_content": "Echo.", "contest_date": f"{day}T00:00:00",
        "starter_code": "", "platform": "leetcode", "difficulty": "easy", "metadata": "{}",
        "public_test_cases": test, "private_test_cases": test,
    }  # fmt: skip


def test_a_window_has_its_first_day_and_not_its_last(tmp_path, capsys):
    days = ["2024-07-31", "2024-08-01", "2025-01-31", "2025-02-01"]
    path = tmp_path / "theirs.jsonl"
    path.write_bytes(lines(map(livecodebench_row, days)))
    window = ("--format", "livecodebench", "--between", "2024-08-01", "2025-02-01")
    assert load(tmp_path, "--path", path, *window, "--rows", 2) == 0
    assert list(problems_of(tmp_path)["problem_id"]) == days[1:3]
    assert read_provenance(tmp_path / "problems.parquet")["between"] == list(window[3:])
    (tmp_path / "problems.parquet").unlink()
    capsys.readouterr()
    for wrong in (
        ("2025-02-01", "2024-08-01"),
        ("2024-13-01", "2025-01-01"),
        ("2024-08-01", "soon"),
    ):
        assert "between" in refused(
            tmp_path, capsys, "--path", path, *window[:2], "--between", *wrong
        )
    (tmp_path / "own.jsonl").write_bytes(lines(ROWS))
    message = refused(tmp_path, capsys, "--path", tmp_path / "own.jsonl", *window[2:])
    assert "own.jsonl, line 1: no date, by which `between` chooses" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hub", "a/b", "--files", "*"), "--hub, --revision and --files need one another"),
        (("--path", "x.json", "--revision", REVISION), "need one another"),
        (("--hub", "a/b", "--files", "*", "--revision", "main"), "revision: .*found 'main'"),
        (("--url", "http://a/b.json"), "url: .*expected: Address of a file, https"),
        (("--url", "https://me:secret@a/b.json"), "url: .*No query, no user"),
        (("--path", "x.json", "--fields", '{"qestion": "q"}'), "unknown key 'qestion'.*'question'"),
        (("--path", "x.json", "--format", "mathvista", "--fields", '{"gold": "a"}'), "for the format math"),
        (("--path", "x.json", "--sha256", "12"), "sha256: .*64 hexadecimal digits"),
        (("--path", "x.json", "--subset", '{"problems": 1}'), "--subset chooses among"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_told_before_any_work(
    tmp_path, capsys, arguments, message
):
    assert re.search(message, refused(tmp_path, capsys, *arguments))


def test_a_frame_is_not_needed_whole(tmp_path, monkeypatch):
    """Groups end where their bytes are enough, and nothing is lost between them."""
    import boundary.benchmarks.load as module

    path = tmp_path / "own.jsonl"
    path.write_bytes(lines([{"question": "x" * 100, "answer": n} for n in range(50)]))
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 1000)
    loader = BenchmarkLoader([SourceFile(path, "own")], Entry("own"))
    groups = list(loader.groups())
    assert len(groups) == 6 and {len(group) for group in groups[:-1]} == {9}
    golds = pd.concat(groups)["gold"].map(json.loads)
    assert list(golds) == [str(n) for n in range(50)]


def entries(config, **changed):
    """The catalogue's benchmarks, with entries of ours beside them."""
    file = config / "benchmarks.yaml"
    edit(file, lambda document: document.update(changed))
    return load_catalogue(config, SCHEMAS).benchmarks


HUB_ENTRY = {"label": "x", "hub": "a/b", "revision": REVISION, "files": "test*"}


def test_an_entry_becomes_the_arguments_that_the_stage_takes(config):
    from boundary.cli import build_parser

    found = entries(config, own={**HUB_ENTRY, "path": "own.parquet"})
    for benchmark in found.values():
        arguments = ["benchmarks", "--name", "x", *benchmark.source_arguments, "--output", "o"]
        parsed = build_parser().parse_args(arguments)
        for key in ("rows", "sha256", "part", "revision"):
            if benchmark.name != "own":
                assert getattr(parsed, key) == benchmark.settings.get(key), key
    own = found["own"]
    assert own.path == "own.parquet" and own.source_arguments[:2] == ["--path", "own.parquet"]
    assert "--hub" not in own.source_arguments and found["gsm8k"].path is None
    window = found["livecodebench-2024-08"].settings["between"]
    assert window == ["2024-08-01", "2025-02-01"]  # unquoted in the file, and texts


def test_the_catalogue_is_pinned_and_splits_agree(config):
    found = entries(config)
    for benchmark in found.values():
        if "url" in benchmark.settings:
            assert re.search("/[0-9a-f]{40}/", benchmark.settings["url"])
    one, other = (found[f"omni-math-rule-{part}"].settings for part in SIZES)
    for entry, name in ((one, "train"), (other, "test")):
        assert entry["part"] == {"name": name, "sizes": SIZES, "seed": 0}
        assert entry["rows"] == SIZES[name]
    assert one["url"] == other["url"] and one["fields"] == other["fields"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"label": "x"}, r"own: found no source; needs exactly one of generate, path, hub"),
        ({**HUB_ENTRY, "url": "https://a/b.json"}, r"own: found hub and url; needs exactly one"),
        ({"label": "x", "counts_only": True, "path": "x.json"}, r"found counts_only and path"),
        ({"label": "x", "counts_only": True, "rows": 3}, r"found rows beside counts_only"),
        ({"label": "x", "hub": "a/b"}, r"own: 'revision' is a dependency of 'hub'"),
        ({"label": "x", "path": "x", "files": "*"}, r"own: 'hub' is a dependency of 'files'"),
        ({**HUB_ENTRY, "revision": "main"}, r"own\.revision: found 'main'; expected: Full commit"),
        ({**HUB_ENTRY, "files": []}, r"own\.files: "),
        ({**HUB_ENTRY, "format": "math_vista"}, r"own\.format: unknown value .*'mathvista'"),
        (
            {**HUB_ENTRY, "format": "mathvista", "fields": {"gold": "a"}},
            r"own\.fields: found keys beside the format mathvista",
        ),
        ({**HUB_ENTRY, "fields": {"gold_in": "box"}}, r"gold_in: unknown value 'box'.*last_box"),
        ({**HUB_ENTRY, "between": ["2024-08", "2025-01-01"]}, r"between\.0: .*expected: a date"),
        ({**HUB_ENTRY, "between": ["2024-02-30", "2025-01-01"]}, r"own\.between: found .*day is"),
        ({**HUB_ENTRY, "between": ["2025-01-01", "2025-01-01"]}, r"between: .*the first day, then"),
        (
            {**HUB_ENTRY, "part": {"name": "dev", "sizes": SIZES, "seed": 0}},
            r"own\.part\.name: unknown part 'dev'",
        ),
        ({**HUB_ENTRY, "url": "http://a/b.json"}, r"own\.url: .*expected: Address"),
    ],
)
def test_an_entry_that_contradicts_itself_is_told(config, entry, message):
    with pytest.raises(BoundaryError, match=message):
        entries(config, own=entry)


def test_the_catalogue_names_the_formats_that_there_are():
    schema = yaml.safe_load((SCHEMAS / "benchmarks.schema.yaml").read_text())
    assert schema["additionalProperties"]["properties"]["format"]["enum"] == list(MODULES)


def test_every_format_with_pictures_looks_at_them():
    visual = [name for name in MODULES if domain_of(name) == "visual"]
    assert visual and all(check_of(name) is check_images for name in visual)


def test_a_changed_search_for_answers_reads_no_benchmark_anew():
    """Golds are read from boxes, and neither from tags nor by policies, which are the verifier's."""
    seen, pending = set(), ["boundary.stages.benchmarks", "boundary.benchmarks.mathematics"]
    while pending:
        name = pending.pop()
        if name not in seen and code_digest._file(name):
            seen.add(name)
            pending += code_digest._imports(name)
    assert "boundary.verification.boxes" in seen
    assert not seen & {"boundary.verification.extraction", "boundary.verification.policy"}


def test_a_byte_order_mark_is_no_part_of_a_question(tmp_path):
    own = tmp_path / "own.jsonl"
    own.write_bytes(b"\xef\xbb\xbf" + b'{"question": "q", "answer": 1}\n')
    assert load(tmp_path, "--path", own) == 0
    assert list(problems_of(tmp_path)["question"]) == ["q"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"question": "q", "answer": 1, "answer": 2}\n', "line 1: the key 'answer' stands twice"),
        (b'{"question": "q", "answer": 1}\n' + b"[" * 100_000, "line 2: "),
    ],
)
def test_a_line_that_could_be_read_in_two_ways_or_none_is_named(tmp_path, capsys, content, message):
    own = tmp_path / "own.jsonl"
    own.write_bytes(content)
    assert message in refused(tmp_path, capsys, "--path", own)


def test_a_date_beyond_the_calendar_is_a_message(tmp_path, capsys):
    table = pa.table(
        {"question": ["q"], "answer": ["1"], "when": pa.array([2**62], pa.timestamp("us"))}
    )
    pq.write_table(table, tmp_path / "own.parquet")
    assert "cannot be read as a Parquet file" in refused(
        tmp_path, capsys, "--path", tmp_path / "own.parquet"
    )


def test_an_address_is_not_told_where_it_is_refused(tmp_path, capsys):
    """It may hold a password."""
    told = refused(tmp_path, capsys, "--url", "https://me:secret@host/x.jsonl?token=secret")
    assert "secret" not in told and "No query" in told
