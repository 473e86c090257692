import multiprocessing

import pandas as pd
import pytest
from boundary.data.atomic import atomic_path
from boundary.data.checkpoint import checkpoint_digest, download_checkpoint
from boundary.data.journal import Journal
from boundary.data.model_record import ModelRecord, read_model_record, write_model_record
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
