"""Stands in for `conda` where Snakemake deploys environments: test machines cannot reach conda's channels.

It answers the calls that Snakemake makes. An environment is a venv of this Python, which has to be of the
minor version that the file pins, with the file's pip pins. What these require and the file does not pin is
an error, where conda would have pip take whatever is newest.

A command `conda` in ``<base>/bin``, with `activate` beside it, is to call `main`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import yaml
from packaging.utils import canonicalize_name
from pins import LEFT_TO_TORCH, pip_pins

# Each Python of an environment notes the command it was started with, for tests to read.
NOTE = """import sys
with open(sys.prefix + "/commands", "a") as file:
    print(*sys.orig_argv, file=file)
"""


def check_python(file: Path) -> None:
    """End the program if the file asks for another Python, or for what is not from pip."""
    *packages, _ = yaml.safe_load(file.read_text())["dependencies"]
    python = f"python={sys.version_info.major}.{sys.version_info.minor}."
    for package in packages:
        if not package.startswith((python, "pip=")):
            sys.exit(f"{package}: this stand-in has only {python}* and pip")


def create(file: Path, prefix: Path) -> None:
    """Build the environment at ``prefix``; ends the program if it cannot, or if pins are missing."""
    check_python(file)
    pins = pip_pins(file)
    venv.create(prefix)
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def pip(*arguments: str) -> str:
        command = [sys.executable, "-m", "pip", "--python", str(prefix / "bin" / "python")]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=outside)
        if done.returncode:
            sys.exit("".join(re.findall(r"^ERROR: .*\n", done.stderr, re.MULTILINE)) or done.stdout)
        return done.stdout

    # Python compiles what is imported, and pip would compile all of torch.
    requirements = [f"{name}=={version}" for name, version in pins.items()]
    pip("install", "--quiet", "--no-compile", *requirements)
    pip("check")
    there = {
        canonicalize_name(package["name"]) for package in json.loads(pip("list", "--format=json"))
    }
    if missing := sorted(name for name in there - set(pins) if not name.startswith(LEFT_TO_TORCH)):
        sys.exit(f"required, and not pinned: {', '.join(missing)}")
    (packages,) = prefix.glob("lib/python*/site-packages")
    (packages / "sitecustomize.py").write_text(NOTE)


def main(arguments: list[str]) -> None:
    """Answer one call."""
    base = Path(sys.argv[0]).resolve().parents[1]
    match arguments:
        case ["--version"]:
            print("conda 24.7.1")
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(base), "platform": "linux-64"}))
        case ["config", "--get", *_]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["config", "--set", *_] | ["clean", *_]:
            pass
        case ["env", "create", *options]:
            parser = argparse.ArgumentParser()
            parser.add_argument("--file", type=Path, required=True)
            parser.add_argument("--prefix", type=Path, required=True)
            known, _ = parser.parse_known_args(options)
            create(known.file, known.prefix)
        case _:
            sys.exit(f"this stand-in does not know: conda {' '.join(arguments)}")
