"""What a study says of scores: subsets, matched temperatures, who scores whom; and what is refused."""

import pytest
import yaml
from boundary.errors import BoundaryError
from boundary.importing.jsonl import read as read_jsonl
from boundary.miniature.arithmetic import Expression, write_solution
from boundary.miniature.problems import draw_problems
from boundary.study import jobs
from boundary.study.load import load_study
from boundary.study.sources import sources
from config_files import ROOT, SCHEMAS, edit

OF_ENTRY = ("label", "family", "role", "base", "template")
CELL = {"model": "mini-grpo", "benchmark": "arith-long", "sampling": "matched.seed1"}


def load(config, change=lambda study: None, models=lambda models: None, study="miniature"):
    edit(config / f"studies/{study}.yaml", change)
    edit(config / "models.yaml", models)
    return load_study(study, config, SCHEMAS)


def paths(study, name):
    return [source.path for source in sources(study, study.exhibits[name])]


def test_figure_6_is_of_both_models_and_the_reference_under_both(config):
    study = load(config)
    found = sources(study, study.exhibits["fig_perplexity"])
    on_arith = [s.description for s in found if s.description["benchmark"] == "arith"]
    assert len(found) == 5 + 3  # there are no references for arith-long
    assert [(described["scorer"], described["model"]) for described in on_arith] == [
        ("mini-base", "mini-base"),
        ("mini-base", "mini-grpo"),
        ("mini-grpo", "mini-grpo"),
        ("mini-base", "mini-reference"),
        ("mini-grpo", "mini-reference"),
    ]
    assert found[1].path == (
        "analyse/mini-grpo/arith/standard.seed1/scored/scored/mini-base/boundary/perplexity.csv"
    )
    assert found[1].description["scorer_role"] == "base"
    first, _ = paths(study, "table_perplexity")
    assert first == (
        "analyse/mini-grpo/arith/standard.seed1/scored/scored/mini-base/boundary/against/"
        "standard.seed1/perplexity_quantile.csv"
    )


def test_the_claims_have_perplexities_of_models_sampled_as_their_bases(config):
    found = [path for path in paths(load(config), "claims") if "perplexity" in path]
    assert len(found) == 2 and all("/standard.seed1/scored/" in path for path in found)
    without = load(config, lambda d: d["tables"]["claims"].pop("subset"))
    assert not [path for path in paths(without, "claims") if "perplexity" in path]


def test_references_answer_the_prompts_of_the_models(config):
    with pytest.raises(BoundaryError, match="mini-reference answers the prompt template 'plain'"):
        load(config, models=lambda m: m["mini-reference"].update(template="plain"))


def test_scores_are_of_all_problems(config):
    def filtered(study):
        cells = study["figures"]["fig_entropy_matched"]["cells"]
        cells[0] = cells[0] | {"filter": "guessable"}

    with pytest.raises(BoundaryError, match="filter 'guessable', and scores are of all problems"):
        load(config, filtered)


def test_claim_9_is_about_the_sampling_that_was_matched_to(config):
    """And not about the first one that both models have."""

    def cool_first(study):
        cells = study["tables"]["claims_matched"]["cells"]
        study["tables"]["claims_matched"]["cells"] = [cells[0] | {"sampling": "cool"}, *cells]

    study = load(config, cool_first)
    exhibit = study.exhibits["claims_matched"]
    against = {
        (other.model, other.sampling)
        for cell, other in exhibit.pairs
        if cell.sampling == "matched.seed1"
    }
    assert against == {("mini-grpo", "standard.seed1"), ("mini-base", "standard.seed1")}
    told = [path for path in paths(study, "claims_matched") if path.endswith("entropy.csv")]
    assert told == [
        "analyse/mini-grpo/arith-long/matched.seed1/scored/scored/mini-grpo/entropy.csv"
    ]


def test_what_is_made_by_its_name_is_no_part_of_the_default_target(config):
    study = load(config)
    named = {name for name, exhibit in study.exhibits.items() if exhibit.by_name}
    figures, tables = (
        {"fig_temperature", "fig_entropy_matched"},
        {"table_entropy", "claims_matched"},
    )
    assert named == figures | tables | {"cot_arith"}


def test_curve_and_entropy_of_every_series_of_figure_17(config):
    study = load(config)
    found = sources(study, study.exhibits["fig_entropy_matched"])
    assert [source.description["statistic"] for source in found] == ["pass_at_k", "entropy"] * 3
    assert found[-1].path == (
        "analyse/mini-grpo/arith-long/matched.seed1/scored/scored/mini-grpo/entropy.csv"
    )
    assert found[-1].description["sampling_label"] == "matched"


def test_a_matched_sampling_is_probed_on_the_subset_alone(config):
    study = load(config)
    matched = study.sampling["matched.seed1"]
    assert matched.temperature is None
    probes = study.probes("matched.seed1")
    assert [probe.temperature for probe in probes] == list(matched.matching.temperatures)
    for probe in probes:
        assert study.sampling[probe.directory] is not None and probe.matching is None
        assert probe.top_p == matched.top_p and probe.max_tokens == matched.max_tokens
        assert probe.shard_size == study.subsets["scored"].responses
    probed = CELL | {"sampling": "matched.at1.25.seed1"}
    assert jobs.posed_problems(study, probed) == "benchmarks/arith-long/subsets/scored.parquet"
    assert jobs.posed_problems(study, CELL) == "benchmarks/arith-long/problems.parquet"
    assert jobs.target_scores(study, CELL) == (
        "score/mini-base/arith-long/standard.seed1/scored/mini-base.parquet"
    )
    assert jobs.probe_scores(study, CELL)[1] == (
        "score/mini-grpo/arith-long/matched.at1.25.seed1/scored/mini-grpo.parquet"
    )


def shards(study, model, sampling):
    job = {"model": model, "benchmark": "arith", "sampling": sampling, "subset": "scored"}
    return jobs.scored_shards(study, job, "sample/{model}")


def test_no_more_shards_are_scored_than_the_subset_needs_or_the_study_has(config):
    def change(study):
        study["subsets"]["scored"]["responses"] = 130

    study = load(config, change)
    assert shards(study, "mini-base", "standard.seed1") == [
        "sample/mini-base/shard-0000.parquet",
        "sample/mini-base/shard-0001.parquet",
    ]
    assert shards(study, "mini-reference", "reference.seed0") == [
        "sample/mini-reference/shard-0000.parquet"
    ]
    edit(config / "studies/miniature.yaml", lambda d: d["subsets"]["scored"].update(responses=16))
    assert len(shards(load(config), "mini-base", "standard.seed1")) == 1


def test_the_default_of_a_subset_is_all_problems_up_to_a_cap(config):
    study = load(config, lambda d: d["subsets"].update(mine={}))
    assert study.subsets["mine"].problems == 100 and study.subsets["mine"].responses == 16
    named = load(config, lambda d: d["subsets"].update(mine={"problems": ["arith/0001"]}))
    assert named.subsets["mine"].chosen == {"problems": ("arith/0001",), "seed": 0}


def test_a_temperature_is_the_papers_where_none_is_given(config):
    study = load(config, lambda d: d["sampling"].update(mine={}))
    assert study.sampling["mine.seed0"].temperature == 0.6
    assert study.sampling["mine.seed0"].label == "mine.seed0"


def set_match(**changes):
    return lambda d: d["sampling"]["matched"]["match"].update(changes)


def exhibit(kind, of="figures", **entry):
    group = {"models": ["mini-base", "mini-grpo"], "benchmarks": ["arith"], "sampling": "standard"}
    cells = [group | {"n": 128}]
    return lambda d: d[of].update(mine={"kind": kind, "cells": cells} | entry)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            set_match(sampling="standrad"),
            "match.sampling: unknown sampling 'standrad'. Did you mean",
        ),
        (set_match(subset="some"), "match.subset: unknown subset 'some'"),
        (set_match(sampling="matched"), "'matched' is matched itself"),
        (set_match(temperatures=[1.0, 0.5]), "expected ascending ones, each once"),
        (set_match(temperatures=[1.0]), r"temperatures: \[1.0\] is too short|should be non-empty"),
        (
            lambda d: d["sampling"]["matched"].update(temperature=1.0),
            "`temperature` beside `match`, which finds it",
        ),
        (
            lambda d: d["sampling"].update(warm=d["sampling"]["matched"]),
            "what matches 'standard' is called matched or matched.standard",
        ),
        (
            lambda d: d["sampling"].update({"matched.at1.25": {}}),
            "sampling.matched.at1.25: a probe of 'matched' has this name",
        ),
        (
            lambda d: d["figures"]["fig_entropy_matched"]["cells"].append(
                d["figures"]["fig_entropy_matched"]["cells"][1] | {"models": ["mini-base"]}
            ),
            "mini-base has no base",
        ),
        (exhibit("perplexity"), "perplexity is shown of scored responses; say of which"),
        (exhibit("entropy", "tables"), "entropy is shown of scored responses"),
        (exhibit("pass_at_k", subset="scored"), "subset: pass_at_k shows no scores; leave it out"),
        (exhibit("perplexity", subset="scord"), "unknown subset 'scord'. Did you mean 'scored'"),
        (
            lambda d: (
                d["subsets"]["scored"].update(responses=200)
                or exhibit("perplexity", subset="scored")(d)
            ),
            "takes 200 responses of each problem, and mini-base on arith has n = 128",
        ),
    ],
)
def test_mistakes_are_told_before_any_job(config, change, message):
    with pytest.raises(BoundaryError, match=message):
        load(config, change)


def served(api):
    endpoint = {"url": "https://host/v1", "model": "m", "api": api}

    def change(models):
        kept = {key: models["mini-grpo"][key] for key in OF_ENTRY}
        models["mini-grpo"] = kept | {"endpoint": endpoint}

    return change


def counted(models):
    kept = {key: models["mini-grpo"][key] for key in OF_ENTRY}
    files = {name: {"files": ["c.csv"], "format": "counts"} for name in ("arith", "arith-long")}
    models["mini-grpo"] = kept | {"counts": files}


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (served("chat"), "whose server lays out prompts that nobody knows here"),
        (served("completions"), "mini-grpo would score responses, and its weights are not here"),
        (
            lambda models: models["mini-grpo"].update(score_engine="vllm"),
            "scored with vllm, which tells no entropy",
        ),
    ],
)
def test_models_that_cannot_score_or_be_scored_are_told(config, models, message):
    with pytest.raises(BoundaryError, match=message):
        load(config, models=models)


def test_vllm_scores_nothing_behind_pictures(config):
    edit(config / "models.yaml", lambda m: m["mini-vl-base"].update(score_engine="vllm"))
    with pytest.raises(
        BoundaryError, match=r"fig_perplexity: the problems of arith-visual have pictures.*vLLM"
    ):
        load_study("miniature-visual", config, SCHEMAS)


def test_pictures_are_scored_as_large_as_they_are_sampled(config):
    def limit(models):
        models["mini-vl-base"].update(max_pixels=6272)
        models["mini-vl-grpo"].update(max_pixels=3136)

    edit(config / "models.yaml", limit)
    with pytest.raises(
        BoundaryError, match=r"mini-vl-base has max_pixels 6272 and mini-vl-grpo 3136.*give both"
    ):
        load_study("miniature-visual", config, SCHEMAS)


def test_claims_about_counts_alone_have_no_perplexity(config):
    def only_claims(study):
        study["figures"] = {}
        study["tables"] = {"claims": study["tables"]["claims"]}
        study["tables"]["claims"]["cells"] = study["tables"]["claims"]["cells"][:1]

    with pytest.raises(
        BoundaryError, match="of mini-grpo there are counts alone, and no responses"
    ):
        load(config, only_claims, counted)


def test_a_models_entry_says_how_it_is_scored(config):
    study = load(
        config, models=lambda m: m["mini-base"].update(score_megabytes=64, dtype="bfloat16")
    )
    model = study.catalogue.models["mini-base"]
    assert model.scoring_arguments == ["--engine=transformers", "--dtype=bfloat16"]
    assert model.scoring_memory_arguments == ["--gpus=0", "--megabytes=64"]
    assert model.scoring_environment == "sample"


def twin(name, **changes):
    """A second model, trained as mini-grpo was."""
    return lambda models: models.update({name: models["mini-grpo"] | changes})


def with_models(kind, *names, of="figures"):
    group = {"models": list(names), "benchmarks": ["arith"], "sampling": "standard", "n": 128}
    return exhibit(kind, of, subset="scored", cells=[group])


def test_perplexities_of_a_panel_are_under_one_base(config):
    def two_bases(models):
        models["other-base"] = models["mini-base"]
        models["other"] = models["mini-grpo"] | {"base": "other-base"}

    every = ("mini-base", "mini-grpo", "other-base", "other")
    with pytest.raises(BoundaryError, match="mini-base and other-base are bases of one family"):
        load(config, with_models("perplexity", *every), two_bases)


def test_two_models_of_one_training_are_no_two_checkpoints(config):
    names = ("mini-base", "mini-grpo", "again")
    with pytest.raises(BoundaryError, match="mini-grpo and again are the same training after"):
        load(config, with_models("perplexity_by_step", *names), twin("again", label="again"))


def test_the_target_of_a_matched_temperature_does_not_depend_on_n(config):
    study = load(config, lambda d: d["subsets"]["scored"].update(responses=200))
    job = {"model": "mini-base", "benchmark": "arith-long", "sampling": "cool.seed1"}
    shards = jobs.scored_shards(study, job | {"subset": "scored"}, "sample")
    assert len(shards) == 2 and study.sampling["cool.seed1"].shard_size == 128  # it has n = 128


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"score_engine": "vllm"}, "matches the entropy.*which tells no entropy"),
        ({"gpus": 2, "engine": "vllm"}, "would score responses on 2 GPUs, which only vllm can"),
    ],
)
def test_a_matched_sampling_needs_entropies_whatever_shows_it(config, settings, message):
    def only_curves(study):
        group = {"models": ["mini-grpo"], "benchmarks": ["arith"], "sampling": "matched", "n": 128}
        study["figures"] = {"mine": {"kind": "pass_at_k", "cells": [group]}}
        study["tables"] = {}

    with pytest.raises(BoundaryError, match=message):
        load(config, only_curves, lambda models: models["mini-base"].update(settings))


def test_a_filter_may_not_ask_a_base_at_its_own_entropy(config):
    with pytest.raises(BoundaryError, match=r"filters.guessable: .*mini-base has no base"):
        load(config, lambda d: d["filters"]["guessable"].update(sampling="matched"))


def test_a_reference_comes_of_no_base(config):
    with pytest.raises(BoundaryError, match="`base` beside the role reference"):
        load(config, models=lambda m: m["mini-reference"].update(base="mini-base"))


def test_filtered_claims_and_distilled_models_are_not_scored(config):
    def filtered(study):
        group = study["tables"]["claims"]["cells"][0] | {"filter": "guessable"}
        study["tables"]["claims"]["cells"].append(group)

    found = [path for path in paths(load(config, filtered), "claims") if "perplexity" in path]
    assert len(found) == 2 and not any("guessable" in path for path in found)
    distilled = load(config, models=lambda m: m["mini-grpo"].update(role="distilled"))
    assert not [path for path in paths(distilled, "claims") if "perplexity" in path]


def test_the_table_of_quantiles_asks_nothing_of_the_models_weights(config):
    def only_the_table(study):
        study["tables"] = {"table_perplexity": study["tables"]["table_perplexity"]}
        study["figures"] = {}

    study = load(config, only_the_table, served("completions"))
    assert len(paths(study, "table_perplexity")) == 2


def test_every_series_of_figure_17_has_its_entropy(config):
    def two_verifiers(study):
        for group in study["figures"]["fig_entropy_matched"]["cells"]:
            group["verifiers"] = ["boundary", "published"]
        study["tables"] = {}

    study = load(config, two_verifiers)
    found = sources(study, study.exhibits["fig_entropy_matched"])
    told = [s.description["verifier"] for s in found if s.description["statistic"] == "entropy"]
    assert sorted(told) == ["boundary"] * 3 + ["published"] * 3


def test_perplexity_by_step_asks_each_model_once_with_its_steps(config):
    study = load(config, exhibit("perplexity_by_step", subset="scored"))
    found = sources(study, study.exhibits["mine"])
    told = [(s.description["model"], s.description["steps"], s.description["run"]) for s in found]
    assert told == [("mini-base", 0, ""), ("mini-grpo", 240, "grpo, 8 rollouts")]
    assert {source.description["scorer"] for source in found} == {"mini-base"}


def test_a_checkpoint_without_its_steps_has_no_place_among_them(config):
    def imported(models):
        kept = {key: models["mini-grpo"][key] for key in OF_ENTRY}
        models["mini-grpo"] = kept | {"path": "/data/checkpoint"}

    with pytest.raises(
        BoundaryError, match=r"after how many steps mini-grpo.*training: \{steps: 100"
    ):
        load(config, exhibit("perplexity_by_step", subset="scored"), imported)


def test_the_papers_figures_have_all_their_cells(config):
    study = load(config, study="paper")
    cells = study.exhibits["fig17"].cells
    benchmarks = {"aime24", "amc23", "gsm8k", "math500", "minerva", "olympiad"}
    series = {(cell.model, cell.sampling) for cell in cells}
    assert {cell.benchmark for cell in cells} == benchmarks and len(cells) == 3 * 6
    assert series == {
        ("qwen2.5-7b", "standard.seed0"),
        ("qwen2.5-7b-simplerl", "standard.seed0"),
        ("qwen2.5-7b-simplerl", "matched.seed0"),
    }
    sweep = study.exhibits["fig16"].cells
    assert len(sweep) == 2 * 2 * 3
    assert {study.sampling[cell.sampling].temperature for cell in sweep} == {0.6, 1.0, 1.2}
    assert study.subsets[study.exhibits["fig6"].subset].responses == 16
    for figure in ("fig6", "fig16", "fig17"):
        samplings = [study.sampling[cell.sampling] for cell in study.exhibits[figure].cells]
        assert {(s.top_p, s.max_tokens) for s in samplings} == {(0.95, 16384)}


def test_the_reference_solutions_are_those_of_an_author_who_knows_precedence():
    world = yaml.safe_load((ROOT / "config/benchmarks.yaml").read_text())["arith"]["generate"]
    problems = draw_problems(
        "arith", tuple(world["operands"]), world["problems"], world["partition"], world["seed"]
    )
    found = {r.problem_id: r for r in read_jsonl(ROOT / "config/examples/arith-solutions.jsonl")}
    assert list(found) == list(problems["problem_id"])
    for name, question in zip(problems["problem_id"], problems["question"], strict=True):
        symbols = [symbol for symbol in question if symbol in "+-*"]
        operands = question.translate(str.maketrans("+-*", "   ")).split()
        expression = Expression(tuple(map(int, operands)), tuple(symbols))
        (text,) = found[name].texts
        assert text == write_solution(expression, "precedence")
