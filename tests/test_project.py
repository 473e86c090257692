"""The project's own rules: style, pins and documents."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from boundary.cli import STAGES, build_parser, main
from boundary.stages.sample import EXAMPLES

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
VLLM = ROOT / "envs" / "vllm.yaml", ROOT / "envs" / "vllm-cpu.yaml"
VERL_CPU = (ROOT / "envs" / "verl-cpu.yaml",)  # each of the three asks for versions of its own
VERL = (ROOT / "envs" / "verl.yaml",)


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["snakefmt", "--check", "Snakefile", "workflow/rules"],
        ["snakemake", "--lint"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_style(command):
    tool, *arguments = command
    if tool == "ruff":  # an executable that its package only starts
        command = [sys.executable, "-m", "ruff", *arguments]
    else:
        command = [str(Path(sys.executable).parent / tool), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pins_are_complete_and_those_that_are_installed():
    done = subprocess.run(
        [sys.executable, ROOT / "envs" / "resolve.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def owner(file):
    """Which environments have to agree with a file's."""
    return next((others for others in (VLLM, VERL_CPU, VERL) if file in others), ENVIRONMENTS)


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_environments_are_exact_and_agree(file):
    versions = {}
    together = [path for path in ENVIRONMENTS if owner(path) == owner(file)]
    for path in together:
        for entry in chosen(path) if file in VLLM else pins(path):
            name, version = entry.split("==")
            versions.setdefault(name.lower(), set()).add(version)
    for entry in pins(file):
        assert re.fullmatch(r"[\w.-]+==[\w.]+", entry)
        assert len(versions.get(entry.split("==")[0].lower(), [entry])) == 1
    conda = [
        entry
        for entry in yaml.safe_load(file.read_text())["dependencies"]
        if isinstance(entry, str)
    ]
    assert all(re.fullmatch(r"[\w.-]+=[\d.]+", entry) for entry in conda)


def chosen(file):
    """The pins that a person chose: not what they require, which a GPU decides for vLLM."""
    return re.findall(r"- (\S+==\S+)", file.read_text().split("# required by the above")[0])


def pins(file):
    return yaml.safe_load(file.read_text())["dependencies"][-1]["pip"]


def test_every_rule_names_an_environment_that_exists_and_a_log():
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        rules = re.split(r"^(?:rule|checkpoint) (\w+):", file.read_text(), flags=re.MULTILINE)
        for name, body in zip(rules[1::2], rules[2::2], strict=True):
            environment = re.search(r'conda:\s+(?:"(.+\.yaml)"|environment_of\b)', body)
            assert environment, name
            if environment[1]:
                assert (file.parent / environment[1]).resolve() in ENVIRONMENTS
            assert "log:" in body, name


def test_files_and_functions_stay_small():
    assert len((ROOT / "workflow/rules/common.smk").read_text().splitlines()) < 150
    for file in (ROOT / "workflow" / "lib").rglob("*.py"):
        assert len(file.read_text().splitlines()) <= 400, file
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{file}: {node.name}"


def test_pins_do_not_depend_on_the_build_of_torch():
    resolved = {entry.split("==")[0] for file in ENVIRONMENTS for entry in pins(file)}
    assert not {name for name in resolved if name.startswith(("nvidia", "cuda", "triton"))}


@pytest.mark.parametrize(
    "option",
    [
        ("--temperature", "-1"),
        ("--temperature", "nan"),
        ("--top-p", "0"),
        ("--top-p", "1.5"),
        ("--max-tokens", "0"),
        ("--seed", "-1"),
        ("--shard", "-1"),
        ("--shard-size", "0"),
        ("--gpus", "-1"),
        ("--max-model-len", "1"),
        ("--gpu-memory-utilization", "0"),
        ("--threads", "none"),
    ],
)
def test_what_is_out_of_range_is_a_usage_error(capsys, option):
    needed = ["--model", "m", "--problems", "p", "--template", "t", "--output", "o"]
    with pytest.raises(SystemExit) as raised:
        main(["sample", *needed, *option])
    assert raised.value.code == 2
    said = capsys.readouterr().err
    assert f"argument {option[0]}: found" in said and "expected" in said


def test_the_examples_of_the_help_are_commands_that_exist(tmp_path):
    """All but the abbreviated ones, which stand for those above them."""
    examples = EXAMPLES.replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in examples if line.strip().startswith("boundary ")]
    parsed = [
        build_parser().parse_args(command[1:]) for command in commands if "..." not in command
    ]
    assert {arguments.stage for arguments in parsed} == {"benchmarks", "models", "sample"}
    assert len(parsed) >= 5


def test_the_readme_answers_a_newcomer():
    readme = (ROOT / "README.md").read_text()
    beginning = "\n".join(readme.splitlines()[:10])
    assert "post-training" in beginning and "?" in beginning
    for needed in (
        "make figures",
        "make test",
        "workflow/report/miniature.png",
        "config/README.md",
    ):
        assert needed in readme
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(
    "stage",
    ["", *STAGES],
)
def test_help_helps(stage):
    done = subprocess.run(
        [sys.executable, "-m", "boundary", *stage.split(), "--help"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "workflow" / "lib"), "PATH": ""},
    )
    assert done.returncode == 0 and "usage: boundary" in done.stdout


def test_a_missing_argument_is_told_before_any_work(tmp_path, capsys):
    for source in (["--hub", "a/b"], ["--pretrain", '{"steps": 1}']):
        assert (
            main(["models", "--name", "m", *source, "--output", str(tmp_path / "model.json")]) == 1
        )
        assert f"boundary models: {source[0]} needs --" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help_and_study_need_no_heavy_import():
    code = (
        "import sys, pathlib; from boundary.cli import build_parser; build_parser();"
        "from boundary.study.load import load_study;"
        f"root = pathlib.Path({str(ROOT)!r});"
        "load_study('miniature', root / 'config', root / 'workflow/schemas');"
        "print([m for m in ('torch', 'transformers', 'pandas', 'sympy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_what_the_readme_shows_of_a_comparison_is_what_it_prints(tmp_path):
    readme = (ROOT / "README.md").read_text()
    command, shown = re.search(
        r"    \$ boundary (compare .+)\n((?:(?:    .*)?\n)+)", readme
    ).groups()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "boundary",
            *shlex.split(command)[:-1],
            str(tmp_path / "comparison"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "workflow" / "lib"), "PATH": "", "HOME": str(tmp_path)},
    )
    printed = done.stdout.replace(str(tmp_path), "results")
    assert done.returncode == 0, done.stderr
    assert [line.strip() for line in shown.strip().splitlines()] == [
        line.strip() for line in printed.strip().splitlines()
    ]
