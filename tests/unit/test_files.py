import json
import multiprocessing

import pandas as pd
import pytest
from boundary.data.atomic import atomic_path
from boundary.data.journal import Journal
from boundary.data.model_record import (
    ModelRecord,
    checkpoint_digest,
    read_model_record,
    write_model_record,
)
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
    with pytest.raises(BoundaryError, match=r"absent\.parquet: cannot be read"):
        read_records(tmp_path / "absent.parquet", "count")


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
        return journal.entries


def test_journal_keeps_what_was_appended(tmp_path):
    path = tmp_path / "deep" / "shard.jsonl"
    with Journal(path, {"seed": 1}) as journal:
        journal.append([{"i": 0}, {"i": 1}])
        journal.append([{"i": 2}])
    assert journal_entries(path, {"seed": 1}) == [{"i": 0}, {"i": 1}, {"i": 2}]


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
            assert len(journal.entries) == expected
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
    path.write_text('{"seed":1}\nnonsense\n{"i":1}\n')
    with pytest.raises(BoundaryError, match=r"shard\.jsonl, line 2: not JSON"):
        journal_entries(path, {"seed": 1})


def append_from_a_process(path, number, barrier):
    barrier.wait()
    with Journal(path, {"seed": 1}) as journal:
        journal.append({"process": number, "i": i} for i in range(200))
        if number == 0:
            journal.remove()


def test_two_processes_exclude_each_other_even_as_one_removes_the_file(tmp_path):
    path = tmp_path / "shard.jsonl"
    for _ in range(5):
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
        owners = [entry["process"] for entry in journal_entries(path, {"seed": 1})]
        assert owners == sorted(owners, key=owners.index)  # no interleaving
        assert len(owners) % 200 == 0
        path.unlink(missing_ok=True)


def test_model_record_moves_with_its_folder(tmp_path, random_checkpoint):
    import shutil

    folder = tmp_path / "models" / "m"
    shutil.copytree(random_checkpoint, folder / "checkpoint")
    write_model_record(folder / "model.json", ModelRecord("m", folder / "checkpoint", "r"))
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


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_problem_files_keep_golds_as_they_are_written(tmp_path):
    path = write_lines(
        tmp_path / "own.jsonl",
        [{"q": "1+1", "a": 2, "id": 7}, {"q": "half of {x}", "a": "\\frac{1}{2}", "id": "b"}],
    )
    problems = load_problem_file(path, "own", question="q", gold="a", problem_id="id")
    assert list(problems["problem_id"]) == ["7", "b"]
    assert [json.loads(gold) for gold in problems["gold"]] == ["2", "\\frac{1}{2}"]
    assert list(load_problem_file(path, "own", "q", "a")["problem_id"]) == ["own/0000", "own/0001"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"question": "x"}], "has the key 'answer'; its keys are question"),
        (
            [{"question": "x", "answer": "1"}, {"question": " ", "answer": "2"}],
            "line 2: 'question' is empty",
        ),
        (
            [{"question": "x", "answer": "1"}, {"question": "y", "answer": None}],
            "line 2: 'answer' is empty",
        ),
        ([], "holds no problem"),
    ],
)
def test_bad_problem_files_are_named_with_their_line(tmp_path, lines, message):
    path = write_lines(tmp_path / "own.jsonl", lines)
    with pytest.raises(BoundaryError, match=message):
        load_problem_file(path, "own")


def test_duplicate_identifiers_and_broken_files_are_named(tmp_path):
    path = write_lines(tmp_path / "own.jsonl", [{"question": "x", "answer": "1", "id": "a"}] * 2)
    with pytest.raises(BoundaryError, match="line 2: the identifier 'a' stands twice"):
        load_problem_file(path, "own", problem_id="id")
    path.write_text("{")
    with pytest.raises(BoundaryError, match="cannot be read as JSON lines"):
        load_problem_file(path, "own")
    with pytest.raises(BoundaryError, match="cannot be read as JSON lines"):
        load_problem_file(tmp_path / "absent.jsonl", "own")
