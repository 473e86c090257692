"""Write, or check, the resolved part of every environment file beside this script.

A person edits the packages that a stage imports, above the mark; below it stand all the packages
that those require, at the versions found in the environment that runs this script:

    python envs/resolve.py [FILE ...]           rewrites the files
    python envs/resolve.py --check [FILE ...]   says which are out of date, exit code 1

Without FILE, all but vLLM's and VeRL's, which have environments of their own (they ask for other versions).
vllm.yaml and verl.yaml need CUDA to be installed: they were resolved by `pip install --dry-run --report`.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# What torch needs of CUDA depends on its build (none of it on a CPU), and torch pins it itself.
LEFT_TO_TORCH = ("nvidia-", "cuda-", "triton")
# vLLM needs these for pictures and sound; on a CPU it does without, and their builds do not fit torch's.
NOT_ON_CPU = ("torchvision", "torchaudio", "torchcodec")
MARK = "      # required by the above"
PIN = re.compile(r"^ {6}- (?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)$", re.MULTILINE)


def requirements(name: str, extras: frozenset[str]) -> set[tuple[str, frozenset[str]]]:
    """Names and extras that an installed package requires on this platform."""
    found = set()
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        wanted = [{"extra": extra} for extra in extras or {""}]
        required = canonicalize_name(requirement.name)
        if required.startswith(LEFT_TO_TORCH) or required in NOT_ON_CPU:
            continue
        if requirement.marker is None or any(map(requirement.marker.evaluate, wanted)):
            found.add((required, frozenset(requirement.extras)))
    return found


def closure(direct: set[str]) -> set[str]:
    """All packages that ``direct`` require, without themselves."""
    seen: set[tuple[str, frozenset[str]]] = set()
    pending = {(name, frozenset[str]()) for name in direct}
    while pending:
        package = pending.pop()
        seen.add(package)
        pending |= requirements(*package) - seen
    return {name for name, _ in seen} - direct


def resolve(text: str) -> str:
    """The file's text with its resolved part written anew."""
    chosen = text.split(MARK)[0].rstrip("\n")
    pins = {canonicalize_name(pin["name"]): pin["version"] for pin in PIN.finditer(chosen)}
    for name, version in pins.items():
        installed = distribution(name).version.split("+")[0]  # +cpu names a build
        if installed != version:
            sys.exit(
                f"{name}: {installed} is installed and {version} is pinned; install the pins first"
            )
    required = sorted(closure(set(pins)))
    lines = [f"      - {name}=={distribution(name).version.split('+')[0]}" for name in required]
    return "\n".join([chosen, MARK, *lines]) + "\n"


def main() -> int:
    """Resolve the files; with --check, write nothing."""
    check = "--check" in sys.argv
    named = [Path(argument) for argument in sys.argv[1:] if argument != "--check"]
    folder = Path(__file__).parent
    stale = []
    apart = {*folder.glob("vllm*.yaml"), *folder.glob("verl*.yaml")}
    for file in named or sorted(set(folder.glob("*.yaml")) - apart):
        text = file.read_text()
        resolved = resolve(text)
        if resolved != text:
            stale.append(file.name)
            if not check:
                file.write_text(resolved)
    found = "out of date" if check else "rewritten"
    print(f"{found}: {', '.join(stale)}" if stale else "up to date")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
