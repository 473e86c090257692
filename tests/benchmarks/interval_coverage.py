"""How often the intervals hold the truth, where the truth is known.

    python tests/benchmarks/interval_coverage.py [--replications 500] [--resamples 1000]

For worlds of simulated problems (tests/simulated.py), 30, 100 and 500 problems and some k: the share of
replications in which the interval of the base's pass@k, of the difference and of the crossing holds the
true value; by the score interval, which the tables show as low and high, by the bootstrap over problems,
and by that over problems and samples.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from boundary.estimation.comparison import compare
from boundary.estimation.coverage import pair_counts
from boundary.estimation.crossing import find_crossing
from simulated import worlds
from tqdm import tqdm

N = 128
SHOWN = (1, 4, 16, 64, 128)
KINDS = {"score": "", "bootstrap": "_bootstrap", "samples": "_samples"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    rows = []
    for world in worlds():
        for problems in (30, 100, 500):
            rows += measure(world, problems, arguments.replications, arguments.resamples)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))


def measure(world, problems: int, replications: int, resamples: int) -> list[dict]:
    ks = np.arange(1, N + 1)
    base, model = world.truth(ks)
    crossing = find_crossing(ks, model - base)
    rng = np.random.default_rng(problems)
    shown = np.array(SHOWN) - 1
    held: dict[tuple, list] = {}
    crossed: dict[str, list] = {"crossing": [], "crossing_bootstrap": []}
    for seed in tqdm(range(replications), desc=f"{world.name}, {problems} problems"):
        pairs = pair_counts(*world.draw(problems, N, rng), common_only=False)
        result = compare(pairs, resamples=resamples, level=0.95, seed=seed)
        for what, table, truth in (
            ("pass@k", result.base, base),
            ("difference", result.difference, model - base),
        ):
            for kind, suffix in KINDS.items():
                inside = table[f"low{suffix}"].le(truth + 1e-9) & table[f"high{suffix}"].ge(
                    truth - 1e-9
                )
                held.setdefault((what, kind), []).append(inside.to_numpy()[shown])
        measures = result.measures.set_index("measure")
        for name, found in crossed.items():
            found.append(measures.loc[name, "low"] <= crossing <= measures.loc[name, "high"])
    rows = [
        {"world": world.name, "problems": problems, "of": what, "interval": kind}
        | dict(zip((f"k={k}" for k in SHOWN), np.mean(values, axis=0), strict=True))
        for (what, kind), values in held.items()
    ]
    for name, found in crossed.items():
        kind = "bootstrap" if "bootstrap" in name else "score"
        rows.append(
            {"world": world.name, "problems": problems, "of": f"crossing at {crossing:.0f}"}
            | {"interval": kind, "k=1": np.mean(found)}
        )
    return rows


if __name__ == "__main__":
    main()
