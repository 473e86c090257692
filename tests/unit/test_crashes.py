"""The sample stage killed, out of disk, and with more to draw than the memory should hold."""

import io
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from boundary.data.records import read_provenance, read_records
from boundary.sampling.shard import draw_shard
from synthetic_stage import PROBLEMS, SyntheticEngine, synthetic_shard

STAGE = Path(__file__).parents[1] / "synthetic_stage.py"
SIZE, PAUSE = 1200, 0.002


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
    """Each at a random moment after an attempt's first flush, whatever a flush costs here."""
    folder, log, rng = tmp_path / "cell", tmp_path / "cell.drawn", random.Random(1)
    log.touch()
    begun = [0]
    for _ in range(20):
        process = subprocess.Popen(
            command(folder, SIZE, "--pause", PAUSE), stderr=subprocess.DEVNULL
        )
        while b"flushed" not in log.read_bytes()[begun[-1] :]:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.6))
        process.kill()
        assert process.wait() != 0, "it ended before it was killed"
        begun.append(log.stat().st_size)
    subprocess.run(command(folder, SIZE), check=True, capture_output=True)
    assert len(assert_complete(folder, SIZE)) == 21
    said = log.read_bytes()
    drawn, flushed, lost = set(), set(), []
    for start, end in zip(begun, [*begun[1:], len(said)], strict=True):
        groups = [
            {line for line in group.split("\n") if line.startswith("drawn ")}
            for group in said[start:end].decode().split("flushed\n")
        ]
        assert not any(flushed & group for group in groups)  # what was flushed is not drawn again
        drawn |= set().union(*groups)
        flushed |= set().union(*groups[:-1])
        lost.append(len(groups[-1]))  # or flushed in the moment before it could be said
    assert len(drawn) == 20 * SIZE
    assert said.count(b"drawn") > len(drawn)  # something was lost, or nothing was tested
    assert max(lost) <= 0.2 / PAUSE + 1  # one flush interval: no sample takes less than the pause


@pytest.mark.parametrize(
    "step",
    ["sampling.shard.write_record_groups", "data.kept.link_or_copy", "data.kept.Journal.remove"],
)
def test_a_crash_while_a_shard_is_sealed_draws_nothing_again(tmp_path, monkeypatch, step):
    asked = []

    class Counting(SyntheticEngine):
        def sample(self, requests, parameters, seed):
            asked.extend(requests)
            return super().sample(requests, parameters, seed)

    def draw():
        draw_shard(
            synthetic_shard(4),
            PROBLEMS,
            lambda: Counting(50, 0, io.BytesIO()),
            keep=tmp_path / "kept",
            output=tmp_path / "shard.parquet",
        )

    def crash(*arguments):
        raise SystemError("the machine died")

    with monkeypatch.context() as patched:
        patched.setattr(f"boundary.{step}", crash)
        with pytest.raises(SystemError):
            draw()
    assert len(asked) == 20
    draw()
    assert len(asked) == 20
    assert_complete(tmp_path, 4)
    assert [file.suffix for file in (tmp_path / "kept").iterdir()] == [".parquet"]


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
    run = " ".join(command(disk / "cell", 100, "--characters", 2000, "--pause", 0.001))
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
