"""The paper's study: what each figure and table samples, by its name, and what is left out."""

import re

import pytest
import yaml
from boundary.study.load import load_study
from config_files import ROOT, SCHEMAS
from conftest import Checkout

SIMPLERL = {
    "qwen2.5-7b": "qwen2.5-7b-simplerl",
    "qwen2.5-14b": "qwen2.5-14b-simplerl",
    "qwen2.5-32b": "qwen2.5-32b-simplerl",
    "llama-3.1-8b": "llama-3.1-8b-simplerl",
}
FOUR = [*SIMPLERL, *SIMPLERL.values()]
PAIR = ["qwen2.5-7b", "qwen2.5-7b-simplerl"]
RL = ["qwen2.5-7b-simplerl"]
STEPS = ["qwen2.5-7b", *(f"qwen2.5-7b-grpo-{steps}" for steps in (150, 300, 450))]
ALGORITHMS = ["ppo", "grpo-150", "reinforce-pp", "rloo", "remax", "dapo"]
SIX = ["qwen2.5-7b", *(f"qwen2.5-7b-{name}" for name in ALGORITHMS)]
ROLLOUTS = ["qwen2.5-7b", *(f"qwen2.5-7b-grpo-{name}" for name in ("450", "n32", "kl"))]
DEEP = ["omni-math-rule-train", "omni-math-rule-test", "math500"]
CODER = ["qwen2.5-7b-instruct-1m", "coder1-zero"]
VISUAL = ["qwen2.5-vl-7b", "qwen2.5-vl-7b-easyr1"]
PROBES = (0.6, 0.8, 1.0, 1.25, 1.5, 2.0)


def cells(models, benchmarks, n, sampling="standard"):
    """Number of samples of each problem by cell."""
    return {
        (model, benchmark, f"{sampling}.seed0"): n for model in models for benchmark in benchmarks
    }


def probes(benchmarks):
    """What finds a matched temperature: 8 responses at each that is tried."""
    found = {}
    for temperature in PROBES:
        found |= cells(RL, benchmarks, 8, f"matched.at{temperature:g}")
    return found


# What the paper's figures and tables show, by its captions and appendices: models, benchmarks, and the
# largest k of each curve.
FIG2 = {
    **cells(FOUR, ["aime24"], 1024),
    **cells(FOUR, ["math500", "minerva", "olympiad"], 128),
    **cells(["llama-3.1-8b", "llama-3.1-8b-simplerl"], ["olympiad"], 1024),
}
FIG17 = {
    **cells(PAIR, ["aime24", "amc23"], 1024),
    **cells(PAIR, ["gsm8k", "math500", "minerva", "olympiad"], 128),
    **probes(["aime24", "amc23", "gsm8k", "math500", "minerva", "olympiad"]),
    **cells(RL, ["aime24", "amc23"], 1024, "matched"),
    **cells(RL, ["gsm8k", "math500", "minerva", "olympiad"], 128, "matched"),
}
TABLE3 = cells(STEPS, DEEP, 256, "verl")
GUESSED = cells(["qwen2.5-7b"], ["aime24"], 1024, "direct")
FILTERED = {**cells(PAIR, ["aime24"], 1024), **GUESSED}
EXPECTED = {
    "fig1": cells(STEPS, ["omni-math-rule-train"], 256, "verl"),
    "fig2": FIG2,
    "fig3": cells(
        ["deepseek-r1-distill-qwen-14b", "deepcoder-14b"], ["livecodebench-2024-08"], 64, "long"
    ),
    "fig4_left": cells(CODER, ["humaneval-plus", "mbpp-plus"], 128, "evalplus"),
    "fig4_right": cells(VISUAL, ["mathvista", "mathvision"], 128),
    "fig5": cells(PAIR, ["minerva"], 128),
    "fig6": cells(PAIR, ["aime24"], 64),  # 16 of them are scored
    "fig7": cells(
        [
            "qwen2.5-math-7b",
            "qwen2.5-math-7b-oat-zero",
            "qwen2.5-math-7b-instruct",
            "deepseek-r1-distill-qwen-7b",
        ],
        ["minerva"],
        128,
    ),
    "fig8": cells(SIX, DEEP, 256, "verl"),
    "fig9": {**cells(FOUR, ["amc23"], 1024), **cells(FOUR, ["gsm8k"], 128)},
    "fig10": {
        **cells(["qwen2.5-math-7b", "qwen2.5-math-7b-oat-zero"], ["aime24"], 1024),
        **cells(["qwen2.5-32b", "dapo-qwen-32b"], ["aime24"], 1024, "dapo"),
    },
    "fig11": cells(CODER, ["livecodebench", "livecodebench-2024-08"], 128),
    "fig12": FILTERED,
    "fig13": {
        **cells(PAIR, ["aime24", "amc23"], 1024),
        **cells(PAIR, ["math500", "olympiad", "gsm8k"], 128),
    },
    "fig14": cells(SIX, DEEP, 256, "verl"),
    "fig15": cells(ROLLOUTS, DEEP, 256, "verl"),
    "fig16": {
        key: n
        for sampling in ("standard", "t1.0", "t1.2")
        for key, n in {
            **cells(PAIR, ["aime24"], 1024, sampling),
            **cells(PAIR, ["math500"], 128, sampling),
        }.items()
    },
    "fig17": FIG17,
    "fig18": {},
    "table2": cells(SIX, DEEP, 256, "verl"),
    "table3": TABLE3,
    "table4": cells(PAIR, ["aime24"], 1024),
    "table5": cells(CODER, ["livecodebench"], 128),
    "cot_gsm8k": cells(PAIR, ["gsm8k"], 128),
    "cot_aime24": FILTERED,
    "cot_visual": cells(VISUAL, ["mathvista", "mathvision"], 128),
}
SHARD_SIZES = {"long": 4, "direct": 256, "probe": 8}
OF_BENCHMARKS = {
    **{"aime24": 64, "amc23": 64, "gsm8k": 16, "olympiad": 16},
    "omni-math-rule-train": 8,
}
BY_BENCHMARK = (
    "standard",
    "verl",
    "matched",
    "t1.0",
    "t1.2",
)  # samplings whose shards differ by benchmark


def make_available(models):
    """An own checkpoint in the place of every model that was never released: one line for each."""
    for name, model in models.items():
        if model.get("available") is False and model["role"] != "reference":
            model["path"] = f"checkpoints/{name}"
            model["training"] |= {"metrics": "training.csv"}


def put_everything_in_place(checkout):
    """An own checkpoint and a log for every model that was never released."""
    checkout.edit("models.yaml", make_available)
    (checkout.path / "training.csv").write_text("")
    for name in yaml.safe_load((checkout.path / "config/models.yaml").read_text()):
        folder = checkout.path / "checkpoints" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The project as it is."""
    return Checkout.of_project(tmp_path_factory.mktemp("paper") / "project")


@pytest.fixture(scope="module")
def whole(released, tmp_path_factory):
    """The project with everything in place that nobody can have."""
    checkout = released.copy(tmp_path_factory.mktemp("whole") / "project")
    put_everything_in_place(checkout)
    return checkout


def drawn(output):
    """Samples of each problem by cell, of the shards that a dry run lists."""
    pattern = (
        r"Missing output files: results/paper/sample/([^/]+)/([^/]+)/([^/]+)/shard-\d{4}\.parquet"
    )
    shards = re.findall(pattern, output)
    found = {}
    for model, benchmark, sampling in shards:
        name = "probe" if ".at" in sampling else sampling.split(".seed")[0]
        key = (model, benchmark, sampling)
        sizes = {name: OF_BENCHMARKS.get(benchmark, 32)} if name in BY_BENCHMARK else SHARD_SIZES
        found[key] = found.get(key, 0) + sizes.get(name, 32)
    return found


def dry_run(checkout, *exhibits, check=True):
    return checkout.snakemake("-n", "--config", "study=paper", "--", *exhibits, check=check).stdout


@pytest.mark.parametrize("exhibit", EXPECTED)
def test_a_dry_run_of_an_exhibit_lists_exactly_its_cells(whole, exhibit):
    assert drawn(dry_run(whole, exhibit)) == EXPECTED[exhibit]


def test_figures_that_share_a_cell_share_its_samples(whole):
    both = drawn(dry_run(whole, "fig16", "fig17", "table4"))
    assert both == EXPECTED["fig16"] | EXPECTED["fig17"] | EXPECTED["table4"]


def test_what_cannot_be_made_is_left_out_and_says_so_by_its_name(released):
    output = dry_run(released)
    (told,) = re.findall(r"Left out, [^:]*: ([^.]*)\.", output)
    assert told.split(", ") == ["fig4_right", "cot_visual"]
    models = {model for model, *_ in drawn(output)}
    assert {*FOUR, "dapo-qwen-32b", "qwen2.5-math-7b"} <= models
    assert models >= {*CODER} and not models & {*STEPS[1:], *VISUAL}
    for name in ("fig4_right", "cot_visual"):
        refused = dry_run(released, name, check=False)
        assert f"{name} cannot be made" in refused and "was not released" in refused
        assert "line `path: FOLDER` in its entry" in refused
        assert refused.count("is not available") == 1


def trained(output):
    """Models that a dry run trains with VeRL."""
    return set(re.findall(r"Training (\S+) with VeRL", output))


def test_what_needs_models_to_be_trained_is_made_by_its_name_alone(released):
    assert not trained(dry_run(released))
    whole = "qwen2.5-7b-grpo-450"
    for exhibit in ("fig1", "table3", "table3_published"):  # two of three are steps of the third
        assert trained(dry_run(released, exhibit)) == {whole}
    for exhibit in ("fig8", "fig14", "table2", "table2_published"):
        assert trained(dry_run(released, exhibit)) == {whole, *SIX[1:]} - {"qwen2.5-7b-grpo-150"}
    assert trained(dry_run(released, "fig15")) == {*ROLLOUTS[1:]}
    others = {f"qwen2.5-7b-{name}" for name in ("ppo", "reinforce-pp")}
    assert trained(dry_run(released, "fig18")) == {*ROLLOUTS[1:], *others}


def test_a_training_saves_the_steps_that_are_models_and_takes_the_recipes_gpus(released):
    record = "results/paper/models/qwen2.5-7b-grpo-450/model.json"
    options = ("-n", "-p", "--config", "study=paper", "--resources", "gpu=8", "--", record)
    planned = released.snakemake(*options).stdout
    assert "--save-steps 150 300 --metrics" in planned and "gpu=8" in planned
    few = released.snakemake(*("gpu=4" if o == "gpu=8" else o for o in options), check=False)
    assert "qwen2.5-7b-grpo-450 takes 8 GPUs a job, more than --resources gpu=4" in few.stdout


def test_a_model_of_two_gpus_is_refused_where_there_is_one(released):
    # One job: of several that are refused, Snakemake may come to any first.
    shard = "results/paper/sample/qwen2.5-32b/aime24/dapo.seed0/shard-0000.parquet"

    def planned(gpus):
        options = ("-n", "--config", "study=paper", "--resources", f"gpu={gpus}", "--", shard)
        return released.snakemake(*options, check=False)

    refused = planned(1)
    assert refused.returncode == 1
    assert (
        "qwen2.5-32b takes 2 GPUs a job, more than --resources gpu=1: give gpu=2" in refused.stdout
    )
    assert planned(2).returncode == 0


# What the paper's section on its protocol says of every sampling, and what its figures change.
SAMPLINGS = {
    "standard": (0.6, 16384, None),
    "verl": (0.6, 16384, "verl"),
    "dapo": (0.6, 16384, "dapo"),
    "evalplus": (0.6, 16384, "evalplus"),
    "long": (0.6, 32768, None),
    "t1.0": (1.0, 16384, None),
    "t1.2": (1.2, 16384, None),
    "matched": (None, 16384, None),
    "direct": (0.6, 32, "simplerl-direct"),
}


def test_the_papers_samplings_have_its_settings():
    study = load_study("paper", ROOT / "config", SCHEMAS)
    found = {sampling.name: sampling for sampling in study.sampling.values()}
    assert {
        name: (found[name].temperature, found[name].max_tokens, found[name].template)
        for name in SAMPLINGS
    } == SAMPLINGS
    assert {sampling.top_p for sampling in found.values()} == {0.95}
    assert found["matched"].matching.sampling == "standard.seed0"
    two = study.subsets[study.exhibits["fig6"].subset]
    assert (two.problems, two.responses) == (2, 16)
    assert study.filters["guessed"].below == 0.05


def test_the_papers_claims_are_about_its_released_models():
    study = load_study("paper", ROOT / "config", SCHEMAS)
    claims = study.exhibits["claims"]
    asked = {(cell.model, cell.benchmark, cell.sampling): cell.n for cell in claims.cells}
    expected = {}
    for figure in ("fig2", "fig7", "fig9", "fig10", "fig17"):
        cells = study.exhibits[figure].cells
        expected |= {(cell.model, cell.benchmark, cell.sampling): cell.n for cell in cells}
    assert asked == expected


def test_exhibits_beside_the_papers_figures_sample_nothing_of_their_own():
    study = load_study("paper", ROOT / "config", SCHEMAS)
    drawn_of = {
        name: {(c.model, c.benchmark, c.sampling) for c in exhibit.cells}
        for name, exhibit in study.exhibits.items()
    }
    papers = set().union(*(drawn_of[name] for name in EXPECTED))
    assert set(EXPECTED) < set(drawn_of)
    assert all(cells <= papers for cells in drawn_of.values())
