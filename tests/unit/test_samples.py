import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.estimation.samples import describe_samples, read_samples

PROBLEMS = ["a", "b", "c"]


def shard(tmp_path, number, size=4, **columns):
    rng = np.random.default_rng(columns.pop("seed", number))
    indices = range(number * size, (number + 1) * size)
    keys = [(problem, index) for problem in PROBLEMS for index in indices]
    frame = pd.DataFrame(keys, columns=["problem_id", "sample_index"]).assign(
        text=[f"t{i}" for i in rng.integers(0, 6, len(keys))],
        token_ids=[[1]] * len(keys),
        n_tokens=rng.integers(1, 9, len(keys)),
        finish_reason=rng.choice(["stop", "stop", "length", "error"], len(keys)),
        logprob_sum=-1.0,
    )
    path = tmp_path / f"shard-{number:04d}.parquet"
    write_records(path, "sample", frame.assign(**columns), {"seed": 0})
    return path, frame.assign(**columns)


def test_the_description_is_that_of_counting_by_hand(tmp_path):
    paths, frames = zip(*(shard(tmp_path, number) for number in range(3)), strict=True)
    by_problem, cell = describe_samples(read_samples(paths), PROBLEMS, 12)
    rows = [row for frame in frames for row in frame.itertuples()]
    for described in by_problem.itertuples():
        own = [row for row in rows if row.problem_id == described.problem_id]
        assert described.samples == len(own) == 12
        assert described.distinct == len({row.text for row in own}) < 12
        assert described.cut_off == sum(row.finish_reason == "length" for row in own)
        assert described.failed == sum(row.finish_reason == "error" for row in own)
        assert described.mean_tokens == pytest.approx(sum(row.n_tokens for row in own) / 12)
    found = dict(zip(cell["measure"], cell["value"], strict=True))
    distinct = [len({row.text for row in rows if row.problem_id == p}) for p in PROBLEMS]
    assert found["least_distinct"] == min(distinct)
    assert found["repeated"] == pytest.approx(1 - sum(distinct) / 36)
    assert found["cut_off"] == pytest.approx(sum(r.finish_reason == "length" for r in rows) / 36)
    assert found["failed"] == pytest.approx(sum(r.finish_reason == "error" for r in rows) / 36)
    assert found["repeated_shards"] == 0


def test_a_repeated_seed_shows_as_a_repeated_shard(tmp_path):
    paths = [shard(tmp_path, number, seed=seed)[0] for number, seed in enumerate((5, 6, 5))]
    _, cell = describe_samples(read_samples(paths), PROBLEMS, 12)
    assert cell.set_index("measure")["value"]["repeated_shards"] == 1


def test_missing_and_doubled_samples_are_refused(tmp_path):
    paths = [shard(tmp_path, number)[0] for number in (0, 2)]
    with pytest.raises(BoundaryError, match=r"problem a: sample 4 is missing \(12 such"):
        describe_samples(read_samples(paths), PROBLEMS, 12)
    with pytest.raises(BoundaryError, match=r"problem a: sample 0 stands twice \(12 such"):
        describe_samples(read_samples([paths[0], *paths]), PROBLEMS, 12)


def test_a_smaller_n_leaves_the_rest_alone(tmp_path):
    paths = [shard(tmp_path, number)[0] for number in range(3)]
    by_problem, _ = describe_samples(read_samples(paths), PROBLEMS, 6)
    assert by_problem["samples"].eq(6).all()


def test_the_command_names_what_is_missing(tmp_path, capsys):
    problems = tmp_path / "problems.parquet"
    frame = pd.DataFrame({"problem_id": PROBLEMS, "domain": "math", "question": "?", "gold": '"1"'})
    write_records(problems, "problem", frame, {})
    paths = [str(shard(tmp_path, number)[0]) for number in range(2)]
    outputs = ["--output", str(tmp_path / "cell.csv"), "--by-problem", str(tmp_path / "all.csv")]
    check = [
        "analyse",
        "samples",
        "--problems",
        str(problems),
        *outputs,
        "--samples",
        *paths,
        "--n",
    ]
    assert main([*check, "8"]) == 0
    assert pd.read_csv(tmp_path / "all.csv")["samples"].tolist() == [8, 8, 8]
    assert main([*check, "12"]) == 1
    assert "sample 8 is missing" in capsys.readouterr().err
