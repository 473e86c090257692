import importlib
import re
from dataclasses import fields, replace
from typing import get_args, get_type_hints

import pytest
import yaml
from boundary.cli import main
from boundary.errors import BoundaryError
from boundary.estimation import ESTIMATORS
from boundary.exhibits.kinds import FIGURES, KINDS, STATISTICS, TABLES
from boundary.exhibits.style import ROLE_ORDER
from boundary.exhibits.tables import LAYOUTS
from boundary.miniature.pictures import CELLS as CELLS_OF_A_PICTURE
from boundary.study import code_digest, documents
from boundary.study.benchmark import MOST_OPERANDS
from boundary.study.documents import load_document
from boundary.study.load import RESERVED, load_study
from boundary.study.model import Role
from boundary.study.sources import OF_KIND
from boundary.study.study import Cell
from boundary.verification.policy import Policy
from boundary.verification.verifiers import VERIFIERS
from config_files import ROOT, SCHEMAS, edit


def test_the_default_study_loads(config):
    study = load_study("miniature", config, SCHEMAS)
    figure = study.exhibits["fig_pass_at_k"]
    cell = Cell("mini-base", "arith", "standard.seed1", 256)
    assert cell in figure.cells and len(figure.cells) == 6
    assert list(study.shards(cell)) == [0, 1]
    assert study.template("mini-base", "standard.seed1") == "mini"
    described = study.describe(figure.cells[1])
    assert described["role"] == "rlvr" and described["benchmark_label"] == "arith (3-4 operands)"


def test_a_group_of_cells_may_name_verifiers(config):
    verifiers = ["published", "boundary"]

    def name_verifiers(study):
        figure = study["figures"]["fig_pass_at_k"]
        figure["cells"] = [figure["cells"][0] | {"verifiers": verifiers}]

    edit(config / "studies/miniature.yaml", name_verifiers)
    study = load_study("miniature", config, SCHEMAS)
    cells = study.exhibits["fig_pass_at_k"].cells
    assert len(cells) == 8 and len({replace(cell, verifier="boundary") for cell in cells}) == 4
    described = map(study.describe, cells)
    assert [row["verifier"] for row in described] == verifiers * 4
    assert {cell.verifier for cell in study.exhibits["table_verdicts"].cells} == {"boundary"}


def test_the_agreement_is_that_of_second_opinions(config):
    edit(
        config / "studies/miniature.yaml",
        lambda d: d["tables"]["table_agreement"]["cells"][0].pop("verifiers"),
    )
    with pytest.raises(BoundaryError, match="name the second opinions"):
        load_study("miniature", config, SCHEMAS)


def test_a_policy_does_not_depend_on_the_order_of_its_keys(config):
    policies = []
    for settings in ({"digits": 5, "unit": "m"}, {"unit": "m", "digits": 5}):
        edit(config / "benchmarks.yaml", study_change(("arith", "verification"), settings))
        benchmarks = load_study("miniature", config, SCHEMAS).catalogue.benchmarks
        policies.append(benchmarks["arith"].policy)
    assert policies[0] == policies[1] == '{"digits": 5, "unit": "m"}'
    assert benchmarks["arith-long"].policy == "{}"


def test_the_schema_of_verification_is_that_of_the_policy():
    """In names and in values; defaults stand in the policy alone."""
    schema = yaml.safe_load((SCHEMAS / "benchmarks.schema.yaml").read_text())
    described = schema["additionalProperties"]["properties"]["verification"]["properties"]
    types = get_type_hints(Policy)
    assert list(described) == [field.name for field in fields(Policy)] == list(types)
    kinds = {str: "string", int: "integer", float: "number"}
    for name, entry in described.items():
        assert "default" not in entry
        if "$ref" in entry:
            entry = schema["$defs"][entry["$ref"].rsplit("/", 1)[1]]
        expected = types[name]
        if entry.get("type") == "array":
            assert get_args(expected)[1] is ...
            entry, expected = entry["items"], get_args(expected)[0]
        if "enum" in entry:
            assert entry["enum"] == list(get_args(expected))
        else:
            assert entry["type"] == kinds[expected]
    table = (ROOT / "config" / "README.md").read_text().split("| `verification.….` | default |")[1]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table.split("\n\n")[0], flags=re.MULTILINE)
    shown = {name: default.strip("`[]") for name, default in rows}
    for field in fields(Policy):
        default = field.default
        written = ", ".join(default) if isinstance(default, tuple) else str(default or "none")
        assert shown[field.name] == (
            f"{default:g}" if isinstance(default, int | float) else written
        )
    schema = yaml.safe_load((SCHEMAS / "study.schema.yaml").read_text())
    verifiers = schema["$defs"]["cells"]["items"]["properties"]["verifiers"]
    assert verifiers["default"] == list(VERIFIERS[:1])


def test_a_policy_by_hand_is_checked_as_one_of_the_catalogue(tmp_path, capsys):
    train = ["models", "--name", "m", "--path", str(tmp_path), "--output", str(tmp_path / "m.json")]
    for policy, message in (
        ('{"percnt": "scales"}', "unknown key 'percnt'. Did you mean 'percent'"),
        ('{"degrees": "never"}', "degrees: unknown value 'never'"),
        ("[]", "verification: top level: found []; expected object"),
    ):
        assert main([*train, "--policy", policy]) == 1
        assert message in capsys.readouterr().err


def test_raising_n_keeps_the_first_shards(config):
    study = load_study("miniature", config, SCHEMAS)
    small, large = (Cell("mini-base", "arith", "standard.seed1", n) for n in (128, 512))
    assert list(study.shards(large))[:1] == list(study.shards(small))


def test_a_benchmark_may_have_shards_of_another_size(config):
    edit(
        config / "studies/miniature.yaml",
        lambda d: d["sampling"]["standard"].update(shard_sizes={"arith": 64}),
    )
    study = load_study("miniature", config, SCHEMAS)
    for benchmark, shards in (("arith", 4), ("arith-long", 2)):
        assert len(study.shards(Cell("mini-base", benchmark, "standard.seed1", 256))) == shards
    study.subsets["scored"] = replace(study.subsets["scored"], responses=65)
    for benchmark, shards in (("arith", 2), ("arith-long", 1)):
        scored = study.scored_shards("mini-base", benchmark, "standard.seed1", "scored")
        assert len(scored) == shards
    probes = study.probes("matched.seed1")
    assert {probe.shard_size_of("arith") for probe in probes} == {65}


def test_a_sampling_may_replace_the_template(config):
    edit(
        config / "studies/miniature.yaml",
        lambda d: d["sampling"]["standard"].update(template="simplerl"),
    )
    assert (
        load_study("miniature", config, SCHEMAS).template("mini-base", "standard.seed1")
        == "simplerl"
    )


def study_change(path, value):
    def change(document):
        *parents, last = path
        for key in parents:
            document = document[key]
        document[last] = value

    return change


CELLS = ("figures", "fig_pass_at_k", "cells", 0)
MISTAKES = [
    (
        "studies/miniature.yaml",
        (*CELLS, "verifiers"),
        ["boundary", "math-verify"],
        r"cells\.0: unknown verifier 'math-verify'\. Did you mean 'math_verify'",
    ),
    (
        "studies/miniature.yaml",
        ("tables", "table_agreement", "cells", 0, "verifiers"),
        ["published", "boundary"],
        r"table_agreement\.cells: agreement compares second opinions with boundary.* "
        r"name the second opinions: verifiers: \[math_verify, published\]",
    ),
    (
        "studies/miniature.yaml",
        ("tables", "table_samples", "cells", 0, "verifiers"),
        ["published"],
        r"table_samples\.cells: found the verifier 'published', and samples are the same under every",
    ),
    (
        "benchmarks.yaml",
        ("arith", "verification"),
        {"percnt": "scales"},
        r"arith\.verification: unknown key 'percnt'\. Did you mean 'percent'",
    ),
    (
        "benchmarks.yaml",
        ("arith", "verification"),
        {"units": "require"},
        r"arith\.verification\.units: unknown value 'require'\. Did you mean 'required'",
    ),
    (
        "benchmarks.yaml",
        ("arith", "verification"),
        {"sets": "ignored"},
        r"arith\.verification\.sets: unknown value 'ignored'\. Allowed: optional, required",
    ),
    (
        "benchmarks.yaml",
        ("arith", "verification"),
        {"digits": 0},
        r"verification\.digits: 0 is less",
    ),
    ("benchmarks.yaml", ("arith", "verification"), {"answer_in": []}, r"verification\.answer_in: "),
    (
        "studies/miniature.yaml",
        (*CELLS, "models", 0),
        "mini-bse",
        r"figures\.fig_pass_at_k\.cells\.0: unknown model 'mini-bse'\. Did you mean 'mini-base'",
    ),
    (
        "studies/miniature.yaml",
        (*CELLS, "benchmarks", 0),
        "arit",
        r"unknown benchmark 'arit'\. Did you mean 'arith'",
    ),
    (
        "studies/miniature.yaml",
        (*CELLS, "sampling"),
        "standrd",
        r"unknown sampling 'standrd'\. Did you mean 'standard'",
    ),
    (
        "studies/miniature.yaml",
        (*CELLS, "n"),
        100,
        r"cells\.0\.n: found 100; expected a multiple of shard_size 128",
    ),
    (
        "studies/miniature.yaml",
        (*CELLS, "n"),
        128_128,
        r"cells\.0\.n: found 128128, which is 1001 shards by shard_size 128 .* raise its shard_size",
    ),
    (
        "studies/miniature.yaml",
        ("sampling", "standard", "shard_sizes"),
        {"arith": 100},
        r"cells\.0\.n: found 256; expected a multiple of shard_size 100",
    ),
    (
        "studies/miniature.yaml",
        ("sampling", "standard", "shard_sizes"),
        {"arth": 32},
        r"sampling\.standard\.shard_sizes: unknown benchmark 'arth'\. Did you mean 'arith'",
    ),
    (
        "studies/miniature.yaml",
        (*CELLS, "n"),
        "many",
        r"cells\.0\.n: found 'many'; expected integer",
    ),
    (
        "studies/miniature.yaml",
        ("figures", "fig_pass_at_k", "kind"),
        "pass_at_j",
        r"figures\.fig_pass_at_k\.kind: unknown kind 'pass_at_j'\. Did you mean 'pass_at_k'",
    ),
    (
        "studies/miniature.yaml",
        ("figures", "fig_pass_at_k", "captoin"),
        "x",
        r"figures\.fig_pass_at_k: unknown key 'captoin'\. Did you mean 'caption'",
    ),
    (
        "studies/miniature.yaml",
        ("sampling", "standard", "template"),
        "minni",
        r"sampling\.standard\.template: unknown template 'minni'\. Did you mean 'mini'",
    ),
    (
        "studies/miniature.yaml",
        ("sampling", "standard", "top_p"),
        1.5,
        r"sampling\.standard\.top_p: 1\.5 is greater than the maximum of 1",
    ),
    (
        "studies/miniature.yaml",
        ("bootstrap", "level"),
        "95%",
        r"bootstrap\.level: found '95%'; expected number",
    ),
    (
        "studies/miniature.yaml",
        ("tables", "fig_pass_at_k"),
        {
            "kind": "verdicts",
            "cells": [
                {"models": ["mini-base"], "benchmarks": ["arith"], "sampling": "standard", "n": 128}
            ],
        },
        r"tables\.fig_pass_at_k: a figure has this name",
    ),
    (
        "models.yaml",
        ("mini-grpo", "base"),
        "mini-bsae",
        r"models\.yaml: mini-grpo\.base: unknown model 'mini-bsae'",
    ),
    (
        "models.yaml",
        ("mini-base", "base"),
        "mini-grpo",
        r"trained from itself: mini-base <- mini-grpo <- mini-base",
    ),
    (
        "models.yaml",
        ("mini-grpo", "template"),
        "mni",
        r"mini-grpo\.template: unknown template 'mni'\. Did you mean 'mini'",
    ),
    (
        "models.yaml",
        ("mini-grpo", "rlvr", "problems"),
        "arith-trian",
        r"mini-grpo\.rlvr\.problems: unknown benchmark 'arith-trian'\. Did you mean 'arith-train'",
    ),
    (
        "models.yaml",
        ("mini-grpo", "rlvr", "algorithm"),
        "grop",
        r"rlvr\.algorithm: unknown value 'grop'\. Did you mean 'grpo'",
    ),
    (
        "models.yaml",
        ("mini-grpo", "rlvr", "algorithm"),
        "ppo",
        r"mini-grpo\.rlvr: needs value_learning_rate, which the algorithm ppo has",
    ),
    (
        "models.yaml",
        ("mini-grpo", "rlvr", "clip_high"),
        0.28,
        r"mini-grpo\.rlvr: found clip_high, which only the algorithm dapo has",
    ),
    (
        "models.yaml",
        ("mini-grpo-160", "step_of", "step"),
        480,
        r"mini-grpo-160\.step_of\.step: found 480; expected fewer than the 480 steps of mini-grpo-480",
    ),
    (
        "models.yaml",
        ("mini-grpo-160", "step_of", "model"),
        "mini-base",
        r"mini-grpo-160\.step_of\.model: mini-base is not trained on verified rewards here",
    ),
    (
        "models.yaml",
        ("mini-grpo-160", "step_of", "model"),
        "mini-gppo-480",
        r"unknown model with an rlvr or verl recipe 'mini-gppo-480'\. Did you mean 'mini-grpo-480'",
    ),
    (
        "models.yaml",
        ("mini-grpo-160", "base"),
        "mini-code-base",
        r"mini-grpo-160: found base mini-code-base and .* expected those of mini-grpo-480, mini-base",
    ),
    (
        "models.yaml",
        ("mini-distill", "finetune", "teacher", "model"),
        "mini-reference",
        r"mini-distill\.finetune\.teacher\.model: mini-reference has no weights here",
    ),
    (
        "models.yaml",
        ("mini-distill", "finetune", "teacher", "model"),
        "mini-code-base",
        r"mini-code-base answers prompts of the template mini-code; expected those of mini, which",
    ),
    (
        "models.yaml",
        ("mini-distill", "finetune", "teacher", "model"),
        "mini-distill",
        r"mini-distill: it would be trained from itself: mini-distill <- mini-distill",
    ),
    (
        "models.yaml",
        ("mini-distill", "finetune", "teacher", "problems"),
        "arith",
        r"mini-distill\.finetune\.teacher\.problems: 'arith' holds test problems",
    ),
    (
        "models.yaml",
        ("mini-distill", "base"),
        "mini-reference",
        r"mini-distill\.base: mini-reference has no weights here",
    ),
    (
        "models.yaml",
        ("mini-instruct", "finetune", "corpus", "habits"),
        {"precedence": 0.9},
        r"mini-instruct\.finetune\.corpus\.habits: found .* expected shares that sum to 1",
    ),
    (
        "models.yaml",
        ("mini-instruct", "finetune", "teacher"),
        {"model": "mini-teacher", "problems": "arith-train", "responses": 1, "max_tokens": 8},
        r"mini-instruct\.finetune: needs exactly one of 'corpus' with 'documents', 'teacher'",
    ),
    (
        "models.yaml",
        ("mini-base", "path"),
        "/x",
        r"mini-base: needs exactly one of 'pretrain', 'rlvr', 'verl', 'finetune', 'step_of', 'hub'",
    ),
    (
        "models.yaml",
        ("mini-base", "pretrain", "learning_rate"),
        "1e-3",
        r"learning_rate: found '1e-3'; expected number\. YAML reads 1e-3 as text: write 0\.001",
    ),
    (
        "models.yaml",
        ("own",),
        {"label": "x", "family": "f", "role": "bsae", "template": "mini", "path": "/x"},
        r"own\.role: unknown value 'bsae'\. Did you mean 'base'",
    ),
    (
        "models.yaml",
        ("own",),
        {
            "label": "x",
            "family": "f",
            "role": "base",
            "template": "mini",
            "hub": "a/b",
            "revision": "v1",
        },
        r"own\.revision: found 'v1'; expected: The hub repository's full commit hash",
    ),
    (
        "models.yaml",
        ("own",),
        {"label": "x", "role": "base", "template": "mini", "path": "/x"},
        r"own: missing the key 'family'",
    ),
    (
        "benchmarks.yaml",
        ("arith", "generate", "partition"),
        "tset",
        r"partition: unknown value 'tset'\. Did you mean 'test'",
    ),
    (
        "models.yaml",
        ("own",),
        {"label": "x", "family": "f", "role": "base", "template": "mini", "hub": "a/b"},
        r"own: 'revision' is a dependency of 'hub'",
    ),
    (
        "models.yaml",
        ("mini-grpo", "rlvr", "problems"),
        "arith",
        r"mini-grpo\.rlvr\.problems: 'arith' holds test problems",
    ),
    (
        "models.yaml",
        ("mini-grpo", "rlvr", "updates_per_step"),
        64,
        r"mini-grpo\.rlvr\.updates_per_step: found 64; expected at most problems_per_step, 32",
    ),
    (
        "studies/miniature.yaml",
        (*CELLS, "n"),
        256.0,
        r"cells\.0\.n: found 256\.0; expected integer",
    ),
    (
        "studies/miniature.yaml",
        ("sampling", "standard", "temperature"),
        float("nan"),
        r"sampling\.standard\.temperature: found nan; expected number",
    ),
    ("models.yaml", (7,), {}, r"a key must be a text, found 7; quote it"),
    ("models.yaml", ("mini-base", "base"), "gone", r"mini-base\.base: unknown model 'gone'"),
    (
        "benchmarks.yaml",
        ("arith", "generate", "operands"),
        [4, 3],
        r"arith\.generate\.operands: found \[4, 3\]; expected the smallest",
    ),
    (
        "benchmarks.yaml",
        ("functions", "generate", "operands"),
        [3, 4],
        r"functions\.generate\.operands: found \[3, 4\], and the world functions has none; leave it out",
    ),
    (
        "benchmarks.yaml",
        ("functions", "generate", "world"),
        "arithmetic",
        r"functions\.generate: needs operands, such as \[3, 4\]; or name a world without them",
    ),
    (
        "benchmarks.yaml",
        ("functions", "generate", "world"),
        "function",
        r"functions\.generate\.world: unknown value 'function'\. Did you mean 'functions'",
    ),
    (
        "models.yaml",
        ("mini-code-base", "pretrain", "corpus", "habits"),
        {"both_examples": 0.5, "precedence": 0.5},
        r"mini-code-base\.pretrain\.corpus\.habits: found precedence, which no author of the world "
        r"functions has; expected some of both_examples, first_example",
    ),
    (
        "models.yaml",
        ("mini-code-base", "pretrain", "corpus", "operands"),
        [3, 4],
        r"mini-code-base\.pretrain\.corpus\.operands: found \[3, 4\], and the world functions has none",
    ),
    (
        "models.yaml",
        ("mini-base", "pretrain", "corpus", "habits", "precedence"),
        0.5,
        r"mini-base\.pretrain\.corpus\.habits: found .*; expected shares that sum to 1",
    ),
    (
        "models.yaml",
        ("mini-base", "pretrain", "architecture", "heads"),
        3,
        r"mini-base\.pretrain\.architecture: found hidden_size 128 and 3 heads",
    ),
    (
        "prompts.yaml",
        ("mini",),
        "{question} \\boxed{}",
        r"prompts\.yaml: mini: found the placeholders",
    ),
    ("prompts.yaml", ("mini",), "{question} {x}", r"expected \{question\} and no other"),
    ("prompts.yaml", ("mini",), "{{question}}", r"mini: found the placeholders \[\]"),
    ("prompts.yaml", ("mini",), "{question} {", r"mini: found the placeholders"),
    ("benchmarks.yaml", ("arith", "generate", "operands"), [3], r"arith\.generate\.operands"),
]


@pytest.mark.parametrize(("file", "path", "value", "message"), MISTAKES)
def test_a_mistake_names_file_key_found_and_allowed(config, file, path, value, message):
    edit(config / file, study_change(path, value))
    with pytest.raises(BoundaryError, match=message) as caught:
        load_study("miniature", config, SCHEMAS)
    assert file in str(caught.value)


def test_a_figure_cannot_have_the_name_of_a_rule(config):
    cells = [{"models": ["mini-base"], "benchmarks": ["arith"], "sampling": "standard", "n": 128}]
    change = study_change(("figures", "estimate"), {"kind": "pass_at_k", "cells": cells})
    edit(config / "studies/miniature.yaml", change)
    with pytest.raises(
        BoundaryError, match=r"figures\.estimate: a rule of the workflow has this name"
    ):
        load_study("miniature", config, SCHEMAS)
    rules = {
        name
        for file in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
        for name in re.findall(r"^(?:rule|checkpoint) (\w+):", file.read_text(), flags=re.MULTILINE)
    }
    assert rules == RESERVED


def test_merge_keys_are_no_repeated_keys():
    document = yaml.load("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: {<<: *a}", documents._UniqueKeyLoader)
    assert document == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


def test_an_unknown_study_names_those_that_exist(config):
    with pytest.raises(BoundaryError, match=r"no such file\. Did you mean 'miniature'"):
        load_study("minature", config, SCHEMAS)


def test_repeated_keys_and_broken_yaml_are_named_with_their_line(config):
    file = config / "prompts.yaml"
    file.write_text("a: '{question}'\nb: '{question}'\na: '{question}!'\n")
    with pytest.raises(BoundaryError, match=r"(?s)prompts\.yaml.*'a' stands twice.*line 3"):
        load_document(file, SCHEMAS / "prompts.schema.yaml")
    file.write_text("a: {{question}}")
    with pytest.raises(BoundaryError, match=r"(?s)prompts\.yaml: not valid YAML"):
        load_document(file, SCHEMAS / "prompts.schema.yaml")
    file.write_bytes(b"a: \xff")
    with pytest.raises(BoundaryError, match=r"(?s)prompts\.yaml: not valid YAML"):
        load_document(file, SCHEMAS / "prompts.schema.yaml")
    file.write_text("a: [")
    with pytest.raises(BoundaryError, match=r"(?s)prompts\.yaml: not valid YAML.*line 1"):
        load_document(file, SCHEMAS / "prompts.schema.yaml")


def test_all_mistakes_of_a_file_are_told_at_once(config):
    edit(config / "models.yaml", study_change(("mini-base", "role"), "x"))
    edit(config / "models.yaml", study_change(("mini-base", "pretrain", "steps"), 0))
    with pytest.raises(BoundaryError) as caught:
        load_study("miniature", config, SCHEMAS)
    assert len(str(caught.value).splitlines()) == 2


def undescribed(schema, place=""):
    """Properties without a description, their own or the one that they refer to."""
    for name, entry in schema.get("properties", {}).items():
        if "description" not in entry and "$ref" not in entry:
            yield f"{place}.{name}"
        yield from undescribed(entry, f"{place}.{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from undescribed(schema["additionalProperties"], place + ".*")
    for name, entry in schema.get("$defs", {}).items():
        yield from undescribed(entry, name)
    if "items" in schema:
        yield from undescribed(schema["items"], place + "[]")


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.yaml")), ids=lambda p: p.name)
def test_every_key_is_described_and_no_other_allowed(schema):
    document = yaml.safe_load(schema.read_text())
    assert list(undescribed(document)) == []
    text = schema.read_text()
    assert len(re.findall(r"type: .*\bobject\b", text)) == text.count("additionalProperties")


def test_every_named_statistic_figure_and_table_exists():
    for name in ESTIMATORS:
        assert callable(importlib.import_module(f"boundary.estimation.{name}").estimate)
    for name in FIGURES:
        assert callable(importlib.import_module(f"boundary.exhibits.{name}").draw)
    for name, kind in TABLES.items():
        assert (name in LAYOUTS) != bool(kind.modules)  # laid out by what makes its rows
        assert all(importlib.import_module(module) for module in kind.modules)


def test_the_lists_that_go_by_the_kinds_agree_with_them():
    kinds = {(of, name): kind for of, named in KINDS.items() for name, kind in named.items()}
    assert {kind.statistic for kind in kinds.values()} == set(STATISTICS)
    assert all(STATISTICS[name].from_counts for name in ESTIMATORS)
    assert set(OF_KIND) <= set(kinds)
    # What lies elsewhere than a cell's or a pair's statistic.
    assert {key for key, kind in kinds.items() if kind.scores or kind.of_models} <= set(OF_KIND)


def test_what_is_said_twice_is_said_alike():
    models = yaml.safe_load((SCHEMAS / "models.schema.yaml").read_text())["additionalProperties"]
    roles = models["properties"]["role"]["enum"]
    assert list(get_args(Role)) == roles == list(ROLE_ORDER)
    assert 2 * MOST_OPERANDS - 1 == CELLS_OF_A_PICTURE  # digits, and operators between them


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules: a imports b inside a function; c stands alone."""
    folder = tmp_path / "boundary"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text("def f():\n    from boundary.b import g\n    return g()\n")
    (folder / "b.py").write_text("import os\n\ndef g():\n    return 1\n")
    (folder / "c.py").write_text("x = 1\n")
    monkeypatch.setattr(code_digest, "PACKAGE", folder)

    def digest(module):
        for cached in (
            code_digest.code_digest,
            code_digest._tree,
            code_digest._syntax,
            code_digest._imports,
        ):
            cached.cache_clear()
        return code_digest.code_digest(module)

    yield folder, digest
    digest("boundary.c")


def test_code_digest_follows_imports_and_ignores_comments(package):
    folder, digest = package
    before = {module: digest(f"boundary.{module}") for module in "abc"}
    (folder / "b.py").write_text("import os\n# a remark\ndef g():\n    return (1)\n")
    assert {module: digest(f"boundary.{module}") for module in "abc"} == before
    (folder / "b.py").write_text("import os\n\ndef g():\n    return 2\n")
    after = {module: digest(f"boundary.{module}") for module in "abc"}
    assert [before[m] != after[m] for m in "abc"] == [True, True, False]


def add_model(config, name, **settings):
    described = {"label": "l", "family": "f", "role": "base", "template": "mini"}
    edit(config / "models.yaml", lambda models: models.update({name: described | settings}))


@pytest.mark.parametrize(
    ("settings", "environment", "arguments"),
    [
        ({}, "vllm", ["--engine=auto"]),
        ({"gpus": 4}, "vllm", ["--engine=auto", "--gpus=4"]),
        ({"gpus": 0}, "sample", ["--engine=auto", "--gpus=0"]),
        ({"engine": "vllm", "gpus": 0}, "vllm", ["--engine=vllm", "--gpus=0"]),
        ({"engine": "transformers"}, "sample", ["--engine=transformers"]),
        ({"endpoint": {"url": "http://h/v1", "model": "m"}}, "sample", ["--engine=openai"]),
    ],
)
def test_a_model_says_what_samples_it(config, settings, environment, arguments):
    source = {} if "endpoint" in settings else {"path": "/data/m"}
    add_model(config, "mine", **source, **settings)
    model = load_study("miniature", config, SCHEMAS).catalogue.models["mine"]
    assert (model.environment, model.engine_arguments) == (environment, arguments)
    assert model.gpus == settings.get("gpus", 0 if "endpoint" in settings else 1)


@pytest.mark.parametrize(
    ("model", "benchmark", "message"),
    [
        (
            "mini-grpo",
            "arith-visual",
            "arith-visual have pictures, and mini-grpo was pre-trained here",
        ),
        ("mini-vl-grpo", "arith", "'mini-visual', which shows a picture .* of arith have none"),
    ],
)
def test_pictures_and_those_who_look_at_them_go_together(config, model, benchmark, message):
    cells = {"models": [model], "benchmarks": [benchmark], "sampling": "standard", "n": 128}
    figure = {"kind": "pass_at_k", "cells": [cells]}
    edit(config / "studies/miniature.yaml", lambda d: d["figures"].update(mine=figure))
    with pytest.raises(BoundaryError, match=message):
        load_study("miniature", config, SCHEMAS)


def test_a_filter_asks_no_template_with_a_picture_about_texts(config):
    edit(
        config / "studies/miniature.yaml",
        lambda study: study["filters"]["guessable"].update(
            model="mini-vl-base", sampling="standard", n=128
        ),
    )
    with pytest.raises(BoundaryError, match=r"filters.guessable: mini-vl-base .* shows a picture"):
        load_study("miniature", config, SCHEMAS)


@pytest.mark.parametrize("model", ["mini-grpo", "mini-distill"])
def test_a_training_on_texts_has_no_template_with_a_picture(config, model):
    edit(config / "models.yaml", lambda models: models[model].update(template="mini-visual"))
    edit(
        config / "models.yaml", lambda models: models["mini-teacher"].update(template="mini-visual")
    )
    with pytest.raises(BoundaryError, match=f"{model}.template: mini-visual shows a picture"):
        load_study("miniature", config, SCHEMAS)


def test_limits_of_pixels_are_in_order(config):
    add_model(config, "mine", path="/data/m", min_pixels=78400, max_pixels=784)
    with pytest.raises(BoundaryError, match="mine: found min_pixels 78400 and max_pixels 784"):
        load_study("miniature", config, SCHEMAS)


def test_an_endpoint_is_asked_about_no_pictures(config):
    add_model(config, "far", endpoint={"url": "http://h/v1", "model": "m"})
    cells = {"models": ["far"], "benchmarks": ["arith-visual"], "sampling": "standard", "n": 128}
    figure = {"kind": "pass_at_k", "cells": [cells]}
    edit(config / "studies/miniature.yaml", lambda d: d["figures"].update(mine=figure))
    with pytest.raises(
        BoundaryError, match=r"mine.* arith-visual have pictures, and far is an end"
    ):
        load_study("miniature", config, SCHEMAS)


def test_settings_beside_an_endpoint_are_refused(config):
    endpoint = {"url": "http://h/v1", "model": "m"}
    add_model(config, "far", endpoint=endpoint, dtype="float16", gpus=0)
    with pytest.raises(BoundaryError, match=r"far: found dtype, gpus beside an endpoint"):
        load_study("miniature", config, SCHEMAS)


def test_what_may_be_a_secret_is_not_repeated(config):
    endpoint = {"url": "https://me:hush123@h/v1", "model": "m", "key_variable": "sk-hush123"}
    add_model(config, "far", endpoint=endpoint)
    with pytest.raises(BoundaryError) as raised:
        load_study("miniature", config, SCHEMAS)
    said = str(raised.value)
    assert "far.endpoint.key_variable: expected: Name, in capitals" in said
    assert "far.endpoint.url: expected: Where the API begins" in said and "hush123" not in said
