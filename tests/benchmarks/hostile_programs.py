"""Many programs, three in ten hostile: are the verdicts on the others right, does anything grow or stay?

    python tests/benchmarks/hostile_programs.py --programs 10000

Reports wrong verdicts on honest programs, the servers' memory at the beginning and at the end, and the
processes and files that are left behind.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "sandbox"))

from attacks import ATTACKS
from boundary.verification.judge import Judge, pose
from boundary.verification.policy import Policy

POLICY = Policy(program_seconds=0.3, program_megabytes=300)
WAITS = ("sleep", "wait for a lock", "threads", "report flood")  # that end by the clock alone
HOSTILE = 0.3


def servers() -> dict[int, float]:
    """Resident megabytes of the servers in the sandboxes."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            status = (folder / "status").read_text()
        except OSError:
            continue
        if b"inside.server" in command and b"bwrap" not in command:
            kilobytes = status.partition("VmRSS:")[2].split()[0]
            found[int(folder.name)] = int(kilobytes) / 1024
    return found


def main() -> None:
    """Run them in blocks, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    draw = random.Random(1)
    attacks = [attack.code for name, attack in ATTACKS.items() if name not in WAITS]
    tests = [{"input": f"{n}\n", "output": f"{n * n}\n", "testtype": "stdin"} for n in (2, 3)]
    posed = pose("null", POLICY, None, json.dumps({"public": tests}))
    honest, asked = {}, []
    for number in range(arguments.programs):
        if draw.random() < HOSTILE:
            asked.append((posed, f"{draw.choice(attacks)}\n# {number}"))
            continue
        right = draw.random() < 0.5
        honest[number] = "correct" if right else "wrong"
        asked.append((posed, f"n = int(input())\nprint(n * {'n' if right else 5})\n# {number}"))
    files = set(Path(tempfile.gettempdir()).iterdir())
    begun = time.perf_counter()
    sizes, decisions = [], []
    with Judge("boundary", workers=arguments.workers, domain="code") as judge:
        for at in range(0, len(asked), 500):
            decisions += judge.decide(asked[at : at + 500])
            sizes.append(servers())
            print(
                f"{at + 500:6d} {time.perf_counter() - begun:7.1f} s  MB {sizes[-1]}",
                file=sys.stderr,
            )
    wrong = [n for n, expected in honest.items() if decisions[n].outcome != expected]
    hostile = [d.outcome for n, d in enumerate(decisions) if n not in honest]
    left = {path.name for path in set(Path(tempfile.gettempdir()).iterdir()) - files}
    print(f"{len(honest)} honest programs, {len(wrong)} wrong verdicts on them")
    print(f"{len(hostile)} hostile ones, {hostile.count('correct')} of them called correct")
    print(f"servers' resident memory, MB: {sizes[0]} after 500 programs, {sizes[-1]} at the end")
    print(f"servers left: {len(servers())}; files left: {sorted(left)}")
    print(f"{len(asked) / (time.perf_counter() - begun):.1f} programs/s")


if __name__ == "__main__":
    main()
