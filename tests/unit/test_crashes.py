"""The sample stage killed, out of disk, and with more to draw than the memory should hold."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from boundary.data.records import read_provenance, read_records

STAGE = Path(__file__).parents[1] / "synthetic_stage.py"


def command(folder, size, *options):
    return [sys.executable, str(STAGE), str(folder), "--size", str(size), *map(str, options)]


def assert_complete(folder, size):
    samples = read_records(folder / "shard.parquet", "sample")
    assert len(samples) == 20 * size
    assert not samples.duplicated(["problem_id", "sample_index"]).any()
    assert samples["text"].nunique() == len(samples)
    attempts = read_provenance(folder / "shard.parquet")["attempts"]
    assert sum(attempt["samples"] for attempt in attempts) == len(samples)
    return attempts


def test_twenty_kills_lose_only_what_was_not_flushed(tmp_path):
    folder, log, rng = tmp_path / "cell", tmp_path / "cell.drawn", random.Random(1)
    kills, begun = 0, [0]
    while kills < 20:
        process = subprocess.Popen(
            command(folder, 500, "--pause", 0.002), stderr=subprocess.DEVNULL
        )
        while not log.exists() or log.stat().st_size == begun[-1]:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.6))
        process.kill()
        assert process.wait() != 0, "it ended before it was killed"
        begun.append(log.stat().st_size)
        kills += 1
    subprocess.run(command(folder, 500), check=True, capture_output=True)
    attempts = assert_complete(folder, 500)
    said = log.read_bytes()
    drawn, flushed = [], set()
    for start, end in zip(begun, [*begun[1:], len(said)], strict=True):
        lines = said[start:end].decode().split("\n")
        last = max((at for at, line in enumerate(lines) if line == "flushed"), default=0)
        attempt = [line for line in lines if line.startswith("drawn ")]
        assert not flushed & set(attempt)  # what was flushed is never drawn again
        flushed |= {line for line in lines[:last] if line.startswith("drawn ")}
        drawn += attempt
    assert len(flushed) == 20 * 500
    assert 10 < len(attempts) <= 21
    assert len(drawn) - 20 * 500 > 0  # something was lost, or nothing was tested


@pytest.fixture
def in_namespace():
    """Commands of a user who may mount a file system of his own."""
    prefix = ["unshare", "--user", "--map-root-user", "--mount"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*prefix, "true"], capture_output=True).returncode
    ):
        pytest.skip("this machine lets nobody mount a tmpfs")
    return prefix


def test_a_full_disk_is_a_message_and_a_rerun_goes_on(tmp_path, in_namespace):
    disk = tmp_path / "disk"
    disk.mkdir()
    run = " ".join(command(disk / "cell", 100, "--characters", 2000))
    script = f"""
        mount -t tmpfs -o size=2m tmpfs {disk}
        {run} 2> {tmp_path}/first; echo $? > {tmp_path}/code
        ls {disk}/cell > {tmp_path}/left; cat {disk}/cell/kept/*.jsonl | wc -l > {tmp_path}/lines
        mount -o remount,size=6m {disk}
        {run} 2> {tmp_path}/second; echo $? >> {tmp_path}/code
        ls {disk}/cell/kept > {tmp_path}/kept
        mount -o remount,size=60m {disk}
        {run} && cp {disk}/cell/shard.parquet {tmp_path}
    """
    done = subprocess.run([*in_namespace, "sh", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "code").read_text().split() == ["1", "1"]
    for name in ("first", "second"):  # in the journal; while the shard is sealed
        said = (tmp_path / name).read_text()
        assert (
            "No space left on device" in said and "make room and run the same command again" in said
        )
        assert "Traceback" not in said
    assert "shard.parquet" not in (tmp_path / "left").read_text()
    assert int((tmp_path / "lines").read_text()) > 100
    assert [Path(name).suffix for name in (tmp_path / "kept").read_text().split()] == [".jsonl"]
    attempts = assert_complete(tmp_path, 100)
    assert len(attempts) == 2  # the third had only to seal


def test_memory_is_bounded_by_the_flush_and_not_by_n(tmp_path):
    peaks = []
    for size in (50, 1000):  # 20 and 400 MB of texts
        done = subprocess.run(
            command(tmp_path / str(size), size, "--characters", 20_000),
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
        assert_complete(tmp_path / str(size), size)
    assert peaks[1] - peaks[0] < 150, f"{peaks} MB"
