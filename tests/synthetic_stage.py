"""The sample stage with an engine that needs no model, to be killed, starved of disk, and weighed.

    python tests/synthetic_stage.py FOLDER --size 100 [--characters 50] [--pause 0.001]

Writes FOLDER/shard.parquet by way of FOLDER/kept, and says into FOLDER/drawn, line by line, what was
drawn and when samples had been flushed. Prints its peak memory in megabytes.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from pathlib import Path

import pandas as pd
from boundary.data.journal import Journal
from boundary.errors import BoundaryError
from boundary.sampling import shard as stage
from boundary.sampling.engine import Completion, Engine, SamplingParameters
from boundary.sampling.prompts import Template

PROBLEMS = pd.DataFrame(
    {"problem_id": [f"p{i}" for i in range(20)], "question": "?", "images": None}
)


class SyntheticEngine(Engine):
    def __init__(self, characters, pause, log):
        self.characters, self.pause, self.log = characters, pause, log

    def describe(self):
        return {"engine": "synthetic"}

    def sample(self, requests, parameters, seed):
        for request in requests:
            for index in request.sample_indices:
                time.sleep(self.pause)
                text = random.Random(f"{seed} {request.problem_id} {index}").randbytes(
                    self.characters // 2
                )
                self.log.write(f"drawn {request.problem_id} {index}\n".encode())
                yield [
                    Completion(request.problem_id, index, text.hex(), [index], 1, "stop", -1.0, 1)
                ]


def synthetic_shard(size):
    return stage.Shard(
        *("synthetic", "r", "b", 1, "q", "t", Template("{question}")),
        *(SamplingParameters(1.0, 1.0, 9), "auto", None, 0, 0, size),
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--characters", type=int, default=50)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--seconds-between-flushes", type=float, default=0.2)
    arguments = parser.parse_args()
    stage.SECONDS_BETWEEN_FLUSHES = arguments.seconds_between_flushes
    arguments.folder.mkdir(exist_ok=True, parents=True)
    log = Path(f"{arguments.folder}.drawn").open("ab", buffering=0)  # noqa: SIM115  # until the end
    append = Journal.append

    def logged_append(journal, entries):
        places = append(journal, entries)
        if "problem_id" in entries[-1]:  # and no header, nor the line of an attempt
            log.write(b"flushed\n")
        return places

    Journal.append = logged_append
    try:
        stage.draw_shard(
            synthetic_shard(arguments.size),
            PROBLEMS,
            lambda: SyntheticEngine(arguments.characters, arguments.pause, log),
            keep=arguments.folder / "kept",
            output=arguments.folder / "shard.parquet",
        )
    except BoundaryError as error:
        print(error, file=sys.stderr)
        return 1
    # And not getrusage's, which begins with the memory of the process that started this one.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(peak) // 1024)
    return 0


if __name__ == "__main__":
    sys.exit(main())
