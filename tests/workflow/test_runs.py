"""The whole workflow, run for real on a study that takes a minute."""

import fcntl
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pandas as pd
import pytest
import yaml
from boundary.data.model_record import read_model_record
from boundary.data.records import read_provenance, read_records, write_records
from boundary.verification.verifiers import VERIFIERS
from faulty_server import FaultyServer

CELLS = [(m, b) for m in ("mini-base", "mini-grpo") for b in ("arith", "arith-long")]
PROGRAMS = [(m, "functions") for m in ("mini-code-base", "mini-code-grpo")]


def set_n(study, n):
    for exhibits in (study["figures"], study["tables"], study["sheets"]):
        for exhibit in exhibits.values():
            for group in exhibit.get("cells", []):
                group["n"] = n if group["sampling"] == "standard" else group["n"]


def shards(checkout, stage="sample"):
    return {path: path.read_bytes() for path in (checkout.results / stage).rglob("*.parquet")}


def test_a_run_leaves_every_exhibit_with_its_data(finished):
    study = yaml.safe_load((finished.path / "config/studies/miniature.yaml").read_text())
    for folder, endings in (("figures", ("pdf", "png", "csv")), ("tables", ("html", "csv"))):
        for name, ending in itertools.product(study[folder], endings):
            assert (finished.results / folder / f"{name}.{ending}").stat().st_size > 0
    table = pd.read_csv(finished.results / "tables" / "table_pass_at_k.csv")
    assert set(zip(table["model"], table["benchmark"], strict=True)) == {*CELLS, *PROGRAMS}
    assert sorted(table["k"].unique()) == list(range(1, 9))
    assert table["problems"].eq(5).all()
    tally = pd.read_csv(finished.results / "tables" / "table_verdicts.csv")
    assert (tally.groupby(["model", "benchmark"])["samples"].sum() == 5 * 8).all()
    drawn = pd.read_csv(finished.results / "tables" / "table_samples.csv")
    assert drawn[drawn["measure"] == "samples"]["value"].tolist() == [40] * 6


def test_the_models_load_as_any_other(finished):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for name in ("mini-base", "mini-grpo", "mini-code-base", "mini-code-grpo"):
        record = read_model_record(finished.results / "models" / name / "model.json")
        model = AutoModelForCausalLM.from_pretrained(record.checkpoint)
        tokenizer = AutoTokenizer.from_pretrained(record.checkpoint)
        assert model.config.model_type == "llama" and len(tokenizer) == model.config.vocab_size
        assert (record.checkpoint / "model.safetensors").is_file()
        metrics = pd.read_csv(finished.results / "models" / name / "metrics.csv")
        assert {"step", "loss"} <= set(metrics)
        if name.endswith("grpo"):
            assert {"reward", "entropy", "response_length"} <= set(metrics)


def test_counts_are_those_of_the_stored_verdicts(finished):
    for model, benchmark in CELLS + PROGRAMS:
        cell = f"{model}/{benchmark}/standard.seed1"
        files = sorted((finished.results / "verify" / cell / "boundary").glob("*.parquet"))
        verdicts = pd.concat([read_records(file, "verdict") for file in files])
        assert not verdicts.duplicated(["problem_id", "sample_index"]).any()
        assert len(verdicts) == 5 * 8
        counts = finished.results / "analyse" / cell / "n8" / "boundary" / "counts.parquet"
        counts = read_records(counts, "count")
        expected = verdicts["verdict"].eq("correct").groupby(verdicts["problem_id"]).sum()
        assert dict(zip(counts["problem_id"], counts["correct"], strict=True)) == dict(expected)


def test_second_opinions_are_on_the_same_samples(finished):
    table = pd.read_csv(finished.results / "tables" / "table_agreement.csv")
    cells = table.pivot(index=["model", "verifier"], columns="measure", values="value")
    assert len(cells) == 4 and cells["samples"].eq(40).all()
    parts = ["both_correct", "neither", "only_reference", "only_other", "unjudged"]
    assert cells[parts].sum(axis=1).eq(40).all()
    for (model, verifier), row in cells.iterrows():
        cell = finished.results / "analyse" / model / "arith-long/standard.seed1/n8" / verifier
        differing = pd.read_csv(cell / "disagreements.csv")["samples"].sum()
        assert differing == row["only_reference"] + row["only_other"]
    curves = pd.read_csv(finished.results / "figures" / "fig_verifier_sensitivity.csv")
    assert set(curves["verifier"]) == set(VERIFIERS)


def test_every_shard_says_how_it_was_drawn_and_has_its_own_seed(finished):
    provenances = {path: read_provenance(path) for path in shards(finished)}
    drawn = {path: made for path, made in provenances.items() if "imported" not in made}
    # Two shards of each cell of two models on two benchmarks, and of two models that write programs; one
    # of both again cool and hot on one benchmark, of the base without reasoning on two, of the RLVR model
    # matched and at the two temperatures that were tried.
    assert len(drawn) == 2 * (4 + 2) + (4 + 2 + 1 + 2) == len(provenances) - 1
    assert len({made["shard_seed"] for made in drawn.values()}) == len(drawn)
    for path, provenance in drawn.items():
        sampling = path.parent.name
        cap = 8 if sampling == "direct.seed1" else 24
        parameters = {"top_p": 1.0, "max_tokens": cap, "end": None}
        assert parameters.items() <= provenance["sampling"].items()
        named = {"cool.seed1": 0.6, "hot.seed1": 1.2}
        named |= {"matched.at0.8.seed1": 0.8, "matched.at4.seed1": 4.0}
        if sampling != "matched.seed1":
            assert provenance["sampling"]["temperature"] == named.get(sampling, 1.0)
        (attempt,) = provenance["attempts"]
        assert attempt["engine"] == "transformers" and attempt["versions"]["torch"]
        context = 128 if "functions" in path.parts else 256
        assert attempt["context"] == context and attempt["end_token_ids"]


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.snakemake().stdout
    assert finished.planned() == {}


def test_one_figure_needs_only_its_own_jobs(fresh, tmp_path):
    checkout = fresh.copy(tmp_path / "checkout")

    def show_arith_alone(study):
        figure = study["figures"]["fig_accuracy_histogram"]
        figure["cells"] = [figure["cells"][0] | {"benchmarks": ["arith"]}]

    checkout.edit("studies/miniature.yaml", show_arith_alone)
    planned = checkout.planned("fig_accuracy_histogram")
    assert planned == {
        "pretrain_model": 1, "train_rlvr_model": 1, "write_benchmark": 2, "sample": 4, "verify": 4,
        "check_samples": 2, "count": 2, "estimate": 2, "draw_figure": 1, "fig_accuracy_histogram": 1,
    }  # fmt: skip


def test_the_sensitivity_of_a_curve_to_its_verifier_is_one_target(fresh):
    assert fresh.planned("fig_verifier_sensitivity") == {
        "pretrain_model": 1, "train_rlvr_model": 1, "write_benchmark": 2, "sample": 4, "verify": 12,
        "check_samples": 2, "count": 6, "estimate": 6, "draw_figure": 1, "fig_verifier_sensitivity": 1,
    }  # fmt: skip
    said = " ".join(fresh.snakemake("-n", "-p", "table_agreement").stdout.split())
    cell = "mini-base/arith-long/standard.seed1"
    judging = (
        f"--verifier published --policy '{{}}' --memo results/miniature/kept/answers/arith-long/published "
        f"--workers 1 --output results/miniature/verify/{cell}/published/shard-0001.parquet "
        f"2> results/miniature/logs/verify/{cell}/published/shard-0001.log"
    )
    assert judging in said


def test_the_study_can_be_named_on_the_command_line(fresh, tmp_path):
    checkout = fresh.copy(tmp_path / "checkout")
    studies = checkout.path / "config" / "studies"
    (studies / "miniature.yaml").rename(studies / "other.yaml")
    output = checkout.snakemake("-n", "--config", "study=other").stdout
    assert "results/other/figures/fig_pass_at_k.png" in output


def test_raising_n_adds_shards_and_keeps_the_old_ones(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    before = shards(checkout)
    checkout.edit("studies/miniature.yaml", lambda d: set_n(d, 12))
    planned = checkout.planned()
    assert planned["sample"] == planned["check_samples"] == 6
    assert planned["verify"] == planned["count"] == 10 and planned["compare_verifiers"] == 4
    assert "pretrain_model" not in planned and "write_benchmark" not in planned
    checkout.snakemake("fig_pass_at_k")
    after = shards(checkout)
    assert before.items() <= after.items() and len(after) == len(before) + 6
    curve = pd.read_csv(checkout.results / "figures/fig_pass_at_k.csv")
    assert curve["k"].max() == 12


def append(file, text):
    file.write_text(file.read_text() + text)


def test_a_changed_module_reruns_exactly_its_dependants(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    library = checkout.path / "workflow" / "lib" / "boundary"
    append(library / "estimation/pass_at_k.py", "\n# a remark\n")
    append(library / "sampling/decoding.py", "\nCHANGED = True\n")
    append(library / "training/losses.py", "\nCHANGED = True\n")
    assert checkout.planned() == {}  # no remark, and no edit of an engine, costs GPU hours
    append(library / "estimation/pass_at_k.py", "\nCHANGED = True\n")
    planned = checkout.planned()
    assert planned == {"estimate": 14, "draw_figure": 4, "lay_out_table": 2, "all": 1}
    append(library / "verification/verifiers/published.py", "\nCHANGED = True\n")
    planned = checkout.planned()
    assert planned["verify"] == 4 and planned["count"] == planned["compare_verifiers"] == 2
    append(library / "verification/verifiers/boundary.py", "\nCHANGED = True\n")
    planned = checkout.planned()
    assert planned["verify"] == 14 + 1 and planned["count"] == 8  # references are not counted
    assert planned["compare_verifiers"] == 4 and planned["tabulate_perplexity"] == 8
    assert "sample" not in planned and "train_rlvr_model" not in planned


def test_a_changed_comparison_counts_nothing_again(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    append(checkout.path / "workflow/lib/boundary/estimation/agreement.py", "\nCHANGED = True\n")
    assert checkout.planned() == {"compare_verifiers": 4, "lay_out_table": 1, "all": 1}


def test_a_changed_verification_judges_anew_and_draws_nothing(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    checkout.edit("benchmarks.yaml", lambda d: d["arith"].update(verification={"digits": 5}))
    planned = checkout.planned()
    assert planned["verify"] == 5 + 1 and planned["count"] == 3
    unchanged = {"sample", "write_benchmark", "train_rlvr_model", "check_samples"}
    assert not unchanged & planned.keys()
    checkout.edit("benchmarks.yaml", lambda d: d["arith"].pop("verification"))
    assert checkout.planned() == {}
    trained_on = {"verification": {"digits": 5}}
    checkout.edit("benchmarks.yaml", lambda d: d["arith-train"].update(trained_on))
    planned = checkout.planned()
    assert planned["train_rlvr_model"] == 1 and "write_benchmark" not in planned


def test_engine_settings_rerun_nothing_and_number_formats_the_samples(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    spare = {"engine": "auto", "gpu_memory_utilization": 0.5, "prefix_caching": False}
    for settings in (spare, {"gpus": 1}):
        checkout.edit("models.yaml", lambda d, new=settings: d["mini-base"].update(new))
        assert checkout.planned() == {}
    checkout.edit("models.yaml", lambda d: d["mini-base"].update(dtype="bfloat16"))
    assert checkout.planned()["sample"] == 2 * 2 + 2
    said = " ".join(checkout.snakemake("-n", "-p").stdout.split())
    engine = "--engine=auto --gpus=1 --gpu-memory-utilization=0.5 --no-prefix-caching"
    assert f"--dtype=bfloat16 {engine} --keep" in said


def test_rewritten_problems_draw_no_sample_again(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    before = {path: read_provenance(path).get("finished") for path in shards(checkout)}
    append(checkout.path / "workflow/lib/boundary/miniature/problems.py", "\nCHANGED = True\n")
    planned = checkout.planned("fig_pass_at_k")
    assert planned["write_benchmark"] == 5 and planned["verify"] == 12
    checkout.snakemake("fig_pass_at_k")
    assert {path: read_provenance(path).get("finished") for path in shards(checkout)} == before


def test_what_is_new_in_a_definition_is_run(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    checkout.edit("benchmarks.yaml", lambda d: d["arith"]["generate"].update(seed=9))
    planned = checkout.planned()
    assert planned["sample"] == 2 * 2 + 1 and "train_rlvr_model" not in planned
    checkout.edit("benchmarks.yaml", lambda d: d["arith-train"]["generate"].update(seed=9))
    planned = checkout.planned()
    assert planned["train_rlvr_model"] == 1 and planned["sample"] == 5 + 2
    checkout.edit("models.yaml", lambda d: d["mini-base"]["pretrain"].update(seed=9))
    planned = checkout.planned()
    assert (
        planned["pretrain_model"] == planned["train_rlvr_model"] == 1
        and planned["sample"] == 4 * 2 + 2
    )


def test_a_raised_protocol_draws_that_benchmark_anew(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    checkout.edit("benchmarks.yaml", lambda d: d["arith"].update(protocol=2))
    assert checkout.planned()["sample"] == 2 * 2 + 1


def is_locked(path):
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def journal_size(folder):
    return sum(journal.stat().st_size for journal in folder.glob("*.jsonl"))


def wait_for(condition, process, seconds=900):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "Snakemake ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sigkill_in_the_middle_loses_and_repeats_nothing(finished, tmp_path):
    """Kill everything while shards are being drawn, twice; then finish and compare with one go."""
    checkout = finished.copy(tmp_path / "checkout")

    def enlarge(study):
        study["sampling"]["standard"] |= {"seed": 2, "shard_size": 5120}
        set_n(study, 5120)

    checkout.edit("studies/miniature.yaml", enlarge)
    target = (
        "results/miniature/analyse/mini-base/arith/standard.seed2/n5120/boundary/counts.parquet"
    )
    kept = checkout.results / "kept/mini-base/arith/standard.seed2"
    shard = checkout.results / "sample/mini-base/arith/standard.seed2/shard-0000.parquet"
    drawn = 0
    for _ in range(2):
        process = subprocess.Popen(
            checkout.command("--rerun-incomplete", target),
            cwd=checkout.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(lambda seen=drawn: journal_size(kept) > seen + 20_000, process)
        assert is_locked(checkout.path / ".snakemake/run.lock")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not is_locked(checkout.path / ".snakemake/run.lock")
        assert not shard.exists()
        drawn = journal_size(kept)
        checkout.snakemake("--unlock")
    checkout.snakemake("--rerun-incomplete", target)
    samples = read_records(shard, "sample")
    assert len(samples) == 5 * 5120 and journal_size(kept) == 0
    assert not samples.duplicated(["problem_id", "sample_index"]).any()
    shard.unlink()
    shutil.rmtree(kept)
    checkout.snakemake(str(shard.relative_to(checkout.path)))
    in_one_go = read_records(shard, "sample")
    assert samples["text"].eq(in_one_go["text"]).mean() > 0.999  # but for rounding in other batches


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "studies/miniature.yaml",
            lambda d: d["figures"]["fig_pass_at_k"]["cells"][0].update(models=["mini-bse"]),
            "config/studies/miniature.yaml: figures.fig_pass_at_k.cells.0: unknown model 'mini-bse'. "
            "Did you mean 'mini-base'",
        ),
        ("config.yaml", lambda d: d.update(study="minature"), "Did you mean 'miniature' or"),
        ("config.yaml", lambda d: d.update(n=3), "config/config.yaml: top level: unknown key 'n'"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_message(fresh, tmp_path, file, change, message):
    checkout = fresh.copy(tmp_path / "checkout")
    checkout.edit(file, change)
    done = checkout.snakemake("-n", check=False)
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert len(done.stdout.splitlines()) <= 6, done.stdout


def test_a_failing_job_names_its_log(fresh, tmp_path):
    checkout = fresh.copy(tmp_path / "checkout")
    checkout.edit(
        "benchmarks.yaml", lambda d: d["arith"]["generate"].update(operands=[2, 2], problems=300)
    )
    problems = "results/miniature/benchmarks/arith/problems.parquet"
    done = checkout.snakemake(problems, check=False)
    assert done.returncode == 1
    log = checkout.results / "logs/benchmarks/arith.log"
    assert str(log.relative_to(checkout.path)) in done.stdout
    said = log.read_text()
    assert said.startswith("boundary benchmarks: benchmark arith: found only")
    assert "Traceback" not in said


def test_logs_hold_plain_lines_of_progress(finished):
    said = (finished.results / "logs/models/mini-base.log").read_text()
    assert "60/60" in said and "step/s" in said and "\r" not in said


def test_a_shard_that_lost_a_sample_stops_the_cell(finished, tmp_path):
    """Whatever took it, no verdict is made of the rest."""
    checkout = finished.copy(tmp_path / "checkout")
    cell = "mini-base/arith/standard.seed1"
    shard = checkout.results / "sample" / cell / "shard-0000.parquet"
    for verdicts in (checkout.results / "verify" / cell).rglob("*.parquet"):
        verdicts.unlink()
    provenance, samples = read_provenance(shard), read_records(shard, "sample")
    write_records(shard, "sample", samples.drop(index=3), provenance)
    stages = {
        "verify": f"verify/{cell}/boundary/shard-0000",
        "check": f"analyse/{cell}/n8/samples",
    }
    targets = [f"results/miniature/{path}" for path in stages.values()]
    endings = [f"{targets[0]}.parquet", f"{targets[1]}.csv"]
    done = checkout.snakemake("--keep-going", *endings, check=False)
    assert done.returncode == 1
    for path in stages.values():
        said = (checkout.results / "logs" / f"{path}.log").read_text()
        assert "sample 3 is missing (1 such samples in all)" in said


def test_an_endpoints_model_runs_by_one_entry(finished, tmp_path, monkeypatch):
    """From the catalogue to a figure; the key is in the environment alone."""
    monkeypatch.setenv("SERVED_KEY", "key-0123456789")
    checkout = finished.copy(tmp_path / "checkout")
    entry = {"label": "far", "family": "own", "role": "rlvr", "template": "plain"}
    cells = {"models": ["far"], "benchmarks": ["arith"], "sampling": "standard", "n": 8}
    figure = {"kind": "pass_at_k", "cells": [cells]}
    checkout.edit("studies/miniature.yaml", lambda d: d["figures"].update(fig_far=figure))
    with FaultyServer("..4.x.5", key="key-0123456789") as server:
        endpoint = {"url": server.url, "model": "m", "key_variable": "SERVED_KEY"}
        checkout.edit("models.yaml", lambda d: d.update(far=entry | {"endpoint": endpoint}))
        checkout.snakemake("fig_far")
    assert len(server.requests) == 40 + 3
    data = pd.read_csv(checkout.results / "figures/fig_far.csv")
    assert list(data["k"]) == list(range(1, 9))
    written = [file for file in checkout.path.rglob("*") if file.is_file()]
    assert not any(b"key-0123456789" in file.read_bytes() for file in written)


def test_own_models_and_problems_run_by_two_entries(finished, tmp_path):
    """What the README's worked example says, with a local checkpoint and a local file."""
    checkout = finished.copy(tmp_path / "checkout")
    checkpoint = (finished.results / "models/mini-base/checkpoint").resolve()
    (checkout.path / "own.jsonl").write_text(
        '{"question":"1+1","answer":2}\n{"question":"2*3","answer":6}\n'
    )
    own = {
        "label": "mine",
        "family": "own",
        "role": "rlvr",
        "template": "mini",
        "path": str(checkpoint),
    }
    checkout.edit("models.yaml", lambda d: d.update(own=own))
    checkout.edit(
        "benchmarks.yaml", lambda d: d.update(sums={"label": "sums", "path": "own.jsonl"})
    )
    cells = {"models": ["own"], "benchmarks": ["sums"], "sampling": "standard", "n": 4}
    checkout.edit(
        "studies/miniature.yaml",
        lambda d: d["figures"].update(fig_own={"kind": "pass_at_k", "cells": [cells]}),
    )
    checkout.snakemake("fig_own")
    data = pd.read_csv(checkout.results / "figures/fig_own.csv")
    assert list(data["k"]) == [1, 2, 3, 4] and set(data["problems"]) == {2}


def test_claims_and_comparisons_rest_on_the_stored_counts(finished):
    claims = json.loads((finished.results / "tables" / "claims.json").read_text())["claims"]
    assert [claim["number"] for claim in claims] == list(range(1, 11))
    untested = [claims[number - 1]["answer"] for number in (6, 7, 8, 9, 10)]
    assert set(untested) == {"not tested"}  # what the study has no models for
    measures = pd.read_csv(finished.results / "tables" / "table_comparison.csv")
    for benchmark in ("arith", "arith-long"):
        of_one = measures[measures["benchmark"] == benchmark].set_index("measure")["value"]
        solved = {
            model: read_records(
                finished.results
                / f"analyse/{model}/{benchmark}/standard.seed1/n8/boundary/counts.parquet",
                "count",
            )["correct"].gt(0)
            for model in ("mini-base", "mini-grpo")
        }
        assert of_one["both"] == (solved["mini-base"] & solved["mini-grpo"]).sum()
        assert of_one["neither"] == (~solved["mini-base"] & ~solved["mini-grpo"]).sum()


def test_guesses_are_counted_and_left_out(finished):
    for path in (finished.results / "sample/mini-base/arith/direct.seed1").glob("*.parquet"):
        assert read_records(path, "sample")["text"].str.startswith("\\boxed{").all()
    for benchmark in ("arith", "arith-long"):
        told = pd.read_csv(finished.results / f"analyse/filters/guessable/{benchmark}.csv")
        kept = finished.results / (
            f"analyse/mini-grpo/{benchmark}/standard.seed1/n8/boundary/guessable/counts.parquet"
        )
        assert len(told) == 5
        assert len(read_records(kept, "count")) == (~told["guessable"]).sum()


def test_what_others_drew_and_counted_stands_beside_our_own(finished, tmp_path):
    """A model of samples, verified here, and one of counts, on a benchmark of ours and on one of theirs."""
    checkout = finished.copy(tmp_path / "checkout")
    problems = read_records(checkout.results / "benchmarks/arith/problems.parquet", "problem")
    with (checkout.path / "texts.jsonl").open("w") as file:
        for problem, gold in zip(problems["problem_id"], problems["gold"], strict=True):
            for text in (f"\\boxed{{{json.loads(gold)}}}", "\\boxed{none}"):
                file.write(json.dumps({"problem_id": problem, "text": text}) + "\n")
    rows = [f"{m},{p},4,{c}" for m, c in (("old", 1), ("new", 3)) for p in ("x", "y")]
    (checkout.path / "counts.csv").write_text("\n".join(["model,problem,n,correct", *rows]) + "\n")
    described = {"family": "own", "template": "mini"}
    texts = {"arith": {"files": ["texts.jsonl"], "format": "jsonl"}}
    counts = {"far": {"files": ["counts.csv"], "format": "counts"}}
    added = {
        "drawn": {"label": "d", "role": "rlvr", "base": "mini-base", "samples": texts},
        "old": {"label": "o", "role": "base", "counts": counts},
        "new": {"label": "n", "role": "rlvr", "base": "old", "counts": counts},
    }
    checkout.edit(
        "models.yaml",
        lambda d: d.update({name: described | entry for name, entry in added.items()}),
    )
    far = {"label": "far", "counts_only": True}
    checkout.edit("benchmarks.yaml", lambda d: d.update(far=far))
    sampling = {"max_tokens": 24, "shard_size": 2}
    cells = [
        {"models": ["drawn"], "benchmarks": ["arith"], "sampling": "elsewhere", "n": 2},
        {"models": ["old", "new"], "benchmarks": ["far"], "sampling": "elsewhere", "n": 4},
    ]

    def add(study):
        study["sampling"]["elsewhere"] = sampling
        study["figures"]["fig_theirs"] = {"kind": "pass_at_k", "cells": cells}
        study["figures"]["fig_against"] = {"kind": "difference", "cells": cells[1:]}

    checkout.edit("studies/miniature.yaml", add)
    checkout.snakemake("fig_theirs", "fig_against")
    data = pd.read_csv(checkout.results / "figures/fig_theirs.csv").set_index(["model", "k"])
    assert data.loc[("drawn", 1), "pass_at_k"] == 0.5 and data.loc[("drawn", 2), "pass_at_k"] == 1
    assert data.loc[("old", 1), "pass_at_k"] == 0.25 and data.loc[("new", 1), "pass_at_k"] == 0.75
    assert set(data.loc["old", "verifier"]) == {"imported"}
    difference = pd.read_csv(checkout.results / "figures/fig_against.csv")
    assert difference["difference"].iloc[0] == 0.5


def test_a_sheet_tells_of_each_cell_whether_there_is_anything_to_judge(finished):
    for model in ("mini-base", "mini-grpo"):
        folder = (
            finished.results
            / f"sheets/cot_arith/{model}/arith/standard.seed1/n8/boundary/guessable"
        )
        said = (folder / "instructions.txt").read_text()
        # One of 8 is more than 5 %.
        assert "There is nothing to judge" in said
        assert said.strip() in (folder / "chains.html").read_text()
        assert {path.name for path in folder.iterdir()} == {"instructions.txt", "chains.html"}


def test_a_sheet_that_somebody_fills_in_outlives_every_rerun(finished, tmp_path):
    checkout = finished.copy(tmp_path / "checkout")
    problems = read_records(checkout.results / "benchmarks/arith/problems.parquet", "problem")

    def write_texts(ending):
        with (checkout.path / "texts.jsonl").open("w") as file:
            for problem, gold in zip(problems["problem_id"], problems["gold"], strict=True):
                for text in (f"\\boxed{{{json.loads(gold)}}}{ending}", "\\boxed{none}"):
                    file.write(json.dumps({"problem_id": problem, "text": text}) + "\n")

    write_texts("")
    texts = {"arith": {"files": ["texts.jsonl"], "format": "jsonl"}}
    drawn = {"label": "d", "family": "own", "role": "rlvr", "template": "mini", "samples": texts}
    checkout.edit("models.yaml", lambda d: d.update(drawn=drawn))
    cell = {"models": ["drawn"], "benchmarks": ["arith"], "sampling": "elsewhere", "n": 2}

    def add(study):
        study["sampling"]["elsewhere"] = {"max_tokens": 24, "shard_size": 2}
        study["sheets"]["cot_drawn"] = {"kind": "chains", "below": 0.6, "cells": [cell]}

    checkout.edit("studies/miniature.yaml", add)
    checkout.snakemake("cot_drawn")
    folder = checkout.results / "sheets/cot_drawn/drawn/arith/elsewhere.seed0/n2/boundary"
    assert "5 of 5 problems have an accuracy" in (folder / "instructions.txt").read_text()
    sheet = folder / "chains.csv"
    judged = sheet.read_text(encoding="utf-8-sig").replace(",,\n", ",valid,\n")
    assert judged.count("valid") == 5
    sheet.write_text(judged)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert checkout.planned("cot_drawn") == {}
    checkout.snakemake("--forcerun", "lay_out_sheet", "verify", "--", "cot_drawn")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    # Other responses: the job stops, and of all that was there it has lost its own declared output alone.
    write_texts(" as ever")
    assert checkout.snakemake("cot_drawn", check=False).returncode == 1
    log = checkout.results / "logs/sheets/cot_drawn/drawn/arith/elsewhere.seed0/n2/boundary.log"
    assert "exists, and somebody may have filled it in" in log.read_text()
    del before["instructions.txt"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_report_is_one_page_that_loads_nothing(finished, tmp_path):
    report = tmp_path / "report.html"
    finished.snakemake("--report", str(report))
    page = report.read_text()
    for name in ("fig_pass_at_k", "fig_accuracy_histogram", "table_pass_at_k", "table_agreement"):
        assert name in page
    assert "Bands are 95 % intervals" in page
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', page)
