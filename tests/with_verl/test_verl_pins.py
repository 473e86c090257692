import subprocess
import sys
from pathlib import Path

ENVS = Path(__file__).parents[2] / "envs"


def test_pins_are_complete_and_those_that_are_installed():
    command = [sys.executable, ENVS / "resolve.py", "--check", ENVS / "verl-cpu.yaml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
