"""Jobs that share the GPUs of one machine: each takes its own, waits for them, and gives them back."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from select import select

import pytest
from boundary.sampling import gpus

# A job: claims, says what it got, and holds it until its input ends.
JOB = """
import os, sys
from boundary.sampling import gpus
gpus.PAUSE = 0.05
claimed = gpus.claim_gpus(int(sys.argv[1]))
assert gpus.claim_gpus(int(sys.argv[1])) == claimed, "and has it, however often it asks"
assert "torch" not in sys.modules
print(*claimed, os.environ.get("CUDA_VISIBLE_DEVICES", "unset"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(tmp_path):
    """A function that makes up a machine with so many GPUs: the environment of its jobs."""

    def with_gpus(count, **more):
        (tmp_path / "bin").mkdir(exist_ok=True)
        smi = tmp_path / "bin" / "nvidia-smi"
        smi.write_text(
            '#!/bin/sh\n[ "$*" = "--query-gpu=index --format=csv,noheader" ] || exit 2\n'
            f"seq 0 {count - 1}\n"
        )
        smi.chmod(0o755)
        (tmp_path / "tmp").mkdir(exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID")
        }
        path = f"{smi.parent}:{os.environ['PATH']}"
        return inherited | {"PATH": path, "TMPDIR": str(tmp_path / "tmp")} | more

    return with_gpus


@pytest.fixture
def start():
    """A function that starts a job; what is left of them at the end is killed."""
    jobs = []

    def job(environment, count=1):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        jobs.append(
            subprocess.Popen(
                [sys.executable, "-c", JOB, str(count)], env=environment, text=True, **pipes
            )
        )
        return jobs[-1]

    yield job
    for each in jobs:
        with each:
            each.kill()


def line(stream):
    """What a job says next, waiting for it."""
    assert select([stream], [], [], 60)[0], "it says nothing"
    return stream.readline()


def claimed(job):
    """The ids that a job claimed, once it has; CUDA is to see these and no other."""
    said = line(job.stdout)
    assert said, job.stderr.read()
    *ids, seen = said.split()
    assert seen == ",".join(ids)
    return ids


def refusal(job):
    """What a job that cannot have its GPUs says."""
    _, error = job.communicate(timeout=60)
    assert job.returncode != 0
    return error


def lock_folder(environment):
    return Path(environment["TMPDIR"]) / f"boundary-gpus-{os.getuid()}"


def test_each_job_has_its_own(machine, start):
    jobs = [start(machine(4)) for _ in range(4)]
    assert sorted(claimed(job) for job in jobs) == [["0"], ["1"], ["2"], ["3"]]


def test_a_job_waits_for_the_gpu_of_one_that_is_killed(machine, start):
    first, second = start(machine(2)), start(machine(2))
    taken = claimed(first) + claimed(second)
    third = start(machine(2))
    assert "2 of 2 are held by other runs" in line(third.stderr)
    time.sleep(10 * 0.05)  # it looks again and again, and says nothing more
    assert third.poll() is None
    os.kill(first.pid, signal.SIGKILL)
    assert claimed(third) == taken[:1]
    third.stdin.close()
    assert third.stderr.read() == ""


def test_two_jobs_of_two_gpus_share_three(machine, start):
    one, other = start(machine(3), 2), start(machine(3), 2)
    waiting = {one.stderr: (other, one), other.stderr: (one, other)}
    first, second = waiting[select(waiting, [], [], 60)[0][0]]
    assert len(set(claimed(first))) == 2
    assert "2 of 3 are held by other runs, and this one takes 2" in line(second.stderr)
    first.communicate("")
    assert len(set(claimed(second))) == 2


def test_who_waits_for_two_keeps_none(machine, start):
    one = start(machine(2))
    assert claimed(one) == ["0"]
    two = start(machine(2), 2)
    assert "1 of 2 are held by other runs, and this one takes 2" in line(two.stderr)
    other = start(machine(2))
    assert claimed(other) == ["1"]
    one.communicate("")
    other.communicate("")
    assert claimed(two) == ["0", "1"]


@pytest.mark.parametrize(
    ("named", "each"),
    [
        ("2,3", ["2", "3"]),
        (" 3 , 3,5", ["3", "5"]),
        ("GPU-8932f937,MIG-GPU-8932f937/1/0", ["GPU-8932f937", "MIG-GPU-8932f937/1/0"]),
        ("../../escaped,../x", ["../../escaped", "../x"]),
    ],
)
def test_only_the_gpus_that_the_user_names(machine, start, named, each):
    environment = machine(8, CUDA_VISIBLE_DEVICES=named)
    assert sorted(claimed(start(environment)) for _ in each) == [[name] for name in each]
    inside = lock_folder(environment)
    assert list(inside.parent.rglob("*gpu-*")) == list(inside.glob("gpu-*"))
    assert len(list(inside.glob("gpu-*"))) == 2


@pytest.mark.parametrize(
    ("changes", "count", "seen"),
    [
        ({"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "0,1"}, 1, "0,1"),
        ({"SLURM_JOB_ID": "7"}, 1, "unset"),
        ({}, 0, "unset"),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, 1, "-1"),
        ({"CUDA_VISIBLE_DEVICES": ""}, 1, ""),
        ({"PATH": "/nowhere"}, 1, "unset"),
    ],
)
def test_nothing_to_claim(machine, start, changes, count, seen):
    environment = machine(2, **changes)
    assert start(environment, count).communicate("", timeout=60) == (f"{seen}\n", "")
    assert not lock_folder(environment).exists()


def test_a_driver_that_fails_is_no_gpu(machine, start, tmp_path):
    environment = machine(2)
    (tmp_path / "bin" / "nvidia-smi").write_text("#!/bin/sh\necho NVML: no driver\nexit 9\n")
    assert start(environment).communicate("", timeout=60) == ("unset\n", "")


@pytest.mark.parametrize("changes", [{}, {"CUDA_VISIBLE_DEVICES": "4,6"}])
def test_more_than_there_are(machine, start, changes):
    error = refusal(start(machine(2, **changes), 3))
    assert "BoundaryError: the model takes 3 GPUs, and this process sees 2" in error
    assert "`gpus` in config/models.yaml" in error


def as_link(folder):
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def as_dangling_link(folder):
    folder.symlink_to(folder.parent / "elsewhere")


def as_open_to_all(folder):
    folder.mkdir()
    folder.chmod(0o777)


@pytest.mark.parametrize("lay", [as_link, as_dangling_link, as_open_to_all, Path.touch])
def test_a_lock_folder_that_others_could_have_laid(machine, start, lay):
    folder = lock_folder(machine(1))
    lay(folder)
    assert f"BoundaryError: {folder}: must be a folder of your own" in refusal(start(machine(1)))
    assert not list((folder.parent / "elsewhere").glob("*"))


def test_a_lock_folder_of_somebody_else(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(gpus.BoundaryError, match="must be a folder of your own"):
        gpus.claim_gpus(1)


def test_a_folder_that_is_made_is_for_the_user_alone(machine, start):
    environment = machine(1)
    assert claimed(start(environment)) == ["0"]
    assert lock_folder(environment).stat().st_mode & 0o777 == 0o700


@contextmanager
def on_a_machine(environment, monkeypatch):
    """This process as a job of such a machine, which gives back what it claimed."""
    with monkeypatch.context() as patch:
        for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
            patch.delenv(name, raising=False)
        patch.setenv("PATH", environment["PATH"])
        patch.setattr("tempfile.tempdir", environment["TMPDIR"])
        patch.setattr(gpus, "_held", {})
        yield patch
        for lock in gpus._held.values():
            lock.close()


class OpenedError(Exception):
    """Where an engine would be opened, with the GPUs that it would see."""


@pytest.fixture
def stages(tmp_path, random_checkpoint):
    """Folder and arguments of both stages, for a model with weights and for an endpoint's."""
    from boundary.cli import main

    def make(*arguments):
        assert main([*map(str, arguments)]) == 0

    (tmp_path / "own.jsonl").write_text(json.dumps({"id": 1, "question": "1+2", "answer": "3"}))
    (tmp_path / "prompts.yaml").write_text('mini: "{question}="\n')
    problems, samples = tmp_path / "problems.parquet", tmp_path / "samples.parquet"
    own = ("--name", "own", "--path", tmp_path / "own.jsonl", "--fields", '{"problem_id": "id"}')
    make("benchmarks", *own, "--output", problems)
    make("models", "--name", "m", "--path", random_checkpoint, "--output", tmp_path / "m.json")
    served = json.dumps({"url": "http://localhost:1/v1", "model": "s", "api": "completions"})
    make("models", "--name", "s", "--endpoint", served, "--output", tmp_path / "s.json")
    common = ("--problems", problems, "--prompts", tmp_path / "prompts.yaml", "--template", "mini")
    draw = ("sample", *common, "--max-tokens", 4, "--shard-size", 1, "--threads", 1)
    make(*draw, "--model", tmp_path / "m.json", "--gpus", 0, "--output", samples)
    new = ("--output", tmp_path / "new.parquet", "--keep", tmp_path / "kept-new")
    return {
        "sample": (*draw, "--model", tmp_path / "m.json", *new),
        "endpoint": (*draw, "--model", tmp_path / "s.json", *new),
        "score": ("score", *common, "--scorer", tmp_path / "m.json", "--samples", samples, *new),
    }


@pytest.mark.parametrize(
    ("stage", "count", "seen"),
    [
        ("sample", 2, "1,2"),
        ("sample", 0, None),
        ("endpoint", 1, None),
        ("score", 1, "1"),
        ("score", 0, None),
    ],
)
def test_stages_claim_before_they_open(machine, start, stages, monkeypatch, stage, count, seen):
    from boundary.cli import main

    def opened(*_):
        raise OpenedError(os.environ.get("CUDA_VISIBLE_DEVICES"))

    assert claimed(start(machine(3))) == ["0"]
    with on_a_machine(machine(3), monkeypatch) as patch, pytest.raises(OpenedError) as found:
        patch.setattr("boundary.sampling.engines.open_engine", opened)
        patch.setattr("boundary.scoring.scorers.open_scorer", opened)
        main([*map(str, stages[stage]), "--gpus", str(count)])
    assert found.value.args == (seen,)
