import gzip
import json
import multiprocessing

import pandas as pd
import pytest
from boundary.data.atomic import atomic_path
from boundary.data.checkpoint import checkpoint_digest, download_checkpoint
from boundary.data.journal import Journal
from boundary.data.model_record import ModelRecord, read_model_record, write_model_record
from boundary.data.problem_file import load_problem_file
from boundary.data.records import read_provenance, read_records, write_records
from boundary.errors import BoundaryError

COUNTS = pd.DataFrame({"problem_id": ["a", "b"], "n": [4, 4], "correct": [0, 3]})


def test_records_round_trip_with_their_provenance(tmp_path):
    path = tmp_path / "new" / "counts.parquet"
    write_records(path, "count", COUNTS, {"seed": 3})
    assert read_records(path, "count").equals(COUNTS.astype({"n": "int32", "correct": "int32"}))
    assert read_provenance(path) == {"seed": 3}
    assert [file.name for file in path.parent.iterdir()] == ["counts.parquet"]


def test_the_same_records_make_the_same_file(tmp_path):
    for name in ("one", "two"):
        write_records(tmp_path / name, "count", COUNTS, {"n": 4})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    "frame",
    [COUNTS.drop(columns="n"), COUNTS.assign(extra=1), COUNTS.assign(correct=["x", "y"])],
)
def test_other_columns_are_refused(tmp_path, frame):
    with pytest.raises(BoundaryError, match=r"counts\.parquet: .*count record"):
        write_records(tmp_path / "counts.parquet", "count", frame, {})
    assert list(tmp_path.iterdir()) == []


def test_reading_another_record_or_no_parquet_is_a_message(tmp_path):
    write_records(tmp_path / "counts.parquet", "count", COUNTS, {})
    with pytest.raises(BoundaryError, match="holds no verdict records; expected the columns"):
        read_records(tmp_path / "counts.parquet", "verdict")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(BoundaryError, match=r"torn\.parquet: cannot be read"):
        read_records(tmp_path / "torn.parquet", "count")
    for read in (lambda path: read_records(path, "count"), read_provenance):
        with pytest.raises(BoundaryError, match=r"absent\.parquet: cannot be read"):
            read(tmp_path / "absent.parquet")


def test_a_failed_write_leaves_what_was_there(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "folder"
    for name in ("first", "second"):
        with atomic_path(target) as temporary:
            temporary.mkdir()
            (temporary / name).write_text(name)
    assert [file.name for file in target.iterdir()] == ["second"]


def journal_entries(path, header):
    with Journal(path, header) as journal:
        return [entry for _, entry in journal.entries()]


def test_journal_keeps_what_was_appended(tmp_path):
    path = tmp_path / "deep" / "shard.jsonl"
    with Journal(path, {"seed": 1}) as journal:
        journal.append([{"i": 0}, {"i": 1}])
        journal.append([{"i": 2}])
    assert journal_entries(path, {"seed": 1}) == [{"i": 0}, {"i": 1}, {"i": 2}]


def test_a_journal_reads_back_from_any_place(tmp_path):
    path = tmp_path / "shard.jsonl"
    with Journal(path, {"seed": 1}) as journal:
        journal.append([{"text": "é" * 9}])
    with Journal(path, {"seed": 1}) as journal:
        places = journal.append([{"text": "two"}, {"text": "three"}])
        found = [place for place, _ in journal.entries()]
        assert found[1:] == places
        assert [journal.read(place)["text"] for place in reversed(found)] == [
            "three",
            "two",
            "é" * 9,
        ]


def test_a_torn_last_record_is_dropped_at_every_byte(tmp_path):
    path = tmp_path / "shard.jsonl"
    with Journal(path, {"seed": 1}) as journal:
        journal.append([{"text": "a\nb é"}, {"text": "second"}])
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        expected = max(0, sum(end <= length for end in ends) - 1)
        with Journal(path, {"seed": 1}) as journal:
            assert len(list(journal.entries())) == expected
            journal.append([{"text": "after"}])
        assert journal_entries(path, {"seed": 1})[-1] == {"text": "after"}


def test_a_journal_of_other_settings_begins_anew(tmp_path):
    path = tmp_path / "shard.jsonl"
    with Journal(path, {"seed": 1}) as journal:
        journal.append([{"i": 0}])
    assert journal_entries(path, {"seed": 2}) == []
    assert journal_entries(path, {"seed": 1}) == []


def test_a_damaged_journal_is_named(tmp_path):
    path = tmp_path / "shard.jsonl"
    for damage in (b"nonsense", b'{"text":"\xff"}'):
        path.write_bytes(b'{"seed":1}\n' + damage + b'\n{"i":1}\n')
        with pytest.raises(BoundaryError, match=r"shard\.jsonl, line 2: not JSON"):
            journal_entries(path, {"seed": 1})


def append_from_a_process(path, number, barrier):
    barrier.wait()
    with Journal(path, {"seed": 1}) as journal:
        with (path.parent / "order").open("a") as order:
            order.write(f"{number}\n")
        for _ in range(20):
            journal.append([{"process": number}])
        if number == 0:
            journal.remove()


def test_two_processes_exclude_each_other_even_as_one_removes_the_file(tmp_path):
    removed_before_the_last = False
    for attempt in range(8):
        path = tmp_path / str(attempt) / "shard.jsonl"
        path.parent.mkdir()
        barrier = multiprocessing.Barrier(3)
        processes = [
            multiprocessing.Process(target=append_from_a_process, args=(path, number, barrier))
            for number in range(3)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
        order = list(map(int, (path.parent / "order").read_text().split()))
        after_removal = order[order.index(0) + 1 :]
        expected = [number for number in after_removal for _ in range(20)]
        assert [entry["process"] for entry in journal_entries(path, {"seed": 1})] == expected
        removed_before_the_last |= bool(after_removal)
    assert removed_before_the_last


def test_model_record_moves_with_its_folder(tmp_path, random_checkpoint):
    import shutil

    folder = tmp_path / "models" / "m"
    shutil.copytree(random_checkpoint, folder / "checkpoint")
    write_model_record(folder / "model.json", ModelRecord("m", "r", folder / "checkpoint"))
    shutil.move(tmp_path / "models", tmp_path / "elsewhere")
    record = read_model_record(tmp_path / "elsewhere" / "m" / "model.json")
    assert record.checkpoint == tmp_path / "elsewhere" / "m" / "checkpoint"
    assert checkpoint_digest(record.checkpoint) == checkpoint_digest(random_checkpoint)


def test_changed_weights_are_another_revision(tmp_path, random_checkpoint):
    import shutil

    copy = shutil.copytree(random_checkpoint, tmp_path / "copy")
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert checkpoint_digest(copy) != checkpoint_digest(random_checkpoint)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors", None])
def test_incomplete_checkpoints_are_named(tmp_path, random_checkpoint, missing):
    import shutil

    copy = shutil.copytree(random_checkpoint, tmp_path / "copy")
    if missing is None:
        shutil.rmtree(copy)
    else:
        for file in copy.glob(f"{missing.split('.')[0]}*{missing.split('.')[1]}*"):
            file.unlink()
        for file in copy.glob("tokenizer*") if "tokenizer" in missing else ():
            file.unlink()
    with pytest.raises(BoundaryError, match="no such folder" if missing is None else "in it"):
        checkpoint_digest(copy)


def test_a_file_that_is_no_model_record_is_a_message(tmp_path):
    (tmp_path / "model.json").write_text('{"name": "m"}')
    for path in (tmp_path / "model.json", tmp_path / "absent.json"):
        with pytest.raises(BoundaryError, match="not a model record"):
            read_model_record(path)


def test_problem_files_keep_golds_as_they_are_written(tmp_path):
    path = tmp_path / "own.jsonl"
    golds = ["123456789012345678", "0.10", "1e3", "-7"]
    lines = [f'{{"q": "half of {{x}}", "a": {gold}, "id": {n}}}' for n, gold in enumerate(golds)]
    path.write_text("\n\n".join(lines))
    problems = load_problem_file(path, "own", question="q", gold="a", problem_id="id")
    assert list(problems["problem_id"]) == ["0", "1", "2", "3"]
    assert [json.loads(gold) for gold in problems["gold"]] == golds
    assert problems["question"].eq("half of {x}").all()
    assert load_problem_file(path, "own", "q", "a")["problem_id"].iloc[3] == "own/0003"
    packed = tmp_path / "own.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert load_problem_file(packed, "own", "q", "a", "id").equals(problems)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"question": "x"}', "line 1: no key 'answer'; its keys are question"),
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
        ("[1]", "line 1 is not a JSON object"),
        ('{"question": "x", "answer": 1}\n{', "line 2: Expecting"),
        ('{"question": "\\ud800", "answer": 1}', "line 1: 'question' is"),
        ("", "holds no problem"),
        (
            '{"question": "x", "answer": 1, "id": 3}\n' * 2,
            "line 2: the identifier '3' stands in line 1",
        ),
    ],
)
def test_bad_problem_files_are_named_with_their_line(tmp_path, text, message):
    path = tmp_path / "own.jsonl"
    path.write_text(text)
    with pytest.raises(BoundaryError, match=message):
        load_problem_file(path, "own", problem_id="id" if '"id"' in text else None)


def test_a_gold_may_be_several_answers(tmp_path):
    path = tmp_path / "own.jsonl"
    golds = ['[1, "x^2", 0.50]', '["\\\\frac{1}{2}"]', "[7]"]
    path.write_text("\n".join(f'{{"question": "?", "answer": {gold}}}' for gold in golds))
    read = [json.loads(gold) for gold in load_problem_file(path, "own")["gold"]]
    assert read == [["1", "x^2", "0.50"], "\\frac{1}{2}", "7"]


OWN = {"tolerance": "error", "unit": "unit", "several": "is_multiple"}


def own_settings(tmp_path, *lines):
    """What a problem file with these parts of lines leaves in the records' meta."""
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(f'{{"question": "?", "answer": 1, {line}}}' for line in lines))
    return [json.loads(meta) for meta in load_problem_file(path, "own", **OWN)["meta"]]


def test_a_problem_may_settle_how_it_is_verified(tmp_path):
    lines = [
        '"error": 1e-2, "unit": " m/s ", "is_multiple": true',
        '"error": "0.5", "unit": null, "is_multiple": false',
        '"error": "", "unit": " ", "is_multiple": null',
        '"error": null, "is_multiple": "single"',
        '"is_multiple": "auto"',
        '"error": 0, "is_multiple": "list"',
    ]
    assert own_settings(tmp_path, *lines) == [
        {"verification": {"tolerance": 0.01, "unit": "m/s", "several": "list"}},
        {"verification": {"tolerance": 0.5}},
        {},
        {"verification": {"several": "single"}},
        {},
        {"verification": {"tolerance": 0.0, "several": "list"}},
    ]
    path = tmp_path / "own.jsonl"
    assert load_problem_file(path, "own")["meta"].eq("{}").all()
    with pytest.raises(
        BoundaryError, match=r"no line with the key 'eror', which `fields` names as"
    ):
        load_problem_file(path, "own", tolerance="eror")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"error": "small"', "'error' is 'small'; expected a number of 0 or more, or nothing"),
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


def test_absent_and_torn_problem_files_are_named(tmp_path):
    (tmp_path / "torn.jsonl.gz").write_bytes(gzip.compress(b'{"question": "x"}')[:-9])
    (tmp_path / "latin.jsonl").write_bytes(b'{"question": "\xe9"}')
    for name in ("absent.jsonl", "torn.jsonl.gz", "latin.jsonl"):
        with pytest.raises(BoundaryError, match=f"{name} cannot be read as JSON lines"):
            load_problem_file(tmp_path / name, "own")


def test_a_model_that_cannot_be_fetched_is_a_message(tmp_path, monkeypatch):
    import httpx2
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError

    def unreachable(*_, **__):
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(BoundaryError, match="a/b at 0123: cannot be fetched"):
        download_checkpoint("a/b", "0123")

    def gated(*_, **__):
        raise GatedRepoError(
            "403", response=httpx2.Response(403, request=httpx2.Request("GET", "https://h/"))
        )

    monkeypatch.setattr(huggingface_hub, "snapshot_download", gated)
    with pytest.raises(BoundaryError, match=r"a/b: access is granted by its owners.* HF_TOKEN"):
        download_checkpoint("a/b", "0123")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(BoundaryError, match=r"no config\.json in it"):
        download_checkpoint("a/b", "0123")
