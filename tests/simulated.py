"""Pairs of models whose success rates are known, and what their curves truly are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

POPULATION = 200_000  # problems that stand for all


class World(NamedTuple):
    """A population of problems: the chance that a sample is right, of base and model."""

    name: str
    base: np.ndarray
    model: np.ndarray

    def truth(self, ks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """pass@k of both, over the whole population."""
        return tuple(
            np.array([np.mean(1 - (1 - rates) ** k) for k in ks])
            for rates in (self.base, self.model)
        )

    def draw(self, problems: int, n: int, rng: np.random.Generator) -> list[pd.DataFrame]:
        """Count records of both on the same problems, n samples of each."""
        chosen = rng.integers(POPULATION, size=problems)
        names = [f"p{number}" for number in range(problems)]
        return [
            pd.DataFrame({"problem_id": names, "n": n, "correct": rng.binomial(n, rates[chosen])})
            for rates in (self.base, self.model)
        ]


def make_world(name: str, base: tuple, model: tuple, lost: float = 0.0, seed: int = 0) -> World:
    """Rates from two beta distributions whose quantiles go together; the model never solves ``lost``."""
    rng = np.random.default_rng(seed)
    shared, own = rng.standard_normal((2, POPULATION))
    ranks = stats.norm.cdf([shared, 0.75 * shared + np.sqrt(1 - 0.75**2) * own])
    rates = [stats.beta(*shape).ppf(rank) for shape, rank in zip((base, model), ranks, strict=True)]
    rates[1] = np.where(rng.random(POPULATION) < lost, 0.0, rates[1])
    return World(name, *rates)


def worlds() -> list[World]:
    """Hard problems without a crossing, a crossing at middle k, and one near 1, where both solve most."""
    return [
        make_world("no crossing", (0.35, 1.2), (0.5, 0.8)),
        make_world("crossing", (0.35, 1.2), (0.3, 0.6), lost=0.12),
        make_world("near one", (1.0, 1.2), (1.0, 0.4), lost=0.02),
    ]
