import math
from itertools import chain, product

import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.estimation.agreement import compare_verdicts, describe_agreement
from boundary.verification.verdict import UNJUDGED, VERDICTS

GOLDS = {"a": '"11"', "b": '["1", "2"]', "c": '"-3"'}


def records(indices, seed=0, **columns):
    rng = np.random.default_rng(seed)
    keys = list(product(GOLDS, indices))
    frame = pd.DataFrame(keys, columns=["problem_id", "sample_index"]).assign(
        answer=rng.choice(["11", "12", None], len(keys)),
        found="box",
        verdict=rng.choice(VERDICTS, len(keys)),
        rung=rng.choice(["text", "number"], len(keys)),
        detail=[f"reason {number}" for number in range(len(keys))],
        finish_reason="stop",
    )
    return frame.assign(**columns)


def compare(reference, other, n, size=4):
    """The comparison shard by shard, of whole frames."""
    shards = [
        tuple(frame[frame["sample_index"] // size == number] for frame in (reference, other))
        for number in range(-(-n // size))
    ]
    agreement, disagreements = compare_verdicts(shards, GOLDS, n)
    return agreement.set_index("measure")["value"], disagreements


def test_the_agreement_is_that_of_counting_by_hand():
    reference, other = records(range(40), seed=1), records(range(40), seed=2)
    agreement, disagreements = compare(reference, other, 40)
    pairs = list(zip(reference["verdict"], other["verdict"], strict=True))
    judged = [pair for pair in pairs if not set(pair) & set(UNJUDGED)]
    said = [(mine == "correct", theirs == "correct") for mine, theirs in judged]
    assert agreement["samples"] == len(pairs) == 120
    assert agreement["unjudged"] == 120 - len(judged) > 0
    names = {
        "both_correct": (1, 1),
        "neither": (0, 0),
        "only_reference": (1, 0),
        "only_other": (0, 1),
    }
    for name, pair in names.items():
        assert agreement[name] == said.count(pair) > 0
    assert agreement["agreement"] == np.mean([mine == theirs for mine, theirs in said])
    assert disagreements["samples"].sum() == agreement["only_reference"] + agreement["only_other"]


@pytest.mark.parametrize(
    ("pairs", "agreement", "kappa"),
    [
        ((20, 5, 10, 15), 0.7, 0.4),
        ((45, 15, 25, 15), 0.6, 0.1304),
        ((25, 35, 5, 35), 0.6, 0.2593),
        ((7, 0, 0, 3), 1, 1),
        ((0, 5, 5, 0), 0, -1),
        ((9, 1, 0, 0), 0.9, 0),
        ((9, 0, 0, 0), 1, math.nan),
        ((0, 0, 0, 9), 1, math.nan),
        ((0, 0, 0, 0), math.nan, math.nan),
    ],
)
def test_kappa_is_cohens(pairs, agreement, kappa):
    """The first three are textbook examples."""
    said = dict(zip(product((True, False), repeat=2), pairs, strict=True))
    values = describe_agreement(said, 0).set_index("measure")["value"]
    assert values["agreement"] == pytest.approx(agreement, nan_ok=True)
    assert values["kappa"] == pytest.approx(kappa, abs=5e-5, nan_ok=True)


def test_disagreements_are_told_once_with_their_first_sample():
    reference = records(
        range(8), answer="12", verdict="wrong", rung="number", detail="12 is not 11"
    )
    other = records(range(8), answer="12", verdict="wrong", rung="sympy", detail="no")
    at = reference["problem_id"].eq("a") & reference["sample_index"].isin([2, 3, 6])
    other.loc[at, "verdict"] = "correct"
    other.loc[at, "detail"] = [f"reason {number}" for number in range(3)]
    gone = reference["problem_id"].eq("b") & reference["sample_index"].eq(1)
    reference.loc[gone, ["answer", "verdict", "rung"]] = [None, "no_answer", None]
    other.loc[gone, ["answer", "verdict"]] = ["1,2", "correct"]
    for frame, unjudged in ((reference, "timeout"), (other, "error")):
        late = frame["problem_id"].eq("c") & frame["sample_index"].eq(7)
        frame.loc[late, "verdict"] = unjudged
    agreement, disagreements = compare(reference, other, 8)
    assert agreement["unjudged"] == 1 and agreement["only_other"] == 4
    assert disagreements.astype(object).where(disagreements.notna(), None).to_dict("records") == [
        {
            "problem_id": "a", "gold": "11", "reference_answer": "12", "reference_verdict": "wrong",
            "other_verdict": "correct", "samples": 3, "sample_index": 2, "reference_rung": "number",
            "reference_detail": "12 is not 11", "other_answer": "12", "other_rung": "sympy",
            "other_detail": "reason 0",
        },
        {
            "problem_id": "b", "gold": '["1", "2"]', "reference_answer": None,
            "reference_verdict": "no_answer", "other_verdict": "correct", "samples": 1,
            "sample_index": 1, "reference_rung": None, "reference_detail": "12 is not 11",
            "other_answer": "1,2", "other_rung": "sympy", "other_detail": "no",
        },
    ]  # fmt: skip


def test_the_order_of_shards_and_their_size_change_nothing():
    reference, other = records(range(12), seed=3), records(range(12), seed=4)
    expected = compare(reference, other, 12, size=12)
    for size in (1, 4, 5):
        for found, wanted in zip(compare(reference, other, 12, size), expected, strict=True):
            assert found.equals(wanted)
    halves = [
        tuple(frame[frame["sample_index"].isin(part)] for frame in (reference, other))
        for part in (range(6, 12), range(6))
    ]
    assert compare_verdicts(halves, GOLDS, 12)[1].equals(expected[1])


def test_verifiers_that_agree_have_no_disagreements():
    reference = records(range(4), verdict="correct")
    agreement, disagreements = compare(reference, reference, 4)
    assert agreement["both_correct"] == 12 and len(disagreements) == 0
    assert list(disagreements.columns)[:2] == ["problem_id", "gold"]


def test_texts_are_cut_and_no_formulas():
    answers = ["=1+1", "-5", " @x", "+7", "\t1", "＝2", "12", "x" * 200, "x" * 201]
    reference = records(range(3), answer=answers, verdict="wrong")
    other = records(range(3), answer="-3", verdict="correct", detail="=SUM(A1)")
    found = compare(reference, other, 3)[1].set_index("problem_id")
    shown = ["'=1+1", "'-5", "' @x", "'+7", "'\t1", "'＝2", "12", "x" * 200, "x" * 200 + "…"]
    assert sorted(found["reference_answer"]) == sorted(shown)
    assert found["other_answer"].eq("'-3").all() and found["other_detail"].eq("'=SUM(A1)").all()
    assert found.loc["c", "gold"].eq("'-3").all()


def test_only_samples_below_n_are_compared():
    reference, other = records(range(8), verdict="correct"), records(range(8), verdict="correct")
    other.loc[other["sample_index"] >= 6, "verdict"] = "wrong"
    assert compare(reference, other, 6)[0]["both_correct"] == 18
    assert compare(reference, other, 8)[0]["only_reference"] == 6


def test_what_is_missing_is_refused_by_name():
    reference, other = records(range(8)), records(range(8))
    with pytest.raises(BoundaryError, match=r"problem a: sample 1 is missing \(1 such"):
        compare(reference, other.drop(index=1), 8)
    with pytest.raises(BoundaryError, match=r"problem a: sample 2 is missing \(1 such"):
        compare(reference.drop(index=2), other, 8)
    with pytest.raises(BoundaryError, match=r"problem c: sample 7 stands twice"):
        compare(reference, pd.concat([other, other.tail(1)]), 8)
    with pytest.raises(BoundaryError, match=r"the shards hold 8 samples .* expected 0 \.\.\. 11"):
        compare(reference, other, 12)
    with pytest.raises(BoundaryError, match=r"hold 16 samples of every problem \(8 different\)"):
        compare_verdicts([(reference, other)] * 2, GOLDS, 8)


@pytest.fixture
def files(tmp_path):
    """Shards of two verifiers on the same samples, and the command that compares them."""
    problems = pd.DataFrame({"problem_id": list(GOLDS), "gold": list(GOLDS.values())})
    problems = problems.assign(domain="math", question="?")
    write_records(tmp_path / "problems.parquet", "problem", problems, {})
    for name, verdict in (("reference", "correct"), ("other", "wrong")):
        for shard in range(2):
            frame = records(range(shard * 4, shard * 4 + 4), verdict=verdict)
            made = {"samples": {"model_revision": "r"}, "samples_sha256": f"digest {shard}"}
            write_records(tmp_path / f"{name}-{shard}.parquet", "verdict", frame, made)

    def command(reference, other):
        paths = {"--reference": reference, "--verdicts": other}
        named = [[key, *(tmp_path / f"{p}.parquet" for p in ps)] for key, ps in paths.items()]
        written = ["--output", tmp_path / "agreement.csv", "--disagreements", tmp_path / "all.csv"]
        rest = ["--problems", tmp_path / "problems.parquet", "--n", 8, *written]
        return main(["analyse", "agreement", *map(str, [*chain(*named), *rest])])

    return tmp_path, command


def test_the_command_writes_both_tables(files):
    folder, compare = files
    assert compare(["reference-0", "reference-1"], ["other-0", "other-1"]) == 0
    agreement = pd.read_csv(folder / "agreement.csv").set_index("measure")["value"]
    assert agreement["samples"] == agreement["only_reference"] == 24
    assert pd.read_csv(folder / "all.csv")["samples"].sum() == 24


def test_the_command_compares_the_same_samples_alone(files, capsys):
    _, compare = files
    assert compare(["reference-0", "reference-1"], ["other-1", "other-0"]) == 1
    assert "other-1.parquet: its verdicts are on other samples than" in capsys.readouterr().err
    assert compare(["reference-0"], ["other-0", "other-1"]) == 1
    assert "found 2 shards of verdicts and 1 of the reference's" in capsys.readouterr().err
    assert compare(["reference-0"], ["other-0"]) == 1
    assert "the shards hold 4 samples of every problem" in capsys.readouterr().err
