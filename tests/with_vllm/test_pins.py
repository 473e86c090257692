import subprocess
import sys

from conftest import ROOT


def test_pins_are_complete_and_those_that_are_installed():
    envs = ROOT / "envs"
    command = [sys.executable, envs / "resolve.py", "--check", envs / "vllm-cpu.yaml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
