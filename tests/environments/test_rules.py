"""Each rule runs in the environment that its file describes, and in nothing else."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from config_files import ROOT

STAGES = {
    "analyse": {"analyse", "benchmarks", "figures", "import"},
    "benchmarks": {"benchmarks"},
    "sample": {"sample", "score"},
    "train": {"models"},
    "verify": {"verify"},
}


def prefix_of(conda, name):
    """The environment that was built of a file: Snakemake keeps a copy of the file beside it."""
    content = (ROOT / "envs" / f"{name}.yaml").read_text()
    (copy,) = (file for file in conda.environments.glob("*.yaml") if file.read_text() == content)
    return copy.with_suffix("")


def test_the_study_runs_to_its_figures_each_rule_in_its_own_environment(finished, conda):
    study = yaml.safe_load((finished.path / "config/studies/miniature.yaml").read_text())
    figures = {name for name, entry in study["figures"].items() if not entry.get("by_name")}
    assert {file.stem for file in (finished.results / "figures").glob("*.png")} == figures
    assert "fig_perplexity" in figures  # scored in its environment, too
    built = {folder.name for folder in conda.environments.iterdir() if folder.is_dir()}
    assert built == {prefix_of(conda, name).name for name in STAGES}


@pytest.mark.parametrize("name", STAGES)
def test_the_stages_of_an_environment_ran_in_it(finished, conda, name):
    commands = (prefix_of(conda, name) / "commands").read_text()
    assert set(re.findall(r"-m boundary (\w+)", commands)) == STAGES[name]


@pytest.mark.parametrize("name", STAGES)
def test_an_environment_holds_its_pins_and_nothing_of_the_driver(finished, conda, name):
    prefix = prefix_of(conda, name)
    code = (
        "import json, sys; from importlib.util import find_spec; "
        "print(sys.prefix, find_spec('snakemake'), find_spec('pytest'))"
    )
    done = subprocess.run(
        ["bash", "-c", f"source {conda.base}/bin/activate '{prefix}'; python -c \"{code}\""],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.split() == [str(prefix), "None", "None"], done.stderr


def broken(fresh, folder: Path, pin: str, instead: str):
    """A checkout with nothing run, whose environment of figures has another line in place of a pin."""
    checkout = fresh.copy(folder / "checkout")
    file = checkout.path / "envs" / "analyse.yaml"
    text = file.read_text()
    assert text.count(pin) == 1
    file.write_text(text.replace(pin, instead))
    return checkout


@pytest.mark.parametrize(
    ("pin", "instead", "told"),
    [
        ("      - pandas==3.1.1\n", "", "required, and not pinned: pandas"),
        ("pandas==3.1.1", "pandas==0.0.7", "No matching distribution found for pandas==0.0.7"),
    ],
    ids=["missing", "nowhere"],
)
def test_what_cannot_be_built_is_told_before_any_job(
    fresh, finished, conda, tmp_path, pin, instead, told
):
    checkout = broken(fresh, tmp_path, pin, instead)
    done = conda.snakemake(checkout, "fig_coverage")
    assert done.returncode != 0
    failures = re.findall(r"Could not create conda environment from (\S+):\n", done.stdout)
    assert [os.path.normpath(file) for file in failures] == [f"{checkout.path}/envs/analyse.yaml"]
    assert told in done.stdout
    assert not list(checkout.path.glob("results/miniature/*/*"))
