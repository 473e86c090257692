"""Run all attacks in one sandbox and write how each ended, as JSON: for tests that run as another user."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing

from attacks import ATTACKS
from boundary.sandbox.client import Run, Sandbox
from boundary.sandbox.inside.isolation import Limits

LIMITS = Limits(seconds=0.5, megabytes=300, patience=2.0, output=1 << 20)
HONEST = Run("print(int(input()) * 2)", "main", LIMITS, stdin="21\n")


def how(ending) -> str:
    """How a run ended, in one word: a limit, an exception, killed or exited."""
    if ending.ended != "exited":
        return ending.ended
    report = ending.report if isinstance(ending.report, dict) else {}
    if "raised" in report:
        return report["raised"]
    return "killed" if ending.status < 0 else "exited"


def main() -> None:
    """Run them, each followed by an honest program."""
    found = {}
    with closing(Sandbox()) as sandbox:
        for name, attack in ATTACKS.items():
            ending = sandbox.run(Run(attack.code, "main", LIMITS))
            printed = ending.stdout.decode("utf-8", "replace")[:1000]
            after = sandbox.run(HONEST).stdout.decode()
            found[name] = {"how": how(ending), "printed": printed, "after": after}
    json.dump({"user": os.geteuid(), "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
