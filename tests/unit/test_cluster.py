"""What a run on a cluster asks for, and what it is told before its first job."""

import pytest
import yaml
from boundary.errors import BoundaryError
from boundary.planning.cluster import check_slurm, check_writable, gpus_by_partition
from boundary.planning.costs import load_costs
from boundary.planning.requests import sampling_minutes, scoring_minutes
from boundary.study.load import load_study
from boundary.study.obstacles import obstacles
from config_files import ROOT

SCHEMAS = ROOT / "workflow" / "schemas"
PARTITIONS = ROOT / "workflow" / "profiles" / "slurm" / "partitions.yaml"


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A function that makes up what sinfo prints."""

    def with_nodes(*lines, status=0):
        for name in ("sinfo", "sbatch"):
            command = tmp_path / "bin" / name
            command.parent.mkdir(exist_ok=True)
            said = "\n".join(lines)
            to = 2 if status else 1
            command.write_text(f"#!/bin/sh\ncat >&{to} <<'END'\n{said}\nEND\nexit {status}\n")
            command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    return with_nodes


def test_the_largest_node_of_each_partition_counts(cluster):
    cluster("cpu|(null)", "gpu|gpu:2", "gpu|gpu:a100:4(S:0-1),gpu:v100:1,shard:8", "gpu|gpu:a40:3")
    assert gpus_by_partition() == {"cpu": 0, "gpu": 5}


def test_partitions_are_those_of_the_file(cluster, tmp_path):
    cluster("cpu|(null)", "gpu|gpu:2", "big|gpu:8")
    check_slurm(PARTITIONS, 2)
    with pytest.raises(
        BoundaryError, match=r"takes 3 GPUs.*cpu, gpu has more than 2.*partitions\.yaml"
    ):
        check_slurm(PARTITIONS, 3)
    check_slurm(None, 8)
    with pytest.raises(BoundaryError, match=r"9 GPUs.*slurm-partition-config"):
        check_slurm(None, 9)
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump({"partitions": {"cpu": {}, "gpus": {"max_gpu": 4}}}))
    with pytest.raises(
        BoundaryError, match=r"own\.yaml: .* no partition 'gpus'; it has big, cpu, gpu"
    ):
        check_slurm(own, 0)


def test_no_slurm_and_one_that_does_not_answer(cluster, monkeypatch):
    cluster("slurm_load_partitions: Unable to contact slurm controller", status=1)
    with pytest.raises(BoundaryError, match=r"does not answer: .*Unable to contact"):
        check_slurm(PARTITIONS, 0)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BoundaryError, match=r"no Slurm on this machine.*login node"):
        check_slurm(PARTITIONS, 0)


def test_a_folder_that_cannot_be_written(tmp_path):
    check_writable(tmp_path / "results" / "mine")
    assert list((tmp_path / "results" / "mine").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(BoundaryError, match=r"file/mine: nothing can be written here"):
        check_writable(tmp_path / "file" / "mine")


@pytest.fixture(scope="module")
def paper():
    study = load_study("paper", ROOT / "config", SCHEMAS)
    return study, load_costs(ROOT / "config", SCHEMAS, study.catalogue)


def test_a_job_may_take_some_times_what_its_tokens_take_and_a_start(paper):
    study, costs = paper
    cell = next(
        cell
        for exhibit in study.exhibits.values()
        for cell in exhibit.cells
        if cell.model == "qwen2.5-7b" and cell.benchmark == "aime24"
    )
    job = {"model": cell.model, "benchmark": "aime24", "sampling": cell.sampling}
    shard = study.sampling[cell.sampling].shard_size_of("aime24")
    seconds = 30 * shard * 1500 / 2500  # problems, samples, tokens of config/costs.yaml, its rate
    assert 0 <= sampling_minutes(study, costs, job) - (15 + 3 * seconds / 60) < 1


def test_the_papers_jobs_take_a_quarter_of_an_hour_to_four_hours(paper):
    study, costs = paper
    jobs = {
        (cell.model, cell.benchmark, cell.sampling)
        for exhibit in study.exhibits.values()
        if not obstacles(study, exhibit)
        for cell in exhibit.cells
        if study.catalogue.models[cell.model].gpus
    }
    assert len(jobs) > 50
    for model, benchmark, sampling in jobs:
        job = {"model": model, "benchmark": benchmark, "sampling": sampling}
        allowed = sampling_minutes(study, costs, job) - costs.time.start_minutes
        assert 15 <= allowed / costs.time.margin <= 240, job


def test_two_gpus_take_half_the_time(paper):
    study, costs = paper
    cell = next(
        cell
        for exhibit in study.exhibits.values()
        for cell in exhibit.cells
        if study.catalogue.models[cell.model].gpus == 2
    )
    job = {"model": cell.model, "benchmark": cell.benchmark, "sampling": cell.sampling}
    minutes = sampling_minutes(study, costs, job) - costs.time.start_minutes
    study.catalogue.models[cell.model].settings["gpus"] = 1
    alone = sampling_minutes(study, costs, job) - costs.time.start_minutes
    study.catalogue.models[cell.model].settings["gpus"] = 2
    assert alone == pytest.approx(2 * minutes, abs=2)


def test_scoring_is_of_the_subset_under_the_scorer():
    study = load_study("miniature", ROOT / "config", SCHEMAS)
    costs = load_costs(ROOT / "config", SCHEMAS, study.catalogue)
    subset = study.subsets["scored"]
    job = {
        **{"model": "mini-grpo", "benchmark": "arith", "sampling": "standard.seed1"},
        **{"subset": "scored", "scorer": "mini-base"},
    }
    assert job["sampling"] in study.sampling
    tokens = min(subset.problems, 100) * subset.responses * 17
    working = 3 * tokens / costs.scoring_rate.of("mini-base") / 60
    assert 0 <= scoring_minutes(study, costs, job) - (15 + working) < 1
