"""The stage score: from sample files to score records, resumed after a crash, and told what is wrong."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.records import read_provenance, read_records, write_records
from boundary.data.subset import choose_problems, choose_responses
from boundary.errors import BoundaryError
from boundary.sampling.encoding import Encoding
from boundary.sampling.engine import Request
from boundary.sampling.prompts import Template
from boundary.scoring.responses import Preparation
from boundary.scoring.scorer import Score, Scorer
from hypothesis import given
from hypothesis import strategies as st

PROBLEMS = ["p/0", "p/1", "p/2"]
QUESTIONS = ["1+2", "3*4-5", "7"]


@pytest.fixture(scope="module")
def cell(tmp_path_factory, random_checkpoint):
    """A folder with problems, a model and two shards of 8 samples each of every problem."""
    folder = tmp_path_factory.mktemp("cell")
    (folder / "own.jsonl").write_text(
        "".join(
            json.dumps({"id": name, "question": question, "answer": "1"}) + "\n"
            for name, question in zip(PROBLEMS, QUESTIONS, strict=True)
        )
    )
    (folder / "prompts.yaml").write_text(
        'mini: "{question}="\nbegun: {text: "{question}=", begins: "5"}\n'
        'other: "{question} = "\nfamily: "<|im_start|>{question}="\n'
    )
    fields = json.dumps({"problem_id": "id"})
    run("benchmarks", "--name", "own", "--path", folder / "own.jsonl", "--fields", fields)(
        folder / "problems.parquet"
    )
    run("models", "--name", "m", "--path", random_checkpoint)(folder / "m.json")
    for shard in (0, 1):
        sample(folder, shard=shard)
    return folder


def run(stage, *arguments):
    return lambda output: main([stage, *map(str, arguments), "--output", str(output)]) or output


def sample(folder, shard=0, template="mini", name="shard", **changes):
    settings = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 12, "shard_size": 8} | changes
    options = [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
    arguments = ["--model", folder / "m.json", "--problems", folder / "problems.parquet"]
    prompts = ["--prompts", folder / "prompts.yaml", "--template", template]
    done = run("sample", *arguments, *prompts, *options, "--shard", shard, "--gpus", 0)
    return done(folder / f"{name}-{shard:04d}.parquet")


def score(cell, *shards, scorer="m", template="mini", **settings):
    settings = {"output": cell / "scores.parquet", "keep": cell / "kept-scores"} | settings
    shutil.rmtree(cell / "kept-scores", ignore_errors=True)
    return main(
        [
            *("score", "--scorer", str(cell / f"{scorer}.json"), "--gpus", "0"),
            *("--samples", *map(str, shards or sorted(cell.glob("shard-*.parquet")))),
            *("--problems", str(settings.pop("problems", cell / "problems.parquet"))),
            *("--prompts", str(cell / "prompts.yaml"), "--template", template),
            *(f"--{key.replace('_', '-')}={value}" for key, value in settings.items()),
        ]
    )


def scores_of(cell, *shards, **settings):
    assert score(cell, *shards, **settings) == 0
    return read_records(cell / "scores.parquet", "score")


def rewrite(shard, path, change, **provenance):
    """A copy of a shard, changed."""
    frame = change(read_records(shard, "sample").copy())
    write_records(path, "sample", frame, read_provenance(shard) | provenance)
    return path


def edited(**columns):
    return lambda frame: frame.assign(**columns)


def test_a_models_own_samples_have_the_likelihood_that_they_were_drawn_with(cell):
    scores = scores_of(cell)
    samples = pd.concat(
        read_records(path, "sample") for path in sorted(cell.glob("shard-*.parquet"))
    )
    assert len(scores) == len(samples) == 48 and set(scores["scorer"]) == {"m"}
    both = scores.merge(samples, on=["problem_id", "sample_index"], suffixes=("", "_drawn"))
    ended = both[(both["n_tokens_drawn"] > 1) | (both["finish_reason"] != "stop")]
    assert len(ended) > 40 and set(ended["tokens"]) == {"stored"}
    assert (ended["n_tokens"] == ended["n_tokens_drawn"]).all()
    np.testing.assert_allclose(ended["nll_sum"], -ended["logprob_sum"], rtol=1e-4)
    assert set(both["finish_reason"]) == {"stop", "length"}  # kept, and flagged
    about = read_provenance(cell / "scores.parquet")
    assert about["temperature"] == 1.0 and about["model"] == about["scorer"] == "m"
    assert about["attempts"][0]["engine"] == "transformers"


def test_entropy_follows_the_temperature_and_the_likelihood_does_not(cell):
    cold, warm, hot = (scores_of(cell, temperature=t) for t in (0, 1, 3))
    assert cold["nll_sum"].equals(hot["nll_sum"])
    assert (cold["entropy_mean"].dropna() == 0).all()
    assert (warm["entropy_mean"].dropna() < hot["entropy_mean"].dropna()).all()


def test_other_tokenizers_get_the_text(cell, random_checkpoint, tmp_path):
    """The same weights with one more token in the vocabulary: the same numbers, from the text."""
    from transformers import AutoTokenizer

    stored = scores_of(cell)
    checkpoint = shutil.copytree(random_checkpoint, tmp_path / "other")
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.add_tokens(["%"])
    tokenizer.save_pretrained(checkpoint)
    run("models", "--name", "other", "--path", checkpoint)(cell / "other.json")
    retokenised = scores_of(cell, scorer="other")
    assert set(retokenised["tokens"]) == {"retokenised"}
    samples = pd.concat(
        read_records(path, "sample") for path in sorted(cell.glob("shard-*.parquet"))
    ).sort_values(["problem_id", "sample_index"])  # as the scores are
    special = set(Encoding(random_checkpoint).tokenizer.all_special_ids)
    # No special token before the end: a text does not show it.
    said = [
        set(ids[: len(ids) - (reason == "stop")])
        for ids, reason in zip(
            samples["token_ids"].map(list), samples["finish_reason"], strict=True
        )
    ]
    plain = np.array([bool(ids) and not ids & special for ids in said])
    assert plain.sum() > 10
    np.testing.assert_allclose(
        retokenised.loc[plain, "nll_sum"], stored.loc[plain, "nll_sum"], rtol=1e-5
    )
    assert (retokenised.loc[plain, "n_tokens"] == stored.loc[plain, "n_tokens"]).all()


def test_what_begins_a_response_is_a_part_of_its_prompt(cell):
    shard = sample(cell, template="begun", name="begun")
    begun = scores_of(cell, shard, template="begun")
    samples = read_records(shard, "sample")
    both = begun.merge(samples, on=["problem_id", "sample_index"])
    scored = both[both["nll_sum"].notna()]
    np.testing.assert_allclose(scored["nll_sum"], -scored["logprob_sum"], rtol=1e-4)
    silent = rewrite(shard, cell / "silent.parquet", edited(token_ids=None))
    again = scores_of(cell, silent, template="begun")
    assert set(again["tokens"]) == {"retokenised"}
    lost = rewrite(silent, cell / "lost.parquet", edited(text="1"))
    assert score(cell, lost, template="begun") == 1


def test_responses_that_cannot_be_scored_are_there_and_say_why(cell, capsys):
    shard = cell / "shard-0000.parquet"

    def change(frame):
        frame = frame.assign(token_ids=None, finish_reason="stop", text="12+3=15")
        frame.loc[0, "text"] = ""
        frame.loc[1, ["text", "finish_reason"]] = ["", "length"]
        frame.loc[2, ["text", "finish_reason"]] = ["", "error"]
        frame.loc[3, "text"] = "1" * 62
        frame.loc[4, "text"] = "thirteen"
        frame.loc[5, "text"] = "1<eos>2"
        frame.loc[6, "finish_reason"] = "unknown"
        return frame

    scores = scores_of(cell, rewrite(shard, cell / "odd.parquet", change))
    assert list(scores["detail"][:6]) == [
        "no tokens",
        "no tokens",
        "a failed sample",
        "longer than the scorer's context of 64 tokens",
        "holds text that the scorer's tokenizer has no token for",
        "holds text that the scorer's tokenizer has no token for",  # and no end of the text
    ]
    assert scores["nll_sum"][:6].isna().all() and scores["nll_sum"][6:].notna().all()
    assert list(scores["n_tokens"][:2]) == [0, 0]
    # It is not known whether the seventh ended: no end is scored.
    assert scores["n_tokens"][6] == scores["n_tokens"][7] - 1 == 7
    assert scores["nll_sum"][6] < scores["nll_sum"][7]


def test_a_tokenizer_whose_unknown_token_ends_texts_can_write_all(
    cell, random_checkpoint, tmp_path
):
    from transformers import AutoTokenizer

    checkpoint = shutil.copytree(random_checkpoint, tmp_path / "gpt")
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.unk_token = tokenizer.eos_token
    tokenizer.save_pretrained(checkpoint)
    run("models", "--name", "gpt", "--path", checkpoint)(cell / "gpt.json")
    texts = edited(token_ids=None, finish_reason="stop", text="12+3=15")
    path = rewrite(cell / "shard-0000.parquet", cell / "texts.parquet", texts)
    scores = scores_of(cell, path, scorer="gpt")
    assert set(scores["detail"]) == {""} and set(scores["n_tokens"]) == {8}


def test_a_failed_sample_of_a_template_that_begins_is_a_failed_sample(cell):
    failed = edited(token_ids=None, finish_reason="error", text="")
    shard = rewrite(
        cell / "shard-0000.parquet", cell / "failed.parquet", failed, template_sha256=None
    )
    assert set(scores_of(cell, shard, template="begun")["detail"]) == {"a failed sample"}


def test_a_text_goes_on_from_its_prompt():
    """Tokenizers that begin every text with a space of their own do not do so to responses."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = ["<unk>", "\n", *"\u2581ABt"]
    words = Tokenizer(models.WordLevel({c: i for i, c in enumerate(letters)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    words.normalizer = normalizers.Prepend("\u2581")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>")
    assert tokenizer("At")["input_ids"] == [2, 3, 5]
    encoding = SimpleNamespace(tokenizer=tokenizer, read_prompt=lambda _: ([3], None), context=9)
    asked = [Request("a", "?", ())]
    preparation = Preparation(encoding, Template("{question}"), asked, same_vocabulary=False)
    sample = pd.DataFrame(
        [("a", 0, "At\u2581B", None, "length")],
        columns=["problem_id", "sample_index", "text", "token_ids", "finish_reason"],
    )
    (prepared,) = preparation.prepare(sample)
    assert prepared.response.token_ids == [3, 5, 2, 4]


def test_a_shorter_context_is_the_scorers_own(cell):
    scores = scores_of(cell, max_model_len=10)
    long = scores["detail"].str.startswith("longer than the scorer's context of 10 tokens")
    assert 0 < long.sum() < len(scores) and scores["nll_sum"].isna().equals(scores["detail"] != "")


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {"template": "other"}, "sampled with the template 'mini' as it was then"),
        ({}, {"template": "family"}, "sampled with the template 'mini'"),
        ({"benchmark": "else"}, {}, "holds samples of else, and"),
        ({"sampling": None}, {}, "at which temperature it was sampled.*--temperature 1"),
        ({"attempts": [{"api": "chat"}]}, {}, "api: completions"),
    ],
)
def test_samples_whose_prompts_are_not_known_are_refused(cell, capsys, change, settings, message):
    path = rewrite(cell / "shard-0000.parquet", cell / "changed.parquet", edited(), **change)
    assert score(cell, path, **settings) == 1
    said = capsys.readouterr().err
    assert "changed.parquet" in said
    assert pd.Series([said]).str.contains(message).all(), said


def test_questions_that_have_changed_are_told(cell, capsys):
    changed = (cell / "own.jsonl").read_text().replace("1+2", "2+1")
    (cell / "changed.jsonl").write_text(changed)
    problems = cell / "changed-problems.parquet"
    fields = json.dumps({"problem_id": "id"})
    source = ["--name", "own", "--path", cell / "changed.jsonl", "--fields", fields]
    run("benchmarks", *source)(problems)
    assert score(cell, cell / "shard-0000.parquet", problems=problems) == 1
    assert "its questions are not those of" in capsys.readouterr().err


def test_shards_of_two_templates_are_told_apart(cell, capsys):
    other = rewrite(
        cell / "shard-0001.parquet", cell / "two.parquet", edited(), template_sha256="another"
    )
    assert score(cell, cell / "shard-0000.parquet", other) == 1
    said = capsys.readouterr().err
    assert "two.parquet" in said and "template_sha256 'another'" in said


def test_a_template_of_another_family_is_refused(cell, capsys):
    path = rewrite(
        cell / "shard-0000.parquet", cell / "imported.parquet", edited(), template_sha256=None
    )
    assert score(cell, path, template="family") == 1
    assert "no token of this tokenizer" in capsys.readouterr().err


def test_a_missing_sample_is_named(cell, capsys):
    path = rewrite(cell / "shard-0000.parquet", cell / "short.parquet", lambda frame: frame[1:])
    assert score(cell, path) == 1
    assert "problem p/0: sample 0 is missing (1 such" in capsys.readouterr().err


def test_a_subset_of_responses_is_scored_as_among_all(cell):
    every = scores_of(cell).set_index(["problem_id", "sample_index"])
    part = scores_of(cell, responses=3, seed=7).set_index(["problem_id", "sample_index"])
    assert part.groupby("problem_id").size().eq(3).all() and len(part) == 9
    np.testing.assert_allclose(part["nll_sum"], every.loc[part.index, "nll_sum"], rtol=1e-5)
    again = scores_of(cell, responses=3, seed=7).set_index(["problem_id", "sample_index"])
    assert again["nll_sum"].equals(part["nll_sum"])
    assert not scores_of(cell, responses=3, seed=8)["sample_index"].equals(
        part.reset_index()["sample_index"]
    )


def test_a_subset_of_problems_is_a_file_of_its_own(cell):
    subset = json.dumps({"problems": ["p/2", "p/0"], "seed": 3})
    part = cell / "part.parquet"
    run("benchmarks", "--name", "own", "--part-of", cell / "problems.parquet", "--subset", subset)(
        part
    )
    assert list(read_records(part, "problem")["problem_id"]) == ["p/0", "p/2"]
    assert read_provenance(part)["benchmark"] == "own"
    assert set(scores_of(cell, problems=part)["problem_id"]) == {"p/0", "p/2"}


class DyingScorer(Scorer):
    """Knows what it was asked for, and dies after some responses."""

    def __init__(self, asked, alive_for=10**9):
        self.asked, self.alive_for = asked, alive_for

    def describe(self):
        return {"engine": "dying", "images": ({"tokens": 4},)}

    def score(self, responses, temperature):
        for number, response in enumerate(responses):
            if number == self.alive_for:
                raise RuntimeError("died")
            self.asked.append((response.problem_id, response.sample_index))
            yield [Score(response.problem_id, response.sample_index, float(number), temperature)]


def test_a_killed_job_scores_nothing_twice(cell, monkeypatch, tmp_path):
    monkeypatch.setattr("boundary.scoring.cell.SECONDS_BETWEEN_FLUSHES", 0)
    settings = {"keep": tmp_path / "kept", "output": tmp_path / "scores.parquet"}
    first, second = [], []
    for asked, alive_for in ((first, 20), (second, 10**9)):
        monkeypatch.setattr(
            "boundary.scoring.scorers.open_scorer",
            lambda *_, asked=asked, alive_for=alive_for: DyingScorer(asked, alive_for),
        )
        try:
            assert score(cell, **settings) == 0
        except RuntimeError:
            assert not (tmp_path / "scores.parquet").exists()
    assert len(first) == 20 and not set(first) & set(second)
    scores = read_records(tmp_path / "scores.parquet", "score")
    assert scores["nll_sum"].notna().sum() == len(first) + len(second)
    (attempt,) = read_provenance(tmp_path / "scores.parquet")["attempts"]  # of one scorer
    assert attempt == {"engine": "dying", "images": [{"tokens": 4}]}
    monkeypatch.setattr("boundary.scoring.scorers.open_scorer", None)  # nothing is left to score
    (tmp_path / "scores.parquet").unlink()
    assert score(cell, **settings) == 0
    assert read_records(tmp_path / "scores.parquet", "score").equals(scores)


IDS = [f"b/{i}" for i in range(50)]


@given(st.integers(1, 60), st.integers(0, 5))
def test_problems_are_drawn_by_the_seed_and_keep_their_order(wanted, seed):
    chosen = choose_problems(IDS, wanted, seed)
    assert len(chosen) == len(set(chosen)) == min(wanted, 50)
    assert chosen == [name for name in IDS if name in set(chosen)]
    assert chosen == choose_problems(IDS, wanted, seed)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_responses_are_drawn_by_seed_and_problem(n, wanted, seed):
    chosen = choose_responses("a", n, wanted, seed)
    assert len(set(chosen)) == min(n, wanted) and set(chosen) <= set(range(n))
    assert chosen == sorted(chosen) == choose_responses("a", n, wanted, seed)


def test_every_problem_and_response_has_the_same_chance():
    problems = pd.Series([p for seed in range(2000) for p in choose_problems(IDS, 5, seed)])
    counts = problems.value_counts().reindex(IDS)
    assert counts.between(200 - 5 * 14, 200 + 5 * 14).all()  # five standard deviations
    indices = pd.Series([i for seed in range(2000) for i in choose_responses("a", 20, 5, seed)])
    assert indices.value_counts().reindex(range(20)).between(500 - 5 * 20, 500 + 5 * 20).all()
    assert choose_responses("a", 20, 5, 0) != choose_responses("b", 20, 5, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subset", '{"problem": 2}'], "unknown key 'problem'. Did you mean 'problems'"),
        (
            ["--subset", '{"problems": ["p/7"]}'],
            "the problem 'p/7', which the benchmark does not have",
        ),
    ],
)
def test_mistakes_in_a_subset_are_told(cell, capsys, arguments, message):
    output = ["--name", "own", "--output", str(cell / "none.parquet")]
    part = ["--part-of", str(cell / "problems.parquet")]
    assert main(["benchmarks", *part, *arguments, *output]) == 1
    assert message in capsys.readouterr().err
    assert main(["benchmarks", "--path", str(cell / "own.jsonl"), *arguments, *output]) == 1
    assert "--subset chooses among the problems of --part-of" in capsys.readouterr().err


def test_a_subset_of_strangers_is_refused():
    with pytest.raises(BoundaryError, match="the problem 'x', which the benchmark does not have"):
        choose_problems(IDS, ["b/1", "x"], 0)
