"""How far six algorithms' lead over their base moves with the training's seed, beside its interval.

    python tests/benchmarks/seeds.py FOLDER [--seeds 3] [--algorithms grpo dapo ...]

In FOLDER a copy of the project is put, with a study of the miniature's base and, of each algorithm, the
catalogue's model and copies of it whose training has another seed and nothing else: mini-grpo-seed2,
mini-grpo-seed3. All are sampled with the seed of the study miniature-full, on arith and arith-long.
seeds.csv and seeds.md, in FOLDER and printed, have a row for each algorithm, benchmark and k (1 and n):
the difference of pass@k to the base by each seed, their least, mean and largest, the bootstrap interval
of the first seed's, which is for the choice of problems, and whether all seeds lie within it. The same
command goes on where it was, with the code that was copied at first: a change of code needs a new FOLDER.

With all six and three seeds it is about an hour on two cores. `--base CHECKPOINT` takes the base of a
finished study, which is not trained anew then; `--steps` and `--n` make a small one of it, to try it out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))

from config_files import BY_ALGORITHM, ROOT
from conftest import Checkout

NAME = "seeds"
BASE = "mini-base"
BENCHMARKS = ["arith", "arith-long"]
SAMPLING = "standard"
FIGURE = "fig_seeds"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--algorithms", nargs="+", choices=list(BY_ALGORITHM), default=list(BY_ALGORITHM)
    )
    parser.add_argument("--base", type=Path, help="checkpoint of mini-base")
    parser.add_argument("--steps", type=int, help="of every training (default: the catalogue's)")
    parser.add_argument("--n", type=int, default=256, help="samples of each problem")
    arguments = parser.parse_args()
    checkout = write_study(arguments)
    figure = f"results/{NAME}/figures/{FIGURE}.csv"
    # Of the copy and not of this checkout, should PYTHONPATH say so.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = checkout.command("--rerun-incomplete", figure)
    subprocess.run(command, cwd=checkout.path, env=environment, check=True)
    differences = pd.read_csv(checkout.path / figure)
    table = tabulate(differences, arguments)
    table.to_csv(arguments.folder / "seeds.csv", index=False)
    shown = in_markdown(table)
    (arguments.folder / "seeds.md").write_text(shown)
    print(shown)


def write_study(arguments: argparse.Namespace) -> Checkout:
    """A copy of the project, or the one that is there, with the study of these seeds in it."""
    path = arguments.folder.resolve() / "project"
    arguments.folder.mkdir(parents=True, exist_ok=True)
    checkout = Checkout(path) if path.exists() else Checkout.of_project(path)
    models = read_config("models.yaml")
    if arguments.base:
        del models[BASE]["pretrain"]
        models[BASE]["path"] = str(arguments.base.resolve())
    for algorithm in arguments.algorithms:
        model = models[BY_ALGORITHM[algorithm]]
        if arguments.steps:
            model["rlvr"] = model["rlvr"] | {"steps": arguments.steps}
        for seed in range(2, arguments.seeds + 1):
            models[name_of(algorithm, seed)] = model | {
                "label": f"{model['label']}, seed {seed}",
                "rlvr": model["rlvr"] | {"seed": seed},
            }
    full = read_config("studies/miniature-full.yaml")
    sampling = full["sampling"][SAMPLING]
    sampling["shard_size"] = min(sampling["shard_size"], arguments.n)
    study = {
        "bootstrap": full["bootstrap"],
        "sampling": {SAMPLING: sampling},
        "figures": {FIGURE: {"kind": "difference", "cells": [cell_of(arguments)]}},
    }
    write_config(checkout, "models.yaml", models)
    write_config(checkout, f"studies/{NAME}.yaml", study)
    write_config(checkout, "config.yaml", read_config("config.yaml") | {"study": NAME})
    return checkout


def read_config(file: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config" / file).read_text())


def write_config(checkout: Checkout, file: str, document: dict[str, Any]) -> None:
    (checkout.path / "config" / file).write_text(yaml.safe_dump(document, sort_keys=False))


def cell_of(arguments: argparse.Namespace) -> dict[str, Any]:
    trained = [
        name_of(algorithm, seed)
        for algorithm in arguments.algorithms
        for seed in range(1, arguments.seeds + 1)
    ]
    return {
        "models": [BASE, *trained],
        "benchmarks": BENCHMARKS,
        "sampling": SAMPLING,
        "n": arguments.n,
    }


def name_of(algorithm: str, seed: int) -> str:
    """The catalogue's models are those of the first seed."""
    return BY_ALGORITHM[algorithm] + (f"-seed{seed}" if seed > 1 else "")


def tabulate(differences: pd.DataFrame, arguments: argparse.Namespace) -> pd.DataFrame:
    """A row for each algorithm, benchmark and k, in points of pass@k."""
    of = differences.set_index(["model", "benchmark", "k"])
    rows = []
    for algorithm in arguments.algorithms:
        for benchmark in BENCHMARKS:
            for k in (1, arguments.n):
                seeds = {
                    seed: 100 * of.at[(name_of(algorithm, seed), benchmark, k), "difference"]
                    for seed in range(1, arguments.seeds + 1)
                }
                first = of.loc[(BY_ALGORITHM[algorithm], benchmark, k)]
                low, high = 100 * first["low_bootstrap"], 100 * first["high_bootstrap"]
                rows.append(
                    {"algorithm": algorithm, "benchmark": benchmark, "k": k}
                    | {f"seed_{seed}": value for seed, value in seeds.items()}
                    | {
                        "least": min(seeds.values()),
                        "mean": sum(seeds.values()) / len(seeds),
                        "largest": max(seeds.values()),
                        "low_bootstrap": low,
                        "high_bootstrap": high,
                        "within": low <= min(seeds.values()) and max(seeds.values()) <= high,
                    }
                )
    return pd.DataFrame(rows)


def in_markdown(table: pd.DataFrame) -> str:
    """The table with one decimal; points of pass@k."""
    shown = table.astype({"within": object}).replace({"within": {True: "yes", False: "no"}})
    rows = [shown.columns, ["---"] * len(shown.columns)]
    rows += [
        [f"{value:.1f}" if isinstance(value, float) else str(value) for value in row]
        for row in shown.itertuples(index=False)
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
