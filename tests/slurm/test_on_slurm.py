"""The workflow on a real Slurm: its figures, and what becomes of jobs that are ended in the middle."""

import signal

import pandas as pd
import yaml
from boundary.data.records import read_provenance, read_records
from cluster import GPUS, wait_for
from conftest import CELLS, PROFILE

BASE, GRPO = (f"{model}/{benchmark}/standard.seed2" for model, benchmark in CELLS)
SHARD = 4000  # of each of five problems: to be ended in the middle, and then finished
ENDLESS = 100_000  # never to be finished


def shard_of(cell):
    return f"results/miniature/sample/{cell}/shard-0000.parquet"


def comment_of(cell):
    return "rule_sample_wildcards_" + cell.replace("/", "_")


def ask_for_long_shards(checkout, size):
    """A sampling whose shards hold ``size`` samples of each problem."""

    def enlarge(study):
        study["sampling"]["standard"] |= {"seed": 2, "shard_size": size}
        for exhibits in (study["figures"], study["tables"], study["sheets"]):
            for exhibit in exhibits.values():
                for group in exhibit.get("cells", []):
                    group["n"] = size if group["sampling"] == "standard" else group["n"]

    checkout.edit("studies/miniature.yaml", enlarge)


def journal_size(checkout, cell):
    return sum(file.stat().st_size for file in (checkout.results / "kept" / cell).glob("*.jsonl"))


def wait_until_drawing(checkout, cluster, process, cells):
    """Wait until every cell's job runs and has drawn some samples; return the jobs."""

    def are_drawing():
        assert process.poll() is None, process.stdout.read()
        return all(journal_size(checkout, cell) > 20_000 for cell in cells)

    wait_for(are_drawing)
    return [cluster.job(comment_of(cell)) for cell in cells]


def jobs_of(checkout, cluster):
    """All jobs of a checkout, ended or not, the first one first."""
    jobs = cluster.queue("--states=all", "--sort=i")
    return [job for job in jobs if cluster.shown(job)["WorkDir"] == str(checkout.path)]


def test_a_figure_is_made_of_jobs_where_they_belong(finished, cluster):
    curve = pd.read_csv(finished.results / "figures/fig_pass_at_k.csv")
    assert dict(curve.groupby(["model", "benchmark"])["k"].max()) == dict.fromkeys(CELLS, 8)
    assert (finished.results / "figures/fig_pass_at_k.pdf").stat().st_size > 0
    jobs = jobs_of(finished, cluster)
    assert {job.state for job in jobs} == {"COMPLETED"}
    sampling = [job for job in jobs if job.comment.startswith("rule_sample_")]
    assert len(sampling) == 4  # two shards of each of two cells
    assert {job.partition for job in sampling} == {"gpu"}
    assert {cluster.shown(job)["TresPerJob"] for job in sampling} == {"gres:gpu:1"}
    others = [job for job in jobs if job not in sampling]
    assert {job.partition for job in others} == {"cpu"}
    # Three benchmarks, two models, a figure; 4 shards to verify and 2 cells for three rules, in groups.
    assert 3 + 2 + 1 < len(others) < 3 + 2 + 1 + 4 + 2 * 3
    logs = finished.path / "results/slurm_logs"
    assert not list(logs.rglob("*.log"))  # of jobs that succeeded


def test_jobs_cancelled_or_requeued_go_on_from_their_journals(finished, cluster, running, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    ask_for_long_shards(checkout, SHARD)
    running.append(
        process := checkout.start("--rerun-triggers", "mtime", "--", *map(shard_of, [BASE, GRPO]))
    )
    cancelled, requeued = wait_until_drawing(checkout, cluster, process, [BASE, GRPO])
    cluster.run("scancel", cancelled.id)
    cluster.run("scontrol", "requeue", requeued.id)
    wait_for(lambda: cluster.job(comment_of(GRPO)).state == "PENDING")
    # Slurm would let it wait for two minutes.
    cluster.run("scontrol", "update", f"JobId={requeued.id}", "StartTime=now")
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 0, said
    for cell in (BASE, GRPO):
        shard = checkout.path / shard_of(cell)
        samples = read_records(shard, "sample")
        assert not samples.duplicated(["problem_id", "sample_index"]).any()
        assert len(samples) == 5 * SHARD
        attempts = [attempt["samples"] for attempt in read_provenance(shard)["attempts"]]
        assert len(attempts) == 2 and min(attempts) > 0 and sum(attempts) == 5 * SHARD
    again = [job for job in jobs_of(checkout, cluster) if comment_of(BASE) in job.comment]
    assert sorted(job.state for job in again) == ["CANCELLED", "COMPLETED"]
    assert cluster.job(comment_of(GRPO)) is None


def test_an_interrupt_leaves_the_queue_empty(finished, cluster, running, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    ask_for_long_shards(checkout, ENDLESS)
    running.append(
        process := checkout.start("--rerun-triggers", "mtime", "--", *map(shard_of, [BASE, GRPO]))
    )
    wait_until_drawing(checkout, cluster, process, [BASE, GRPO])
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "Traceback" not in said
    wait_for(lambda: not cluster.queue(), 30)
    assert journal_size(checkout, BASE) > 20_000  # what was drawn is there for the next run
    assert not (checkout.path / shard_of(BASE)).exists()


def test_a_job_that_outgrows_its_memory_gets_more(unrun, cluster, tmp_path):
    checkout = unrun.copy(tmp_path / "checkout")
    rules = checkout.path / "workflow/rules/benchmarks.smk"
    text = rules.read_text()
    hog = "python -c 'import time; hog = b\\\"x\\\" * 1_000_000_000; time.sleep(5)' && "
    for old, new in (
        ("grows(4000)", "grows(1000)"),
        (
            '"python -m boundary benchmarks --name {wildcards.benchmark} --protocol',
            f'"{hog}python -m boundary benchmarks --name {{wildcards.benchmark}} --protocol',
        ),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    rules.write_text(text)
    problems = "results/miniature/benchmarks/arith/problems.parquet"
    said = checkout.snakemake(problems).stdout
    assert (checkout.path / problems).is_file()
    tried = jobs_of(checkout, cluster)
    assert [job.state for job in tried] == ["FAILED", "COMPLETED"], said
    (log,) = checkout.path.glob(
        "results/slurm_logs/rule_write_benchmark/arith/*.log"
    )  # the first's
    assert "exceeded memory limit" in log.read_text()
    assert [cluster.shown(job)["MinMemoryNode"] for job in tried] == ["1000M", "1500M"]


def test_a_job_that_fails_for_good_leaves_the_rest_running(unrun, cluster, tmp_path):
    checkout = unrun.copy(tmp_path / "checkout")
    checkout.edit(
        "benchmarks.yaml", lambda d: d["arith"]["generate"].update(operands=[2, 2], problems=300)
    )
    failing, other = (
        f"results/miniature/benchmarks/{name}/problems.parquet" for name in ("arith", "arith-long")
    )
    model = "results/miniature/models/mini-base/model.json"
    done = checkout.snakemake(failing, other, model, check=False)
    print(done.stdout)
    assert done.returncode != 0
    assert (checkout.path / other).is_file() and (checkout.path / model).is_file()
    log = "results/miniature/logs/benchmarks/arith.log"
    assert log in done.stdout and "Traceback" not in done.stdout
    assert (
        (checkout.path / log)
        .read_text()
        .startswith("boundary benchmarks: benchmark arith: found only")
    )
    retries = yaml.safe_load((checkout.path / PROFILE / "config.yaml").read_text())["retries"]
    states = [job.state for job in jobs_of(checkout, cluster)]
    assert sorted(states) == ["COMPLETED"] * 2 + ["FAILED"] * (retries + 1)


def refusal(checkout, *arguments):
    """What a run says that ends before its first job."""
    done = checkout.snakemake(*arguments, check=False)
    print(done.stdout)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    return " ".join(done.stdout.split())


def test_a_partition_that_the_cluster_has_not(unrun, cluster, tmp_path):
    checkout = unrun.copy(tmp_path / "checkout")
    file = checkout.path / PROFILE / "partitions.yaml"
    file.write_text(file.read_text().replace("  gpu:", "  a100:"))
    before = cluster.queue("--states=all")
    said = refusal(checkout, "fig_pass_at_k")
    message = (
        f"{PROFILE}/partitions.yaml: this cluster has no partition 'a100'; it has cpu, gpu: put"
    )
    assert said.count(message) == 1
    assert cluster.queue("--states=all") == before


def keep_the_curve_alone(study):
    """Scoring on so many GPUs is refused for another reason."""
    study["figures"] = {"fig_pass_at_k": study["figures"]["fig_pass_at_k"]}
    study["tables"] = study["sheets"] = {}


def test_more_gpus_than_a_node_has(unrun, cluster, tmp_path):
    checkout = unrun.copy(tmp_path / "checkout")
    checkout.edit("models.yaml", lambda d: d["mini-base"].update(gpus=GPUS + 1))
    checkout.edit("studies/miniature.yaml", keep_the_curve_alone)
    before = cluster.queue("--states=all")
    said = refusal(checkout, "fig_pass_at_k")
    message = (
        f"a job takes {GPUS + 1} GPUs, and no node of the partitions cpu, gpu has more than {GPUS}"
    )
    assert said.count(message) == 1 and "`gpus` in config/models.yaml" in said
    assert cluster.queue("--states=all") == before


def test_a_machine_without_slurm(unrun, tmp_path, monkeypatch):
    checkout = unrun.copy(tmp_path / "checkout")
    (tmp_path / "bin").mkdir()
    for name in ("bash", "sh", "env", "git", "which"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    said = refusal(checkout, "fig_pass_at_k")
    assert said.count("no Slurm on this machine (no command sbatch)") == 1


def test_results_that_cannot_be_written(unrun, cluster, tmp_path):
    checkout = unrun.copy(tmp_path / "checkout")
    (checkout.path / "results").symlink_to("nowhere/at/all")
    said = refusal(checkout, "fig_pass_at_k")
    assert said.count("results/miniature: nothing can be written here") == 1
