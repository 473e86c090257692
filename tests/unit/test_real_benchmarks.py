"""Real benchmark files through the code that loads the catalogue's, in place of the network's.

The Minerva at hand has its golds in solutions, and the OlympiadBench at hand is the authors' own file of
675 rows; the others have the rows of the catalogue's.
"""

import json
from functools import cache

import pytest
import yaml
from boundary.cli import main
from boundary.data.records import read_provenance, read_records
from boundary.study.benchmark import read_benchmark
from boundary.study.documents import check_document
from boundary.verification.judge import pose
from boundary.verification.policy import Policy, read_policy
from boundary.verification.verifiers import boundary
from config_files import ROOT
from real_golds import BENCHMARK_FILES, GOLDS

pytestmark = pytest.mark.skipif(
    BENCHMARK_FILES is None, reason="the variable BENCHMARK_FILES names no folder of real files"
)

ROWS = {"gsm8k": 1319, "math500": 500, "minerva": 272, "olympiad": 675, "aime24": 30, "amc23": 40}
IN_SOLUTIONS = {"question": "problem", "gold": "solution", "gold_in": "last_box"}
# How the files at hand differ from the catalogue's.
CHANGES = {"minerva": {"fields": IN_SOLUTIONS}, "olympiad": {"rows": 675}}
# Digests of what the catalogue does not pin, since the hub's file is not this one, or not known to be.
DIGESTS = {
    "minerva": "d757f5bfa772903f32f9c2f66743c1fcac31db0c0549b0a920a4f0d3742c61e2",
    "olympiad": "078c9877a85951e4ec1ec8bd02978396ef67901f22e3673294b65dd2ce72ca36",
    "amc23": "db364a988dcc33fae5799875c919a125a4717fb1a9a347f80c236ad2d8c0ede7",
}


@cache
def entry(name):
    """The catalogue's entry with a file in place of its hub, as a person would write it."""
    file = ROOT / "config/benchmarks.yaml"
    catalogue = yaml.safe_load(file.read_text())
    changed = {
        **catalogue[name],
        "path": str(BENCHMARK_FILES / GOLDS[name][0]),
        **CHANGES.get(name, {}),
    }
    schema = ROOT / "workflow/schemas/benchmarks.schema.yaml"
    return read_benchmark(name, check_document({name: changed}, file, schema)[name], name)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Problem records and provenance by benchmark, written by the stage."""
    found = {}
    for name in GOLDS:
        output = tmp_path_factory.mktemp(name) / "problems.parquet"
        arguments = entry(name).source_arguments
        assert main(["benchmarks", "--name", name, *arguments, "--output", str(output)]) == 0
        found[name] = read_records(output, "problem"), read_provenance(output)
    return found


@pytest.mark.parametrize("name", GOLDS)
def test_all_rows_become_problems(loaded, name):
    problems, provenance = loaded[name]
    assert len(problems) == ROWS[name] and problems["problem_id"].is_unique
    assert problems["question"].str.strip().ne("").all()
    golds = [json.loads(gold) for gold in problems["gold"]]
    assert all(isinstance(gold, str) and gold.strip() for gold in golds)
    pinned = entry(name).settings.get("sha256") or DIGESTS[name]
    assert provenance["problems_sha256"] == pinned
    file, gold_of = GOLDS[name]
    rows = map(json.loads, (BENCHMARK_FILES / file).read_text().splitlines())
    assert golds == [gold_of(row) for row in rows]


@pytest.mark.parametrize("name", GOLDS)
def test_every_gold_verifies_against_itself(loaded, name):
    policy = read_policy(json.loads(entry(name).policy))
    wrong = []
    for problem in loaded[name][0].itertuples():
        posed = pose(problem.gold, policy, problem.meta)
        decision = judged(posed, f"So it is $\\boxed{{{', '.join(posed.gold)}}}$.")
        if decision.outcome != "correct":
            wrong.append((problem.problem_id, posed.gold, posed.policy.unit, decision))
    assert wrong == []


def judged(posed, response):
    """What the study's own verifier decides, all in this process."""
    answer = boundary.find(response, posed.policy).answer
    arguments = posed.gold, answer, posed.policy
    return boundary.decide_cheaply(*arguments) or boundary.decide(*arguments)


@pytest.mark.parametrize("name", ["math500", "minerva"])
def test_every_published_solution_is_right(loaded, name):
    policy = read_policy(json.loads(entry(name).policy))
    lines = (BENCHMARK_FILES / GOLDS[name][0]).read_text().splitlines()
    solutions = [json.loads(line)["solution"] for line in lines]
    golds = loaded[name][0]["gold"]
    outcomes = [judged(pose(g, policy), s).outcome for g, s in zip(golds, solutions, strict=True)]
    assert outcomes == ["correct"] * ROWS[name]


def test_numbers_count_and_not_how_they_are_written(loaded):
    for name, how in (("amc23", lambda g: g.removesuffix(".0")), ("aime24", lambda g: str(int(g)))):
        for gold in loaded[name][0]["gold"]:
            written = how(json.loads(gold))
            assert judged(pose(gold, Policy()), f"\\boxed{{{written}}}").outcome == "correct"


def verification(problems):
    return [json.loads(meta).get("verification", {}) for meta in problems["meta"]]


def test_olympiad_has_several_answers_units_and_a_tolerance(loaded):
    settings = verification(loaded["olympiad"][0])
    assert sum(own.get("several") == "list" for own in settings) == 94
    units = [own["unit"] for own in settings if "unit" in own]
    assert sorted(units) == sorted(
        ["^{\\circ}", "minute", "km", "$cm^2$", "km/h", "min", "minutes", "%"]
    )
    assert [own for own in settings if "tolerance" in own] == [{"tolerance": 0.1, "unit": "%"}]


def test_oddities_of_the_others(loaded):
    golds = {
        name: [json.loads(gold) for gold in problems["gold"]]
        for name, (problems, _) in loaded.items()
    }
    assert all(gold.endswith(".0") for gold in golds["amc23"])
    assert [gold for gold in golds["aime24"] if gold.startswith("0")] == [
        "025", "073", "023", "045", "033", "080", "055"
    ]  # fmt: skip
    assert sum("," in gold for gold in golds["gsm8k"]) == 14 and "1,450,000" in golds["gsm8k"]
    assert "4.5e33" in golds["minerva"]


def test_humaneval_is_of_the_format_of_its_successor(tmp_path):
    output = tmp_path / "problems.parquet"
    file = str(BENCHMARK_FILES / "HumanEval.jsonl.gz")
    arguments = ["--path", file, "--format", "humaneval_plus", "--rows", "164"]
    assert main(["benchmarks", "--name", "humaneval", *arguments, "--output", str(output)]) == 0
    problems = read_records(output, "problem")
    assert problems["problem_id"].is_unique and set(problems["domain"]) == {"code"}
    assert problems["question"].str.strip().ne("").all()
    for gold, tests in zip(problems["gold"], problems["tests"], strict=True):
        tests = json.loads(tests)
        compile(f"{json.loads(gold)}\n{tests['code']}", "program", "exec")
        assert f"def {tests['entry_point']}(" in json.loads(gold) and "def check(" in tests["code"]
