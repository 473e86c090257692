"""``boundary import``: files of the shape that each project writes, and what is done with them."""

import json

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.counts_file import read_counts
from boundary.data.records import read_provenance, read_records, write_records
from boundary.importing import FORMATS
from boundary.importing.responses import count_samples
from hypothesis import given
from hypothesis import strategies as st

QUESTIONS = ["What is 1 + 1?", "What is 2 + 3?", "What is  4 * 2?"]
IDS = ["sums/0000", "sums/0001", "sums/0002"]


def published(idx, score, code=None, **more):
    """A line of math_eval.py, limit-of-RLVR's: the keys that it writes, in its order."""
    code = [f"So it is \\boxed{{{idx}}}." for _ in score] if code is None else code
    return {
        "idx": idx,
        "question": QUESTIONS[idx % 3],
        "gt_cot": "",
        "gt": "2",
        "answer": "2",
        "code": code,
        "pred": ["2"] * len(code),
        "report": [None] * len(code),
        "finish_reason": ["stop"] * len(code),
        "score": score,
    } | more


def lm_eval(doc_id, texts, name="strict-match", **metrics):
    """A line of samples_gsm8k_*.jsonl, as EvaluationTracker.save_results_samples writes it."""
    return {
        "doc_id": doc_id,
        "doc": {"question": QUESTIONS[doc_id % 3], "answer": "1 + 1 = 2\n#### 2"},
        "target": "1 + 1 = 2\n#### 2",
        "arguments": {"gen_args_0": {"arg_0": "Question: ...", "arg_1": {"until": ["Question:"]}}},
        "resps": [texts],
        "filtered_resps": ["2"],
        "filter": name,
        "metrics": list(metrics),
        "doc_hash": "ab" * 32,
        "prompt_hash": "cd" * 32,
        "target_hash": "ef" * 32,
    } | metrics


def evalplus(tasks):
    """*_eval_results.json: for every task, its programs' (base_status, plus_status)."""
    found = {
        task: [
            {
                "task_id": task,
                "solution": "def f(x):\n    return x\n",
                "base_status": base,
                "plus_status": plus,
                "base_fail_tests": [],
                "plus_fail_tests": [] if plus == "pass" else [[1]],
            }
            for base, plus in statuses
        ]
        for task, statuses in tasks.items()
    }
    return {"date": "2024-01-01 00:00", "hash": "fe" * 16, "eval": found, "pass_at_k": {}}


def livecodebench(question_id, graded, metadata):
    """An entry of *_eval_all.json, as CodeGenerationProblem.insert_output_evaluation makes it."""
    return {
        "question_title": "A. Sum",
        "question_content": QUESTIONS[0],
        "platform": "codeforces",
        "question_id": question_id,
        "contest_id": "1873",
        "contest_date": "2023-08-21T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "output_list": ["```python\nprint(2)\n```"] * len(graded),
        "code_list": ["print(2)"] * len(graded),
        "graded_list": graded,
        "pass@1": graded.count(True) / max(len(graded), 1),
        "metadata": metadata,
    }


def lines(path, *documents):
    text = (line if isinstance(line, str) else json.dumps(line) for line in documents)
    path.write_text("".join(line + "\n" for line in text))
    return path


def document(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "problems.parquet"
    golds = [json.dumps(gold) for gold in ("2", "5", "8")]
    frame = pd.DataFrame({"problem_id": IDS, "question": QUESTIONS, "gold": golds})
    frame = frame.assign(domain="math", meta="{}")
    write_records(path, "problem", frame, {"benchmark": "sums", "protocol": 1})
    return path


def run(name, files, output, *options):
    files = files if isinstance(files, list) else [files]
    command = ["import", name, *files, "--model", "base", "--output", output, *options]
    return main([str(word) for word in command])


def counts(tmp_path, name, files, *options):
    """Rows (problem, n, correct) of the counts CSV."""
    output = tmp_path / "counts.csv"
    assert run(name, files, output, *options) == 0
    table = read_counts(output)
    assert table["model"].eq("base").all()
    return table[["problem_id", "n", "correct"]].values.tolist()


def refused(capsys, tmp_path, name, files, *options):
    """The message of an import that is refused; nothing is written."""
    output = tmp_path / ("out.parquet" if "samples" in options else "out.csv")
    capsys.readouterr()
    assert run(name, files, output, *options) == 1
    told = capsys.readouterr().err
    assert told.startswith("boundary import: ") and "Traceback" not in told
    assert not output.exists()
    return told


def test_every_format_has_a_reader_and_a_line_of_help():
    from importlib import import_module

    from boundary.stages.import_ import EXAMPLES

    for name in FORMATS:
        assert import_module(f"boundary.importing.{name}").read
        assert f"\n  {name} " in EXAMPLES


# What counts as judged, format by format.


def test_published_scores_are_counted_over_files_of_several_seeds(tmp_path, capsys):
    one = lines(tmp_path / "seed1.jsonl", published(0, [True, False]), published(7, [False] * 3))
    two = lines(tmp_path / "seed2.jsonl", published(7, [1, 0.0]), published(0, [True, True]))
    assert counts(tmp_path, "published", [one, two]) == [["0", 4, 3], ["7", 5, 1]]
    assert capsys.readouterr().err == "2 problems, n from 4 to 5, 44.4% of 9 judged are correct\n"
    assert counts(tmp_path, "published", [one, two], "--n", 3) == [["0", 3, 2], ["7", 3, 0]]


def test_published_scores_without_their_responses_are_counted(tmp_path):
    record = {"idx": 3, "score": [True, False]}
    assert counts(tmp_path, "published", lines(tmp_path / "a.jsonl", record)) == [["3", 2, 1]]


def test_an_evalplus_program_passes_both_tests_and_a_timeout_has_failed(tmp_path):
    statuses = [("pass", "pass"), ("pass", "fail"), ("pass", "timeout"), ("timeout", "timeout")]
    statuses += [("pass", None), ("error", "pass"), ("fail", None)]  # two are the harness's faults
    file = document(tmp_path / "x_eval_results.json", evalplus({"HumanEval/0": statuses}))
    assert counts(tmp_path, "evalplus", file) == [["HumanEval/0", 5, 1]]
    base_only = evalplus({"Mbpp/2": [("pass", None), ("fail", None)]})
    assert counts(tmp_path, "evalplus", document(tmp_path / "y.json", base_only)) == [
        ["Mbpp/2", 2, 1]
    ]


def test_a_failure_of_livecodebenchs_harness_is_not_judged(tmp_path):
    codes = [{"execution time": 0.1}, {"error_code": -3}, {"error_code": -5}, {"error_code": -2}]
    told = [json.dumps(code) for code in codes]
    entries = [livecodebench("1873_A", [True, False, False, False], told)]
    entries += [livecodebench("abc300_b", [True, True], [])]
    file = document(tmp_path / "x_eval_all.json", entries)
    assert counts(tmp_path, "livecodebench", file) == [["1873_A", 3, 1], ["abc300_b", 2, 2]]


def test_lm_eval_verdicts_are_those_of_one_metric_and_filter(tmp_path, capsys):
    file = lines(
        tmp_path / "samples_gsm8k.jsonl",
        *[lm_eval(i, ["#### 2"], "strict-match", exact_match=1.0 - i) for i in (0, 1)],
        *[lm_eval(i, ["#### 2"], "flexible-extract", exact_match=1.0) for i in (0, 1)],
    )
    told = refused(capsys, tmp_path, "lm_eval", file)
    assert "exact_match,strict-match, exact_match,flexible-extract" in told and "--filter" in told
    strict = counts(tmp_path, "lm_eval", file, "--filter", "strict-match")
    assert strict == [["0", 1, 1], ["1", 1, 0]]
    flexible = counts(tmp_path, "lm_eval", file, "--filter", "exact_match,flexible-extract")
    assert flexible == [["0", 1, 1], ["1", 1, 1]]
    told = refused(capsys, tmp_path, "lm_eval", file, "--filter", "strict")
    assert "unknown filter 'strict'. Did you mean 'strict-match'" in told


def test_lm_eval_before_0_4_5_names_neither_filter_nor_metrics(tmp_path):
    old = lm_eval(4, ["2"], acc=True)
    del old["filter"], old["metrics"]
    assert counts(tmp_path, "lm_eval", lines(tmp_path / "a.jsonl", old)) == [["4", 1, 1]]


def test_lm_eval_judges_no_repeat_by_itself(tmp_path, capsys, problems):
    texts = ["so \\boxed{2}", "so \\boxed{3}"]
    file = lines(tmp_path / "a.jsonl", *[lm_eval(i, texts, exact_match=0.0) for i in range(3)])
    assert "--to samples" in refused(capsys, tmp_path, "lm_eval", file)
    bypassed = [lm_eval(i, texts, "none", bypass=999) for i in range(3)]  # --predict_only
    file = lines(tmp_path / "b.jsonl", *bypassed)
    output = tmp_path / "samples.parquet"
    assert run("lm_eval", file, output, "--to", "samples", "--problems", problems) == 0
    assert capsys.readouterr().err == "3 problems, n from 2 to 2, none judged\n"
    samples = read_records(output, "sample")
    assert samples["text"].tolist() == texts * 3
    assert samples["finish_reason"].eq("unknown").all()
    file = lines(
        tmp_path / "c.jsonl", lm_eval(0, ["2"], exact_match=1), lm_eval(1, texts, exact_match=1)
    )
    told = refused(capsys, tmp_path, "lm_eval", file)
    assert "problem 1: 0 of its 2 responses have a verdict of their own" in told


def test_lm_eval_answers_that_were_ranked_are_no_samples(tmp_path, capsys):
    ranked = lm_eval(0, [], acc=1.0) | {"resps": [[["-3.2", "False"]], [["-1.2", "True"]]]}
    told = refused(capsys, tmp_path, "lm_eval", lines(tmp_path / "a.jsonl", ranked))
    assert "line 1: 'resps'" in told and "generate_until" in told


# Hostile and broken files.

DEEP = "[" * 100_000
BROKEN = {
    "published": [
        (["{"], "line 1: not JSON"),
        (['{"idx": 0, "code": ["a"'], "Is the file whole"),
        (["[1]"], "line 1: a list of 1 where a JSON object was expected"),
        (
            [published(0, [True]), f'{{"idx": 1, "code": {DEEP}'],
            "line 2: not readable as JSON: nested",
        ),
        (
            [published(0, [True], ["a", "b"])],
            "line 1: 2 in 'code', 1 in 'score', 2 in 'finish_reason'",
        ),
        ([published(0, [True] * 3, ["a", "b"])], "2 in 'code', 3 in 'score'"),
        ([published(0, [True, "true"])], "line 1: 'score[1]' is \"true\"; expected true or false"),
        ([published(0, [float("nan")])], "'score[0]' is NaN"),
        ([published(0, [0.5])], "'score[0]' is 0.5"),
        ([published(0, [None])], "'score[0]' is null"),
        ([published(0, [[True]])], "'score[0]' is a list of 1"),
        ([published(0, "true")], "'score' is \"true\"; expected a list"),
        ([published(0, [True], [5])], "'code[0]' is 5; expected a text"),
        ([published(0, [True], finish_reason=["lenght"])], "is 'lenght'; expected stop, length"),
        ([published(0, [])], "line 1: the problem '0' has no response"),
        ([published(0, [True]), published(0, [True])], "line 2: the problem '0' stands in"),
        ([published(True, [True])], "'idx' is true; expected a problem's identifier"),
        (['{"idx": 1.5, "score": [true]}'], "'idx' is 1.5"),
        (['{"idx": 1' + "0" * 5000 + "}"], "line 1: not JSON"),
        (['{"idx": 1}'], "neither 'code', the responses, nor 'score'"),
        (['{"score": [true]}'], "line 1: no key 'idx'; its keys are score"),
        ([""], "holds no response"),
    ],
    "lm_eval": [
        (
            [lm_eval(0, ["2"], exact_match=0.5)],
            "line 1: 'exact_match' is 0.5; expected true or false",
        ),
        ([lm_eval(0, ["2"], exact_match=float("nan"))], "'exact_match' is NaN"),
        (
            [lm_eval(0, ["2"], exact_match=1, math_verify=0)],
            "exact_match,strict-match, math_verify,st",
        ),
        ([lm_eval(0, ["2"], acc=1), lm_eval(0, ["2"], acc=1)], "line 2: the problem '0' stands in"),
        ([lm_eval(0, ["2"], acc=1) | {"resps": [5]}], "'resps' holds no texts"),
        ([lm_eval(0, ["2"], acc=1) | {"resps": "2"}], "'resps' is \"2\"; expected a list"),
        ([lm_eval(0, [], acc=1)], "the problem '0' has no response"),
        ([lm_eval(0, ["2"], acc=1) | {"metrics": [["a"]]}], "'metrics[0]' is a list of 1"),
        ([lm_eval(0, ["2"], acc=1) | {"filter": None}], "'filter' is null"),
        ([""], "holds no response"),
    ],
    "evalplus": [
        ("[]", "a list of 0 where a JSON object was expected"),
        ("{}", "no key 'eval'"),
        (DEEP, "nested too deeply"),
        ('{"eval": {}}', "holds no response"),
        ('{"eval": {"a": {"nfiles": 1}}}', "task a: 'eval' is an object; expected a list"),
        ('{"eval": {"a": []}}', "task a: the problem 'a' has no response"),
        ('{"eval": {"a": [{"solution": ""}]}}', "task a: no key 'base_status'"),
        (
            evalplus({"a": [("passed", "pass")]}),
            "'base_status' is 'passed'; expected pass, fail or",
        ),
        ('{"eval": {"a": [1]}}', "task a, program 0: 1 where a JSON object was expected"),
    ],
    "livecodebench": [
        ("{}", "'the document' is an object; expected a list"),
        ("[]", "holds no response"),
        ("[3]", "problem 1: 3 where a JSON object was expected"),
        (
            [livecodebench("a", [True], ["{}", "{}"])],
            "1 in 'output_list', 1 in 'graded_list', 2 in",
        ),
        ([livecodebench("a", [True, None], ["{}"] * 2)], "'graded_list[1]' is null"),
        ([livecodebench("a", [True], [])] * 2, "problem 2: the problem 'a' stands in"),
        (
            [livecodebench("a\nb", [True], [])],
            "expected a problem's identifier, a text of one line",
        ),
        ([livecodebench("", [True], [])], "'question_id' is \"\""),
    ],
    "jsonl": [
        (['{"problem_id": 1}'], "line 1: no key 'text'; its keys are problem_id"),
        (['{"problem_id": null, "text": "a"}'], "'problem_id' is null"),
        (['{"problem_id": 1, "text": null}'], "'text' is null; expected a text"),
        (['{"problem_id": 1, "text": "a", "finish_reason": []}'], "'finish_reason' is []"),
        (['{"problem_id": 1, "text": "a"}'], "import them with --to samples"),
    ],
}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [(name, *case) for name, cases in BROKEN.items() for case in cases],
)
def test_what_is_broken_is_told_with_its_place(tmp_path, capsys, name, content, said):
    write = document if name in ("evalplus", "livecodebench") else lambda path, it: lines(path, *it)
    file = write(tmp_path / "made", content)
    told = refused(capsys, tmp_path, name, file)
    assert str(file) in told and said in told


@pytest.mark.parametrize("name", FORMATS)
def test_no_text_no_file_and_a_folder_are_told(tmp_path, capsys, name):
    (tmp_path / "binary").write_bytes(b"\x80\x04\x95\x00 pickled, for one")
    assert "UTF-8" in refused(capsys, tmp_path, name, tmp_path / "binary")
    (tmp_path / "empty").write_bytes(b"")
    assert str(tmp_path / "empty") in refused(capsys, tmp_path, name, tmp_path / "empty")
    for path in (tmp_path / "none", tmp_path):
        assert f"{path}: cannot be read" in refused(capsys, tmp_path, name, path)


def test_the_same_file_twice_or_another_benchmarks_is_told(tmp_path, capsys):
    one = lines(tmp_path / "a.jsonl", published(0, [True]))
    copy = lines(tmp_path / "b.jsonl", published(0, [True]))
    assert "is the same file as" in refused(capsys, tmp_path, "published", [one, copy])
    other = lines(tmp_path / "c.jsonl", published(0, [True], question="What is 9 - 1?"))
    told = refused(capsys, tmp_path, "published", [one, other])
    assert "c.jsonl, line 1: the problem '0' asks something else" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--filter", "none"], "only lm_eval has filters"),
        (["--shard-size", "2"], "are for samples"),
        (["--shard", "2"], "are for samples"),
        (["--output", "out.txt"], "expected a name in .csv or .parquet"),
        (["--to", "samples", "--output", "out.parquet"], "--problems: needed"),
        (["--to", "samples", "--output", "o.csv"], "expected a name in .parquet"),
        (["--to", "samples", "--output", "o.parquet", "--n", "2"], "--n is for counts"),
        (["--to", "samples", "--output", "o.parquet", "--shard", "1"], "--shard-size says"),
        (["--model", " "], "--model: expected a name"),
    ],
)
def test_options_that_do_not_go_together_are_told(tmp_path, capsys, options, said):
    file = lines(tmp_path / "a.jsonl", published(0, [True]))
    assert said in refused(capsys, tmp_path, "published", file, *options)


# The benchmark's problems.


def test_numbers_stand_for_the_problems_in_their_order(tmp_path, problems):
    file = lines(tmp_path / "a.jsonl", *[published(i, [i == 2, True]) for i in (2, 0, 1)])
    output = tmp_path / "counts.parquet"
    assert run("published", file, output, "--problems", problems) == 0
    found = read_records(output, "count")
    assert found.values.tolist() == [[IDS[0], 2, 1], [IDS[1], 2, 1], [IDS[2], 2, 2]]
    record = read_provenance(output)
    assert record["model"] == "base" and record["model_revision"].startswith("sha256:")
    assert record["imported"]["files"][0]["file"] == "a.jsonl"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0, 1), "2 problems do not belong"),
        ((0, 1, 3), "do not belong to the benchmark: '0', '1', '3'"),
    ],
)
def test_numbers_that_are_not_all_of_them_are_told(tmp_path, capsys, problems, numbers, said):
    file = lines(tmp_path / "a.jsonl", *[published(i, [True]) for i in numbers])
    assert said in refused(capsys, tmp_path, "published", file, "--problems", problems)


def test_a_problem_that_is_missing_is_named(tmp_path, capsys, problems):
    made = [{"problem_id": name, "text": "2"} for name in IDS[:2]]
    file = lines(tmp_path / "a.jsonl", *made)
    told = refused(capsys, tmp_path, "jsonl", file, "--to", "samples", "--problems", problems)
    assert "1 problems are missing: 'sums/0002'" in told


def test_another_order_of_the_benchmark_is_told(tmp_path, capsys, problems):
    swapped = [published(i, [True], question=QUESTIONS[[1, 0, 2][i]]) for i in range(3)]
    file = lines(tmp_path / "a.jsonl", *swapped)
    told = refused(capsys, tmp_path, "published", file, "--problems", problems)
    assert "problem 0: would be 'sums/0000', but asks what 'sums/0001' asks" in told
    reworded = [published(i, [True], question="Q: " + QUESTIONS[i]) for i in range(3)]
    assert counts(tmp_path, "published", lines(file, *reworded), "--problems", problems)


def test_counts_become_records_whole_or_not_at_all(tmp_path, capsys, problems):
    rows = "".join(f"base,{name},4,{i}\nrl,{name},8,0\n" for i, name in enumerate(IDS))
    file = document(tmp_path / "counts.csv", "model,problem,n,correct\n" + rows)
    output = tmp_path / "counts.parquet"
    assert run("counts", file, output, "--problems", problems, "--n", 4) == 0
    assert read_records(output, "count").values.tolist() == [[n, 4, i] for i, n in enumerate(IDS)]
    told = refused(capsys, tmp_path, "counts", file, "--n", "3")
    assert "problem sums/0000: 4 samples were judged and --n is 3 (3 such" in told
    assert "unknown model 'bse'" in refused(capsys, tmp_path, "counts", file, "--model", "bse")
    told = refused(capsys, tmp_path, "counts", file, "--to", "samples", "--problems", problems)
    assert "holds no samples" in told
    again = document(tmp_path / "more.csv", "model,problem,n,correct\nbase,sums/0001,4,1\n")
    assert "the problem 'sums/0001' in" in refused(capsys, tmp_path, "counts", [file, again])


def test_n_takes_the_first_judged_samples_or_names_a_problem_with_fewer(tmp_path, capsys):
    file = lines(tmp_path / "a.jsonl", published(0, [False, True, True]), published(1, [True] * 2))
    assert counts(tmp_path, "published", file, "--n", 2) == [["0", 2, 1], ["1", 2, 2]]
    told = refused(capsys, tmp_path, "published", file, "--n", "3")
    assert "problem 1: 2 of its 2 responses" in told and "Choose an --n of 2 or less" in told


@given(
    st.dictionaries(
        st.text("abc", min_size=1),
        st.lists(st.sampled_from([True, False, None]), min_size=1).filter(lambda it: it != [None]),
        min_size=1,
    ),
    st.integers(1, 3),
)
def test_counts_are_those_of_counting_by_hand(verdicts, n):
    rows = [(name, i, one) for name, given in verdicts.items() for i, one in enumerate(given)]
    frame = pd.DataFrame(rows, columns=["problem_id", "sample_index", "correct"])
    frame = frame.astype({"correct": "boolean"}).sort_values("sample_index", kind="stable")
    judged = {name: [one for one in given if one is not None] for name, given in verdicts.items()}
    if min(map(len, judged.values())) < n:
        with pytest.raises(Exception, match=r"verdict of"):
            count_samples(frame, n)
        return
    found = count_samples(frame, n).set_index("problem_id")
    assert found["correct"].to_dict() == {name: sum(one[:n]) for name, one in judged.items()}
    assert found["n"].eq(n).all() and list(found.index) == list(verdicts)


# Samples, and the way on from them.


def verified(tmp_path, problems, shards, n):
    """Counts of the shards' samples, after `verify` and both steps of `analyse`."""
    verdicts = []
    for number, shard in enumerate(shards):
        verdicts.append(tmp_path / f"verdicts-{number}.parquet")
        options = ["--problems", problems, "--output", verdicts[-1]]
        assert main([str(word) for word in ["verify", "--samples", shard, *options]]) == 0
    common = ["--problems", problems, "--n", n]
    samples = [
        "--samples",
        *shards,
        "--by-problem",
        tmp_path / "by.csv",
        "--output",
        tmp_path / "s.csv",
    ]
    assert main([str(word) for word in ["analyse", "samples", *samples, *common]]) == 0
    tally = ["--tally", tmp_path / "tally.csv", "--output", tmp_path / "counts.parquet"]
    assert (
        main([str(x) for x in ["analyse", "counts", "--verdicts", *verdicts, *tally, *common]]) == 0
    )
    return read_records(tmp_path / "counts.parquet", "count").values.tolist()


def test_texts_are_verified_and_counted(tmp_path, problems):
    made = [
        {"problem_id": name, "text": f"Hm. \\boxed{{{answer}}}", "finish_reason": end}
        for end, answers in (("stop", "259"), (None, "858"))
        for name, answer in zip(IDS, answers, strict=True)
    ]
    output = tmp_path / "samples.parquet"
    file = lines(tmp_path / "a.jsonl", *made)
    assert run("jsonl", file, output, "--to", "samples", "--problems", problems) == 0
    samples = read_records(output, "sample")
    assert samples["sample_index"].tolist() == [0, 1] * 3
    assert samples["finish_reason"].tolist() == ["stop", "unknown"] * 3
    assert samples[["token_ids", "n_tokens", "logprob_sum"]].isna().all(axis=None)
    found = verified(tmp_path, problems, [output], 2)
    assert found == [[IDS[0], 2, 1], [IDS[1], 2, 2], [IDS[2], 2, 1]]
    cell = pd.read_csv(tmp_path / "s.csv").set_index("measure")["value"]
    assert cell["samples"] == 6 and pd.isna(cell["cut_off"]) and pd.isna(cell["mean_tokens"])


def test_published_responses_are_verified_shard_by_shard(tmp_path, problems):
    seeds = []
    for seed, answers in enumerate(["258", "288", "151"]):
        texts = [[f"\\boxed{{{answer}}}", f"seed {seed}"] for answer in answers]
        cut = [
            published(i, [False] * 2, texts[i], finish_reason=["stop", "length"]) for i in range(3)
        ]
        seeds.append(lines(tmp_path / f"seed{seed}.jsonl", *reversed(cut)))
    shards = [tmp_path / f"shard-{number}.parquet" for number in range(2)]
    sharded = ["--to", "samples", "--problems", problems, "--shard-size", 3]
    for number, shard in enumerate(shards):
        assert run("published", seeds, shard, *sharded, "--shard", number) == 0
    assert read_records(shards[1], "sample")["sample_index"].tolist() == [3, 4, 5] * 3
    found = verified(tmp_path, problems, shards, 6)
    assert found == [[IDS[0], 6, 2], [IDS[1], 6, 2], [IDS[2], 6, 2]]
    tally = pd.read_csv(tmp_path / "tally.csv").set_index("verdict")
    assert tally.loc["truncated", "samples"] == 9


def test_samples_that_are_missing_are_named(tmp_path, capsys, problems):
    made = [published(i, [True] * (4 - i % 2)) for i in range(3)]
    file = lines(tmp_path / "a.jsonl", *made)
    options = ["--to", "samples", "--problems", problems]
    told = refused(capsys, tmp_path, "published", file, *options)
    assert "problem sums/0001: has 3 samples" in told and "--shard-size 3 takes" in told
    told = refused(capsys, tmp_path, "published", file, *options, "--shard-size", 4)
    assert "problem sums/0001: sample 3 is missing (1 such" in told
    bare = lines(tmp_path / "b.jsonl", *[{"idx": i, "score": [True]} for i in range(3)])
    assert "has no text (3 such" in refused(capsys, tmp_path, "published", bare, *options)


def test_half_a_surrogate_pair_becomes_the_replacement_character(tmp_path, problems):
    made = [f'{{"problem_id": {i}, "text": "\\ud83d\\ude00 \\ud800 \\u0000"}}' for i in range(3)]
    output = tmp_path / "samples.parquet"
    file = lines(tmp_path / "a.jsonl", *made)
    assert run("jsonl", file, output, "--to", "samples", "--problems", problems) == 0
    assert read_records(output, "sample")["text"].tolist() == ["\U0001f600 � \0"] * 3


def test_the_same_files_make_the_same_file_wherever_they_lie(tmp_path, problems):
    made = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        file = lines(tmp_path / folder / "a.jsonl", *[published(i, [True]) for i in range(3)])
        made.append(tmp_path / folder / "samples.parquet")
        assert run("published", file, made[-1], "--to", "samples", "--problems", problems) == 0
    assert made[0].read_bytes() == made[1].read_bytes()
