"""What a study would take, against numbers worked out by hand."""

import csv
import json

import pandas as pd
import pytest
import yaml
from boundary.cli import main
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.planning.costs import load_costs
from boundary.planning.found import look
from boundary.planning.plan import CellKey, Found, plan_cells, total
from boundary.planning.table import BYTES, TOKENS, in_units
from boundary.study.load import load_study
from config_files import ROOT, SCHEMAS, edit

MODEL = {"label": "m", "family": "f", "role": "rlvr", "template": "mini"}
HUB = {"hub": "a/b", "revision": "main"}
MODELS = {
    "base": MODEL | {"role": "base", **HUB},
    "rl": MODEL | {"base": "base", **HUB},
    "large": MODEL | {**HUB, "gpus": 4},
    "on-cpu": MODEL | {**HUB, "gpus": 0},
    "hosted": MODEL | {"endpoint": {"url": "https://host.invalid/v1", "model": "m"}},
    "told": MODEL | {"samples": {"thirty": {"files": ["texts.jsonl"], "format": "jsonl"}}},
    "counted": MODEL | {"counts": {"thirty": {"files": ["c.csv"], "format": "counts"}}},
}
TEXTS = {"files": ["texts.jsonl"], "format": "jsonl"}
MODELS["reference"] = MODEL | {"role": "reference", "samples": {"thirty": TEXTS, "own": TEXTS}}
BENCHMARKS = {
    name: {"label": name, "path": f"{name}.jsonl"} for name in ("thirty", "hundred", "own")
}
COSTS = {
    "tokens": {
        "default": 1000,
        "benchmarks": {"thirty": 2000},
        "models": {"rl": 500},
        "cells": {"rl": {"hundred": 300}},
    },
    "sampling_rate": {"default": 100, "models": {"rl": 50}},
    "scoring_rate": {"default": 1000, "models": {"rl": 500}},
    "bytes_per_token": 2,
    "time": {"start_minutes": 10, "margin": 3, "problems": 60},
}
SAMPLING = {
    "warm": {"max_tokens": 16384, "shard_size": 32},
    "short": {"max_tokens": 100, "shard_size": 64},
    "given": {"shard_size": 8},
    "matched": {"match": {"sampling": "warm", "subset": "probed", "temperatures": [0.5, 1.5]}},
}
SUBSETS = {"probed": {"problems": 20, "responses": 40}, "few": {"problems": ["a", "b"]}}
NOTHING = Found({"thirty": 30, "hundred": 100}, shards={}, mean_tokens={}, scores=())
HOUR = 3600


def group(models=("base",), benchmarks=("thirty",), sampling="warm", n=64, **more):
    return {
        "models": list(models),
        "benchmarks": list(benchmarks),
        "sampling": sampling,
        "n": n,
    } | more


def curve(*groups, **more):
    return {"kind": "pass_at_k", "cells": list(groups)} | more


@pytest.fixture
def study_of(config):
    """Writes a study with the given figures, and reads it."""

    def read(**figures):
        (config / "models.yaml").write_text(yaml.safe_dump(MODELS))
        (config / "benchmarks.yaml").write_text(yaml.safe_dump(BENCHMARKS))
        (config / "costs.yaml").write_text(yaml.safe_dump(COSTS))
        study = {"sampling": SAMPLING, "subsets": SUBSETS, "figures": figures}
        study["filters"] = {
            "guessed": {"model": "base", "sampling": "short", "n": 128, "below": 0.05}
        }
        (config / "studies/mine.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
        return load_study("mine", config, SCHEMAS)

    return read


def plan(study, config, *names, found=NOTHING):
    """The planned cells of some exhibits, or of all, by their keys."""
    exhibits = [study.exhibits[name] for name in names or study.exhibits]
    costs = load_costs(config, SCHEMAS, study.catalogue)
    cells = plan_cells(study, exhibits, costs, found, study.exhibits.values())
    assert len({cell.key for cell in cells}) == len(cells)
    return {tuple(cell.key): cell for cell in cells}


def test_a_cell_takes_problems_times_n_responses_of_their_mean_length(study_of, config):
    study = study_of(one=curve(group(("base", "rl"), ("thirty", "hundred"))))
    cells = plan(study, config)
    # The benchmark's length; the model's before the benchmark's; the cell's before both; any.
    lengths = {(m, b): cell.mean_tokens for (m, b, _), cell in cells.items()}
    assert lengths == {
        ("base", "thirty"): 2000,
        ("base", "hundred"): 1000,
        ("rl", "thirty"): 500,
        ("rl", "hundred"): 300,
    }
    cell = cells["rl", "thirty", "warm.seed0"]
    assert (cell.problems, cell.n, cell.samples, cell.drawn) == (30, 64, 1920, 0)
    assert cell.cost == (1920 * 500, 0, 1920 * 500 / 50 / HOUR, 1920 * 500 * 2)
    assert cell.left == cell.cost and not cell.measured and not cell.done
    everything = total(cells.values())
    assert everything.tokens == 1920 * (2000 + 500) + 6400 * (1000 + 300)
    hours = (1920 * 2000 + 6400 * 1000) / 100 + (1920 * 500 + 6400 * 300) / 50
    assert everything.gpu_hours == pytest.approx(hours / HOUR)


def test_cells_of_two_figures_count_once_with_the_larger_n(study_of, config):
    study = study_of(
        one=curve(group(n=64)),
        two=curve(group(n=128), group(benchmarks=["hundred"], n=32)),
        three=curve(group(n=96)),
    )
    assert total(plan(study, config, "one").values()).tokens == 30 * 64 * 2000
    assert total(plan(study, config, "three").values()).tokens == 30 * 96 * 2000
    cells = plan(study, config)
    assert total(cells.values()).tokens == 30 * 128 * 2000 + 100 * 32 * 1000
    assert cells["base", "thirty", "warm.seed0"].exhibits == ("one", "two", "three")
    assert cells["base", "hundred", "warm.seed0"].exhibits == ("two",)
    # Of one figure alone, too, its cells say who else needs them.
    assert plan(study, config, "one")["base", "thirty", "warm.seed0"].exhibits[1:] == (
        "two",
        "three",
    )


def test_a_response_is_not_longer_than_its_cap(study_of, config):
    study = study_of(one=curve(group(sampling="short")))
    assert total(plan(study, config).values()).tokens == 30 * 64 * 100


def test_a_filter_has_its_own_cell(study_of, config):
    study = study_of(one=curve(group(("rl",), filter="guessed")))
    cells = plan(study, config)
    assert set(cells) == {("base", "thirty", "short.seed0"), ("rl", "thirty", "warm.seed0")}
    asked = cells["base", "thirty", "short.seed0"]
    assert asked.n == 128 and asked.cost.tokens == 30 * 128 * 100


def test_a_matched_sampling_needs_probes_and_the_base_and_their_scores(study_of, config):
    study = study_of(one=curve(group(("rl",), ("hundred",), sampling="matched")))
    cells = plan(study, config)
    # 40 responses are in the first two shards of the base, which hold those of all problems.
    assert {key: (cell.problems, cell.n) for key, cell in cells.items()} == {
        ("base", "hundred", "warm.seed0"): (100, 64),
        ("rl", "hundred", "matched.at0.5.seed0"): (20, 40),
        ("rl", "hundred", "matched.at1.5.seed0"): (20, 40),
        ("rl", "hundred", "matched.seed0"): (100, 64),
    }
    base = cells["base", "hundred", "warm.seed0"]
    assert base.cost.tokens == 6400 * 1000 and base.cost.scored_tokens == 800 * 1000
    assert base.cost.gpu_hours == pytest.approx((6400 * 1000 / 100 + 800 * 1000 / 1000) / HOUR)
    probe = cells["rl", "hundred", "matched.at0.5.seed0"]
    assert probe.cost[:2] == (800 * 300, 800 * 300)
    assert probe.cost.gpu_hours == pytest.approx(800 * 300 * (1 / 50 + 1 / 500) / HOUR)
    assert cells["rl", "hundred", "matched.seed0"].cost.scored_tokens == 0


def test_what_a_figure_scores_is_counted_by_who_scores_it(study_of, config):
    shown = {"kind": "perplexity", "subset": "few", "cells": [group(("base", "rl"))]}
    study = study_of(one=shown, two=shown, three=curve(group(("base", "rl"))))
    cells = plan(study, config)
    base, rl = (cells[name, "thirty", "warm.seed0"] for name in ("base", "rl"))
    # Two problems of 16 responses: the base's under the base, the model's under both.
    assert base.cost.scored_tokens == 32 * 2000 and rl.cost.scored_tokens == 2 * 32 * 500
    drawing, scoring = 1920 * 500 / 50, 32 * 500 / 1000 + 32 * 500 / 500
    assert rl.cost.gpu_hours == pytest.approx((drawing + scoring) / HOUR)
    assert total(plan(study, config, "three").values()).scored_tokens == 0
    stored = {"score/rl/thirty/warm.seed0/few/base.parquet"}
    shards = {key: range(2) for key in map(CellKey._make, cells)}
    found = Found(NOTHING.problems, shards, mean_tokens={}, scores=stored)
    cell = plan(study, config, "one", found=found)["rl", "thirty", "warm.seed0"]
    assert cell.left == (0, 32 * 500, pytest.approx(32 * 500 / 500 / HOUR), 0) and not cell.done


def test_a_shard_that_is_there_is_not_drawn_and_tells_how_long_responses_are(study_of, config):
    study = study_of(one=curve(group(n=96)))
    key = CellKey("base", "thirty", "warm.seed0")
    # The last shard is of a larger n that somebody asked for before.
    found = Found(NOTHING.problems, {key: [0, 2, 7]}, {key: 700.5}, ())
    (cell,) = plan(study, config, found=found).values()
    assert (cell.samples, cell.drawn, cell.measured) == (30 * 96, 30 * 64, True)
    assert cell.cost.tokens == 30 * 96 * 700.5
    assert cell.left == (30 * 32 * 700.5, 0, 30 * 32 * 700.5 / 100 / HOUR, 30 * 32 * 700.5 * 2)
    whole = Found(NOTHING.problems, {key: range(3)}, {}, ())
    (cell,) = plan(study, config, found=whole).values()
    assert cell.done and cell.left == (0, 0, 0, 0) and cell.cost.tokens == 30 * 96 * 2000


def test_shards_are_counted_by_the_size_of_the_benchmark(study_of, config, monkeypatch):
    monkeypatch.setitem(SAMPLING["warm"], "shard_sizes", {"thirty": 16})
    study = study_of(one=curve(group(benchmarks=("thirty", "hundred"), n=96)))
    keys = [CellKey("base", name, "warm.seed0") for name in ("thirty", "hundred")]
    found = Found(NOTHING.problems, {key: [0, 4] for key in keys}, {}, ())
    cells = plan(study, config, found=found)
    # Of the larger shards, three hold all: the fifth is of a larger n.
    assert [cells[tuple(key)].drawn for key in keys] == [30 * 32, 100 * 32]


def test_only_what_is_drawn_here_costs_and_only_a_gpu_takes_gpu_hours(study_of, config):
    models = ("hosted", "on-cpu", "large", "told", "counted")
    study = study_of(one=curve(group(models)))
    cost = {key[0]: cell.cost for key, cell in plan(study, config).items()}
    tokens = 1920 * 2000
    assert cost["hosted"] == cost["on-cpu"] == (tokens, 0, 0, 2 * tokens)
    assert cost["large"].gpu_hours == pytest.approx(tokens / 100 / HOUR)  # a rate is one GPU's
    assert cost["told"] == cost["counted"] == (0, 0, 0, 0)


def test_a_number_of_problems_that_nobody_knows_is_not_guessed(study_of, config):
    shown = {"kind": "perplexity", "subset": "probed", "cells": [group(("base", "rl"), ("own",))]}
    named = shown | {"subset": "few"}
    study = study_of(one=curve(group(benchmarks=["own", "thirty"])), two=shown, three=named)
    cells = plan(study, config)
    own = cells["base", "own", "warm.seed0"]
    assert own.unknown and own.samples is own.drawn is own.cost is own.left is None
    assert total(cells.values()).tokens == 30 * 64 * 2000
    assert plan(study, config, "three")["base", "own", "warm.seed0"].unknown


def test_references_cost_what_scores_them(study_of, config):
    def shown(benchmark, subset):
        given = group(("reference",), (benchmark,), "given", n=8)
        cells = [group(("base", "rl"), (benchmark,)), given]
        return {"kind": "perplexity", "subset": subset, "cells": cells}

    study = study_of(one=shown("thirty", "few"), two=shown("own", "probed"))
    cells = plan(study, config)
    reference = cells["reference", "thirty", "given.seed0"]
    # Two problems with all of eight responses each, where the subset would take sixteen, by both models.
    assert reference.cost.scored_tokens == 2 * 2 * 8 * 2000
    assert reference.cost.gpu_hours == pytest.approx(2 * 8 * 2000 * (1 / 1000 + 1 / 500) / HOUR)
    assert reference.cost.tokens == reference.cost.bytes == 0 and not reference.done
    assert cells["reference", "own", "given.seed0"].unknown


def sample_shard(path, lengths):
    frame = pd.DataFrame({"n_tokens": pd.array(lengths, dtype="Int32")})
    frame = frame.assign(problem_id="p", sample_index=range(len(lengths)), text="t")
    frame = frame.assign(token_ids=None, finish_reason="stop", logprob_sum=None)
    write_records(path, "sample", frame, {})


def test_results_tell_problems_shards_and_lengths(study_of, tmp_path):
    study = study_of(one=curve(group()))
    folder = tmp_path / "sample/base/thirty/warm.seed0"
    sample_shard(folder / "shard-0000.parquet", [10, 20, None])
    sample_shard(folder / "shard-0003.parquet", [60])
    sample_shard(tmp_path / "sample/told/thirty/warm.seed0/shard-0000.parquet", [None])
    sample_shard(tmp_path / "sample/base/thirty/renamed.seed0/shard-0000.parquet", [1])
    problems = pd.DataFrame({"problem_id": ["a", "b"], "domain": "math", "question": "q"})
    file = tmp_path / "benchmarks/own/problems.parquet"
    write_records(file, "problem", problems.assign(gold="1"), {})
    found = look(study, tmp_path)
    key = CellKey("base", "thirty", "warm.seed0")
    assert found.problems == {"own": 2}
    assert found.shards == {key: [0, 3], CellKey("told", *key[1:]): [0]}
    assert found.mean_tokens == {key: 30}


def test_the_miniature_knows_its_problems_before_anything_runs(config, tmp_path):
    found = look(load_study("miniature", config, SCHEMAS), tmp_path)
    assert found.problems["arith"] == 100 and found.problems["arith-train"] == 4000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["tokens"].update(default=0), r"costs\.yaml: tokens\.default: 0 is less than"),
        (lambda d: d["tokens"].pop("default"), r"tokens: missing the key 'default'"),
        (lambda d: d.update(rate=1), r"costs\.yaml: top level: unknown key 'rate'"),
        (
            lambda d: d["tokens"].update(models={"rll": 9}),
            r"costs\.yaml: tokens\.models: unknown model 'rll'\. Did you mean 'rl'",
        ),
        (
            lambda d: d["tokens"]["cells"]["rl"].update(hundert=9),
            r"costs\.yaml: tokens\.cells\.rl: unknown benchmark 'hundert'\. Did you mean 'hundred'",
        ),
        (lambda d: d["scoring_rate"]["models"].update(x=1), r"scoring_rate\.models: unknown model"),
    ],
)
def test_a_mistake_in_costs_is_told_with_file_and_key(study_of, config, change, message):
    study = study_of(one=curve(group()))
    edit(config / "costs.yaml", change)
    with pytest.raises(BoundaryError, match=message):
        load_costs(config, SCHEMAS, study.catalogue)


@pytest.mark.parametrize("name", ["miniature", "paper"])
def test_the_projects_own_costs_fit_its_catalogues(name):
    study = load_study(name, ROOT / "config", SCHEMAS)
    assert load_costs(ROOT / "config", SCHEMAS, study.catalogue).bytes_per_token > 0


def command(config, tmp_path, *arguments):
    given = ["--study", "mine", "--config", str(config), "--results", str(tmp_path / "results")]
    return main(["plan", *given, *arguments])


def write_problems(tmp_path, **benchmarks):
    for name, count in benchmarks.items():
        frame = pd.DataFrame({"problem_id": [f"p{i}" for i in range(count)], "domain": "math"})
        file = tmp_path / "results/benchmarks" / name / "problems.parquet"
        write_records(file, "problem", frame.assign(question="q", gold=json.dumps("1")), {})


def test_the_command_prints_a_table_and_writes_the_cells(study_of, config, tmp_path, capsys):
    study_of(
        one=curve(group(("base", "rl"), ("thirty", "own"))),
        two=curve(group(n=128)),
        late=curve(group(benchmarks=["hundred"]), by_name=True),
    )
    write_problems(tmp_path, thirty=30, hundred=100)
    sample_shard(tmp_path / "results/sample/rl/thirty/warm.seed0/shard-0000.parquet", [400])
    assert command(config, tmp_path, "--output", str(tmp_path / "plan.csv")) == 0
    said = capsys.readouterr().out
    rows = {line.split("  ")[0]: line.split() for line in said.splitlines()}
    assert rows["one"][1:4] == ["4", "0", "1"] and "30 + ?" in said
    # base 30 x 128 x 2000 + rl 30 x 64 x 400 = 8.4 million; with late 6.4 million more.
    default = "without those made by name alone"
    assert "8.4 million + ?" in next(line for line in said.splitlines() if default in line)
    assert "15 million + ?" in next(line for line in said.splitlines() if "in all" in line)
    assert "Made by name alone:\n  late\n" in said
    assert "  rl thirty warm.seed0: 32 of 64\n" in said
    assert "Nobody knows how many problems" in said and "\n  own: say `rows`" in said
    with (tmp_path / "plan.csv").open() as file:
        cells = {(row["model"], row["benchmark"]): row for row in csv.DictReader(file)}
    assert len(cells) == 5
    rl = cells["rl", "thirty"]
    assert (rl["samples"], rl["drawn"], rl["length"], rl["exhibits"]) == (
        "1920",
        "960",
        "measured",
        "one",
    )
    assert (float(rl["tokens"]), float(rl["tokens_left"])) == (1920 * 400, 960 * 400)
    assert float(rl["gpu_hours_left"]) == pytest.approx(960 * 400 / 50 / HOUR)
    assert cells["base", "thirty"]["exhibits"] == "one two"
    assert cells["base", "own"]["tokens"] == cells["base", "own"]["problems"] == ""


def test_one_figure_is_planned_by_its_name(study_of, config, tmp_path, capsys):
    study_of(one=curve(group()), two=curve(group(n=128)))
    write_problems(tmp_path, thirty=30)
    assert command(config, tmp_path, "one") == 0
    said = capsys.readouterr().out
    assert "\none " in said and "\ntwo " not in said
    assert "3.8 million" in next(line for line in said.splitlines() if "in all" in line)
    assert command(config, tmp_path, "onne", "--output", str(tmp_path / "plan.csv")) == 1
    told = capsys.readouterr().err
    assert "study mine: unknown figure, table or sheet 'onne'. Did you mean 'one'?" in told
    assert not (tmp_path / "plan.csv").exists()


def test_what_cannot_be_made_is_told_and_costs_nothing(study_of, config, tmp_path, capsys):
    study_of(one=curve(group(("base", "large"), n=128)), two=curve(group()), three=curve(group()))
    write_problems(tmp_path, thirty=30)
    edit(
        config / "models.yaml",
        lambda d: (
            d["large"].pop("hub"),
            d["large"].pop("revision"),
            d["large"].update(available=False, reason="Gone."),
        ),
    )
    assert command(config, tmp_path, "--output", str(tmp_path / "plan.csv")) == 0
    said = capsys.readouterr().out
    assert "Cannot be made, and is in no sum:\n  one: large is not available: Gone." in said
    assert "3.8 million" in next(line for line in said.splitlines() if "in all" in line)
    with (tmp_path / "plan.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["model"], row["n"], row["exhibits"]) == ("base", "64", "two three")


@pytest.mark.parametrize(
    ("number", "units", "text"),
    [
        (0, TOKENS, "0"),
        (999, TOKENS, "999"),
        (1_234_567_890, TOKENS, "1.2 billion"),
        (45_678_901, TOKENS, "46 million"),
        (1.94e12, BYTES, "1.9 TB"),
        (340.4, (), "340"),
        (12_345.6, (), "12,346"),
        (3.14, (), "3.1"),
        (0.04, (), "< 0.1"),
    ],
)
def test_numbers_are_for_reading(number, units, text):
    assert in_units(number, units) == text


@pytest.mark.parametrize(
    ("exhibit", "trained"),
    [
        ("table3", ["qwen2.5-7b-grpo-450: 450 steps on 8 GPUs"]),  # and steps of it
        ("fig18", ["grpo-450: 450", "grpo-n32: 220", "grpo-kl: 450"]),
        ("fig2", []),
    ],
)
def test_trainings_that_come_first_are_told(capsys, exhibit, trained):
    assert main(["plan", "--study", "paper", "--config", str(ROOT / "config"), exhibit]) == 0
    said = capsys.readouterr().out
    assert ("Trained first" in said) == bool(trained)
    assert all(line in said for line in trained)
    assert exhibit != "table3" or said.count(" GPUs at once") == 1
