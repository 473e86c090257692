import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from boundary.claims.evidence import read_pairs
from boundary.claims.findings import above, below, within
from boundary.claims.judgement import judge
from boundary.claims.pairs import pairs_to_compare
from boundary.claims.report import COLUMNS, to_json, to_table
from boundary.claims.training import Training
from boundary.estimation.comparison import compare
from boundary.estimation.coverage import pair_counts
from boundary.study.study import Cell

# How often 200 problems are solved: by a base, and by models that came from it.
BASE = np.linspace(0.06, 0.5, 200)
SHARPENED = np.where(BASE > 0.2, 1.0, 0.0)  # more at once, less in many samples
BETTER = np.linspace(0.55, 0.9, 200)


def side(model, role="rlvr", sampling="standard.seed1", n=128, **training):
    base = None if role == "base" else "base"
    return {
        "model": model, "benchmark": "sums", "sampling": sampling, "n": n, "verifier": "boundary",
        "label": model, "family": "f", "role": role, "benchmark_label": "Sums",
        "base_of_model": base, "algorithm": None, "steps": None, "rollouts": None, "kl": None,
    } | training  # fmt: skip


def counts(chances, n, seed):
    correct = np.random.default_rng(seed).binomial(n, chances)
    names = [str(number) for number in range(len(chances))]
    return pd.DataFrame({"problem_id": names, "n": n, "correct": correct})


def measured(model, other, n=128):
    """What the real comparison measures of models with known chances."""
    pairs = pair_counts(counts(other, n, 1), counts(model, n, 2), common_only=False)
    table = compare(pairs, resamples=100, level=0.95, seed=0).measures
    return {name: tuple(values) for name, *values in table.itertuples(index=False)}


def evidence(*pairs):
    """A table of (model, other, measures), as the study writes it."""
    rows = [
        {**model, **{f"other_{name}": told for name, told in other.items()}}
        | {"measure": measure, "value": value, "low": low, "high": high}
        for model, other, measures in pairs
        for measure, (value, low, high) in measures.items()
    ]
    columns = [
        *side("m"),
        *(f"other_{name}" for name in side("m")),
        "measure",
        "value",
        "low",
        "high",
    ]
    return pd.DataFrame(rows, columns=columns)


def answers(*pairs):
    return {answer.number: answer for answer in judge(evidence(*pairs))}


def outcome(number, *pairs):
    return answers(*pairs)[number].answer


B, RL = side("base", "base"), side("rl", algorithm="grpo", steps=100, rollouts=8)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("model", "base", "expected"),
    [
        (SHARPENED, BASE, "supported"),
        (BASE, SHARPENED, "contradicted"),
        # Half of the problems each, so that nothing differs in truth and nothing can be told.
        (np.tile([0.0, 0.0, 1.0, 1.0], 10), np.tile([0.0, 1.0, 0.0, 1.0], 10), "undecided"),
    ],
)
def test_a_model_that_is_sharper_than_its_base(number, model, base, expected):
    found = answers((RL, B, measured(model, base)))[number]
    if number == 3 and expected == "undecided":
        expected = "contradicted"  # of half of what it solves its base solves nothing
    assert found.answer == expected
    # What a model solves only now and then contradicts no claim of subsets.
    open_too = {"undecided"} if number == 3 and expected == "contradicted" else set()
    assert {finding.answer for finding in found.findings} == {expected} | open_too
    assert len(found.findings) == (2 if number in (3, 4) else 1)


def test_a_subset_of_few_problems_is_undecided():
    """The paper's table 4: of the 19 that the RLVR model solves the base solves all."""
    base, model = np.repeat([1.0, 0.0], [23, 7]), np.repeat([1.0, 0.0], [19, 11])
    for finding in answers((RL, B, measured(model, base)))[3].findings:
        assert finding.effect == 1 and finding.low < 0.9 and finding.answer == "undecided"


def test_models_that_are_the_same_are_subsets_of_each_other():
    """Rarely solved problems are missing in the one's samples or the other's by chance."""
    chances = np.random.default_rng(0).beta(0.2, 5, 500)
    found = answers((RL, B, measured(chances, chances, n=64)))[3]
    assert found.answer == "undecided"
    ratios = {finding.measured: finding for finding in found.findings}
    often, ever = ratios.values()
    assert often.effect > 0.97 and ever.effect < 0.9 and ever.answer == "undecided"


def test_few_samples_decide_nothing_of_many():
    few = measured(SHARPENED, BASE, n=32)
    assert few["difference_at_largest_k"][2] < 0
    for pair, at_once in (((SHARPENED, BASE), "supported"), ((BASE, SHARPENED), "contradicted")):
        found = answers((RL, B, measured(*pair, n=32)))
        assert found[1].answer == at_once
        for number in (2, 3, 4):
            assert found[number].answer == "undecided"
            assert all("k = 32" in finding.note for finding in found[number].findings)


def test_one_sample_says_nothing_of_every_k():
    distilled = side("d", "distilled")
    assert outcome(8, (distilled, B, measured(BETTER, BASE, n=1))) == "undecided"
    assert outcome(8, (distilled, B, measured(BASE, BETTER, n=1))) == "contradicted"


def test_solved_in_different_numbers_of_samples_is_undecided():
    uneven = measured(SHARPENED, BASE) | {"base_judged": (128, 128, 1024)}
    found = answers((RL, B, uneven))
    assert [found[number].answer for number in (1, 2, 3, 4)] == ["supported"] * 2 + [
        "undecided"
    ] * 2
    assert "more samples of one" in found[3].findings[0].note


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.2, 0.4, "supported"),
        (0.6, 0.8, "contradicted"),
        (0.3, 0.5, "undecided"),
        (0.5, 0.7, "undecided"),
        (math.nan, math.nan, "undecided"),
    ],
)
def test_perplexity_lies_in_the_lower_half(low, high, expected):
    assert outcome(5, (RL, B, {"perplexity_quantile": (0.3, low, high)})) == expected


def test_without_perplexity_its_claim_is_not_tested():
    found = answers((RL, B, measured(SHARPENED, BASE)))[5]
    assert (found.answer, found.findings) == ("not tested", ())
    assert "perplexities" in found.why


def algorithms(one, other, base=BASE, **measures):
    ppo = RL | {"model": "ppo", "algorithm": "ppo"}
    return (
        (RL, ppo, measured(one, other)),
        (RL, B, measured(one, base) | measures),
        (ppo, B, measured(other, base) | measures),
    )


def at_256(difference, low, high):
    return {"delta_se": (difference, low, high), "delta_se_k": (256, math.nan, math.nan)}


def test_algorithms_differ_little_and_stay_far_behind():
    alike = np.full(200, 0.4)
    far = at_256(50, 45, 55)
    assert outcome(6, *algorithms(alike, alike, **far)) == "supported"
    assert outcome(6, *algorithms(alike + 0.2, alike, **far)) == "contradicted"
    assert outcome(6, *algorithms(alike, alike + 0.2, **far)) == "contradicted"
    assert outcome(6, *algorithms(alike + 0.05, alike, **far)) == "undecided"
    assert outcome(6, *algorithms(alike, alike, **at_256(30, 25, 35))) == "contradicted"
    assert outcome(6, *algorithms(alike, alike, **at_256(40, 35, 45))) == "undecided"
    # The base's pass@128 is less than its pass@256, and the gap with it.
    close = at_256(30, 25, 35) | {"delta_se_k": (128, math.nan, math.nan)}
    assert outcome(6, *algorithms(alike, alike, **close)) == "undecided"


def test_the_gap_is_asked_of_compared_algorithms_alone():
    far, longer = measured(SHARPENED, BASE) | at_256(20, 15, 25), RL | {"model": "x", "steps": 900}
    assert outcome(6, (longer, B, far)) == "not tested"
    alike = np.full(200, 0.4)
    pairs = algorithms(alike, alike, **at_256(50, 45, 55))
    assert outcome(6, *pairs, (longer, B, far)) == "supported"
    assert outcome(6, pairs[0]) == "undecided"  # the gap itself was not measured
    assert "not tested without these two models' base" in answers(pairs[0])[6].why
    assert outcome(6, *pairs[1:]) == "not tested"


def after(steps):
    return RL | {"model": f"rl-{steps}", "steps": steps}


def differences(at_1, at_many, k=256):
    """Measures with intervals of 0.02 around two differences."""
    return {
        "difference_at_1": (at_1, at_1 - 0.01, at_1 + 0.01),
        "difference_at_largest_k": (at_many, at_many - 0.01, at_many + 0.01),
        "largest_k": (k, math.nan, math.nan),
    }


def test_more_training_sharpens():
    early, late = np.where(BASE > 0.2, 0.5, 0.3), SHARPENED
    pair = after(300), after(100), measured(late, early)
    found = answers(pair)[7]
    assert found.answer == "supported" and len(found.findings) == 2
    assert outcome(7, (after(300), after(100), measured(early, late))) == "contradicted"
    assert outcome(7, (after(100), after(300), measured(early, late))) == "not tested"


def test_neighbours_need_not_be_told_apart_and_may_contradict():
    risen, still = differences(0.1, -0.1), differences(0.0, 0.0)
    neighbours = (after(200), after(100), still), (after(300), after(200), still)
    found = answers(*neighbours, (after(300), after(100), risen))[7]
    assert found.answer == "supported" and len(found.findings) == 2
    assert {finding.cells.count("rl-300") for finding in found.findings} == {1}
    fallen = neighbours[0], (after(300), after(200), differences(-0.1, -0.1))
    found = answers(*fallen, (after(300), after(100), risen))[7]
    assert [finding.answer for finding in found.findings] == ["contradicted", "supported"]
    assert "rl-200" in found.findings[0].cells


def test_runs_are_judged_each_by_itself():
    other = (after(200) | {"algorithm": "ppo"}, after(100) | {"algorithm": "ppo"})
    pairs = (after(200), after(100), differences(0.1, -0.1)), (*other, differences(-0.1, 0.1))
    assert [f.answer for f in answers(*pairs)[7].findings] == ["supported", "contradicted"] * 2


def test_a_distilled_model_is_above_at_every_k():
    teacher = side("distilled", "distilled")
    above = {"least_difference": (0.1, 0.05, 0.2)}
    assert outcome(8, (teacher, B, above | {"largest_k": (64, 64, 64)})) == "supported"
    assert outcome(8, (teacher, B, above | {"largest_k": (63, 63, 63)})) == "undecided"
    assert outcome(8, (teacher, B, measured(SHARPENED, BASE))) == "contradicted"
    assert outcome(8, (teacher, B, measured(BASE, BASE))) == "undecided"
    found = answers((teacher, B, measured(SHARPENED, BASE)))
    assert [found[number].answer for number in (1, 2, 3, 4)] == ["not tested"] * 4


HOT = RL | {"sampling": "matched.seed1"}


def matched(itself, base, before, k=256):
    return (
        (HOT, RL, differences(0, itself, k)),
        (HOT, B, differences(0, base, k)),
        (RL, B, differences(0, before, k)),
    )


@pytest.mark.parametrize(
    ("itself", "base", "before", "expected"),
    [
        (0.1, -0.1, -0.2, "supported"),
        (-0.1, -0.3, -0.2, "contradicted"),  # wider
        (0.3, 0.1, -0.2, "contradicted"),  # closed, and more
        (0.2, 0.0, -0.2, "undecided"),
        (0.1, 0.3, 0.2, "undecided"),  # no gap before
    ],
)
def test_matched_entropy_narrows_the_gap(itself, base, before, expected):
    assert outcome(9, *matched(itself, base, before)) == expected
    assert outcome(9, *matched(itself, base, before)[:2]) == "not tested"


@pytest.mark.parametrize(("reached", "expected"), [(1.0, "supported"), (0.0, "undecided")])
def test_a_temperature_that_did_not_reach_the_entropy_decides_nothing(reached, expected):
    itself, base, before = matched(0.1, -0.1, -0.2)
    told = {"reached": (reached, math.nan, math.nan)}
    found = answers((*itself[:2], itself[2] | told), base, before)[9]
    assert found.answer == expected and len(found.findings) == 2
    notes = {finding.note for finding in found.findings}
    assert any("no temperature reached" in note for note in notes) == (not reached)


def test_matched_entropy_with_real_comparisons():
    spread = np.where(BASE > 0.2, 0.9, np.where(BASE > 0.1, 0.3, 0))
    models = {"hot": spread, "cold": SHARPENED, "base": BASE}
    pairs = (HOT, RL, "hot", "cold"), (HOT, B, "hot", "base"), (RL, B, "cold", "base")
    found = answers(*((a, b, measured(models[c], models[d])) for a, b, c, d in pairs))[9]
    assert found.answer == "supported" and len(found.findings) == 2
    no_gap = answers(*matched(0.1, 0.3, 0.2))[9]
    assert "no gap is established" in no_gap.findings[0].note


def test_kl_keeps_pass_at_1_and_rollouts_raise_the_end():
    kl, more = RL | {"model": "kl", "kl": 0.001}, RL | {"model": "more", "rollouts": 32}
    lowered, raised = (kl, RL, differences(0.0, -0.1)), (more, RL, differences(0.0, 0.1))
    assert outcome(10, lowered, raised) == "supported"
    assert outcome(10, lowered) == outcome(10, raised) == "undecided"
    assert "rollouts" in answers(lowered)[10].why and "KL" in answers(raised)[10].why
    assert outcome(10, (kl, RL, differences(0.1, -0.1)), raised) == "contradicted"
    assert outcome(10, (kl, RL, differences(0.045, -0.1)), raised) == "undecided"
    assert outcome(10, lowered, (more, RL, differences(0.0, -0.1))) == "contradicted"
    assert outcome(10, lowered, (more, RL, differences(0.0, -0.1, k=32))) == "undecided"
    shorter = more | {"steps": 50}
    found = answers(lowered, (shorter, RL, differences(0.0, 0.1)))[10]
    assert found.answer == "supported"
    assert found.findings[-1].note == "k = 256; steps differ: 50 and 100"


def test_no_estimate_decides_without_its_interval():
    """However large the effect, an interval that holds the limit, or none, leaves the claim open."""
    rules = above(0), below(0), within(0.05), above(0.9)
    for rule in rules:
        assert rule.decide(-1, 1) == rule.decide(math.nan, math.nan) == "undecided"
    assert above(0).decide(0, 1) == below(0).decide(-1, 0) == "undecided"
    assert within(0.05).decide(-0.05, 0.04) == within(0.05).decide(0.05, 0.1) == "undecided"


def test_one_contradiction_contradicts_and_one_doubt_leaves_open():
    other = RL | {"benchmark": "products"}
    good, bad, open_ = (
        {"difference_at_1": ends} for ends in ((1, 0.5, 1), (-1, -1, -0.5), (0.1, -0.1, 0.3))
    )
    assert outcome(1, (RL, B, good), (other, B, good)) == "supported"
    assert outcome(1, (RL, B, good), (other, B, open_)) == "undecided"
    assert outcome(1, (RL, B, good), (other, B, bad)) == "contradicted"
    assert answers((RL, B, good), (other, B, open_))[1].why == "1 supported, 1 undecided"
    assert {answer.answer for answer in judge(evidence())} == {"not tested"}
    assert all(answer.why.startswith("not tested without") for answer in judge(evidence()))


def test_differently_sampled_cells_say_nothing_of_two_models():
    hot = RL | {"sampling": "hot.seed1"}
    reseeded = RL | {"sampling": "standard.seed2"}
    assert outcome(1, (hot, B, differences(0.5, 0))) == "not tested"
    assert outcome(1, (reseeded, B, differences(0.5, 0))) == "supported"


def test_evidence_is_read_from_a_file_as_from_memory(tmp_path):
    table = evidence((RL, B, differences(0.1, -0.1)), (after(300), RL, differences(0.1, -0.1)))
    table.to_csv(tmp_path / "evidence.csv", index=False)
    read, kept = read_pairs(pd.read_csv(tmp_path / "evidence.csv")), read_pairs(table)
    assert [(pair.model, pair.other, pair.judged) for pair in read] == [
        (pair.model, pair.other, pair.judged) for pair in kept
    ]
    assert read[0].model.training == Training("base", "grpo", 100, 8, 0)
    assert read[0].other.training == Training()
    assert read[0].measures["difference_at_1"] == kept[0].measures["difference_at_1"]


def test_answers_for_machines_and_for_readers():
    measures = measured(SHARPENED, BASE) | {"perplexity_quantile": (0.2, -math.inf, math.nan)}
    found = judge(evidence((RL, B, measures)))
    document = json.loads(json.dumps(to_json(found), allow_nan=False))
    assert [claim["number"] for claim in document["claims"]] == list(range(1, 11))
    (finding,) = document["claims"][4]["findings"]
    assert (finding["effect"], finding["low"], finding["high"]) == (0.2, None, None)
    assert document["claims"][0]["answer"] == "supported"
    assert document["claims"][0]["findings"][0]["cells"] == (
        "rl (standard.seed1, n = 128) against base (standard.seed1, n = 128) on sums"
    )
    table = to_table(found)
    assert tuple(table.columns) == COLUMNS and table["claim"].nunique() == 10
    first, second = table[table["claim"] == "4"].to_dict("records")
    assert first["answer"] == "supported" and first["why"] == "2 supported"
    assert (second["statement"], second["answer"], second["finding"]) == ("", "", "supported")
    low, high = (f"{measures['at_accuracy_1'][end]:.3f}" for end in (1, 2))
    assert first["effect"].endswith(f"[{low}, {high}]")
    assert not table.isna().any(axis=None)


# The pairs that the claims need.


def model(role, base=None, **training):
    return SimpleNamespace(role=role, base=base, family="f", training=training)


MODELS = {
    "base": model("base"),
    "grpo": model("rlvr", "base", algorithm="grpo", steps=100, rollouts=8),
    "grpo-later": model("rlvr", "base", algorithm="grpo", steps=300, rollouts=8),
    "ppo": model("rlvr", "base", algorithm="ppo", steps=100, rollouts=8),
    "kl": model("rlvr", "base", algorithm="grpo", steps=300, rollouts=8, kl=0.001),
    "rollouts": model("rlvr", "base", algorithm="grpo", steps=200, rollouts=32),
    "instruct": model("instruct", "base"),
    "instruct-rl": model("rlvr", "instruct", algorithm="grpo", steps=100, rollouts=8),
    "stranger": model("rlvr", algorithm="grpo", steps=100),
    "stranger-later": model("rlvr", algorithm="grpo", steps=300),
}


def cells(*names, **changes):
    parts = {"benchmark": "b", "sampling": "s.seed0", "n": 8} | changes
    return [Cell(name, **parts) for name in names]


def named(pairs):
    return {(first.model, second.model) for first, second in pairs}


def test_every_model_meets_its_nearest_base_and_its_variants():
    assert named(pairs_to_compare(cells(*MODELS), MODELS)) == {
        *((name, "base") for name in MODELS if name not in ("base", "stranger", "stranger-later")),
        ("grpo-later", "grpo"),
        ("ppo", "grpo"),
        ("kl", "grpo-later"),
        ("rollouts", "grpo-later"),  # no equal steps: the last of each
    }


def test_rollouts_are_compared_after_equal_steps_where_there_are_any():
    models = MODELS | {
        "rollouts-100": model("rlvr", "base", algorithm="grpo", steps=100, rollouts=32)
    }
    pairs = named(pairs_to_compare(cells(*models), models))
    assert ("rollouts-100", "grpo") in pairs
    assert not {("rollouts", "grpo"), ("rollouts", "grpo-later")} & pairs


def test_only_the_same_problems_judged_alike_are_compared():
    drawn = [*cells("base"), *cells("grpo", benchmark="c")]
    assert pairs_to_compare(drawn, MODELS) == []
    drawn = [*cells("base", sampling="hot.seed0"), *cells("grpo")]
    assert pairs_to_compare(drawn, MODELS) == []
    filtered = cells("base", "grpo", verifier="boundary/guessable")
    opinions = cells("base", "grpo", verifier="published")
    own = cells("base", "grpo")
    expected = [tuple(filtered[::-1]), tuple(own[::-1])]
    assert pairs_to_compare([*filtered, *opinions, *own], MODELS) == expected
    assert pairs_to_compare([*filtered, *own, *opinions], MODELS) == expected
    assert pairs_to_compare(opinions, MODELS) == [tuple(opinions[::-1])]
    mixed = [*cells("base"), *cells("grpo", verifier="boundary/guessable")]
    assert pairs_to_compare(mixed, MODELS) == []


def test_the_same_seed_is_preferred_and_the_largest_n_that_both_have():
    drawn = [
        *cells("base", sampling="s.seed1"),
        *cells("base", n=8),
        *cells("base", n=32),
        *cells("grpo", n=8),
        *cells("grpo", n=16),
    ]
    ((first, second),) = pairs_to_compare(drawn, MODELS)
    assert (first.n, second.n, second.sampling) == (8, 8, "s.seed0")
    ((first, second),) = pairs_to_compare([drawn[2], drawn[4]], MODELS)
    assert (first.n, second.n) == (16, 32)
    ((first, second),) = pairs_to_compare([drawn[0], drawn[4]], MODELS)
    assert (first.sampling, second.sampling) == ("s.seed0", "s.seed1")
    assert pairs_to_compare(drawn * 2, MODELS) == pairs_to_compare(drawn, MODELS)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("matched", "s.seed0"), ("matched.b", "s.seed0"), ("matched.hot", "hot.seed0")],
)
def test_a_matched_sampling_meets_itself_and_its_base_as_they_were(name, plain):
    directory = f"{name}.seed0"
    drawn = [
        *cells("base", "grpo", sampling=directory),
        *cells("base", "grpo"),
        *cells("base", "grpo", sampling="hot.seed0"),
    ]
    pairs = [
        (second.model, second.sampling)
        for first, second in pairs_to_compare(drawn, MODELS)
        if first.sampling == directory
    ]
    assert pairs == [("base", directory), ("grpo", plain), ("base", plain)]


def test_what_is_paired_is_what_is_judged():
    """Evidence of the pairs that a study asks for tests every claim that it can."""
    models = MODELS | {"distilled": model("distilled", "base")}
    drawn = [*cells(*models, n=256), *cells("grpo", sampling="matched.seed0", n=256)]

    def described(cell):
        entry = models[cell.model]
        told = {"role": entry.role, "base_of_model": entry.base, **entry.training}
        return side(cell.model) | told | {"sampling": cell.sampling, "n": cell.n}

    measures = measured(SHARPENED, BASE) | {"perplexity_quantile": (0.2, 0.1, 0.3)}
    pairs = pairs_to_compare(drawn, models)
    found = answers(*((described(a), described(b), measures) for a, b in pairs))
    assert "not tested" not in {answer.answer for answer in found.values()}
    assert not any("not tested" in answer.why for answer in found.values())
