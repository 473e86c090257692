"""Benchmarks from the hub and from an address: what is fetched, and each way in which it fails.

The stage runs in a process of its own: huggingface_hub reads its settings when it is imported.
"""

import subprocess
import sys

import pytest
from boundary.benchmarks.sources import url_file
from boundary.data.records import read_provenance, read_records
from boundary.errors import BoundaryError
from config_files import ROOT
from fake_hub import HUB, REVISION, ROWS, FakeHub, lines, parquet, sha

TOKEN = "hf_doNotTellAnybody"


def from_hub(tmp_path, hub, *arguments, **settings):
    """The stage run against a hub of ours; the cache is in tmp_path."""
    environment = {
        "PYTHONPATH": str(ROOT / "workflow" / "lib"), "PATH": "", "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_PROGRESS_BARS": "1", **settings,
    }  # fmt: skip
    arguments = arguments or ("--files", "data/*.parquet")
    done = subprocess.run(
        [
            sys.executable, "-m", "boundary", "benchmarks", "--name", "theirs", "--hub", HUB, "--revision",
            REVISION, *arguments, "--output", str(tmp_path / "problems.parquet"),
        ],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert TOKEN not in done.stderr + done.stdout and "Traceback" not in done.stderr
    return done


HUB_FILES = {
    "README.md": b"# theirs",
    "theirs.py": b"raise SystemExit('a script of the repository was run')",
    "data/test-00000.parquet": parquet(ROWS[:2]),
    "data/test-00001.parquet": parquet(ROWS[2:]),
    "more.jsonl": lines(ROWS),
}


def test_files_of_the_hub_are_read_as_they_are_and_kept_for_machines_without_it(tmp_path):
    with FakeHub(HUB_FILES) as hub:
        done = from_hub(tmp_path, hub)
        assert done.returncode == 0, done.stderr
        fetched = {path.rpartition("/")[2] for _, path, _ in hub.requests if "/resolve/" in path}
    assert fetched == {"test-00000.parquet", "test-00001.parquet"}
    assert list(read_records(tmp_path / "problems.parquet", "problem")["question"]) == [
        row["question"] for row in ROWS
    ]
    made = read_provenance(tmp_path / "problems.parquet")
    assert (made["hub"], made["revision"]) == (HUB, REVISION)
    names = [name for name in HUB_FILES if name.startswith("data/")]
    assert made["files"] == {f"{HUB}/{name}": sha(HUB_FILES[name]) for name in names}
    first = (tmp_path / "problems.parquet").read_bytes()
    (tmp_path / "problems.parquet").unlink()
    for settings in ({"HF_HUB_OFFLINE": "1"}, {}):  # the hub is down by now
        assert from_hub(tmp_path, hub, **settings).returncode == 0
        assert (tmp_path / "problems.parquet").read_bytes() == first


FAULTS = {
    "gated": "they/theirs: access is granted by its owners; accept their terms on its page on the hub and "
    "set HF_TOKEN to a token of yours, or add `path: FILE` to the entry",
    "hidden": "they/theirs: the hub has no such dataset, or shows it to some only; correct `hub`",
    "revision": f"they/theirs: the hub has no revision {REVISION} of it; correct `revision`",
    "400": f"they/theirs at {REVISION}: cannot be fetched (",
    "drop": f"they/theirs at {REVISION}: cannot be fetched (",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_hub_refuses_is_one_message_and_nothing_is_written(tmp_path, fault):
    with FakeHub(HUB_FILES, fault) as hub:
        done = from_hub(tmp_path, hub)
    assert done.returncode == 1
    assert f"boundary benchmarks: benchmark theirs: {FAULTS[fault]}" in done.stderr
    assert not list(tmp_path.glob("*.parquet")) and not list(tmp_path.glob(".tmp*"))


def test_without_a_network_the_way_out_is_a_file(tmp_path):
    with FakeHub(HUB_FILES) as hub:
        done = from_hub(tmp_path, hub, HF_HUB_OFFLINE="1")
    assert done.returncode == 1 and hub.requests == []
    assert "check identifier, revision and network, or add `path: FILE` to the entry" in done.stderr


def test_a_pattern_without_a_file_lists_what_is_there(tmp_path):
    with FakeHub(HUB_FILES) as hub:
        done = from_hub(tmp_path, hub, "--files", "more.jsonl", "train*")
    assert done.returncode == 1
    assert (
        f"theirs: {HUB} at {REVISION}: no file matches 'train*' of `files`; it has README.md, "
        "data/test-00000.parquet, data/test-00001.parquet, more.jsonl, theirs.py\n"
    ) in done.stderr


def test_a_row_of_the_hub_is_named(tmp_path):
    files = {"more.jsonl": lines([*ROWS, {"question": "?"}])}
    with FakeHub(files) as hub:
        done = from_hub(tmp_path, hub, "--files", "more.jsonl")
    assert f"benchmark theirs: {HUB}/more.jsonl, line 4: no key 'answer'" in done.stderr


def test_a_file_at_an_address(tmp_path, monkeypatch):
    import huggingface_hub.file_download as http

    monkeypatch.setattr(http.time, "sleep", lambda seconds: None)
    with FakeHub({"rows.jsonl": lines(ROWS)}) as hub:
        with url_file(f"{hub.url}/raw/rows.jsonl") as file:
            assert file.path.read_bytes() == lines(ROWS) and file.name.endswith("/raw/rows.jsonl")
        assert not file.path.exists()
        assert {token for _, _, token in hub.requests} == {""}
        with pytest.raises(BoundaryError, match=r"/raw/no\.jsonl: .* \(the server answers 404\)"):
            url_file(f"{hub.url}/raw/no.jsonl").__enter__()
        for fault, told in (("drop", r"\w+Error"), ("503", "the server answers 503")):
            hub.fault = fault
            with pytest.raises(BoundaryError, match=rf"\({told}\).*`path: FILE`"):
                url_file(f"{hub.url}/raw/rows.jsonl").__enter__()
    with pytest.raises(BoundaryError, match=r"cannot be fetched \(ConnectError\)"):
        url_file(f"{hub.url}/raw/rows.jsonl").__enter__()
