"""The temperature at which a model's output entropy is that of its base (the paper, appendix D.7).

RLVR lowers the entropy, and with it what many samples find. Compared at equal entropy, a model is not
behind for the sake of a temperature alone. Its entropy is known at the few temperatures that were sampled:
it is made to rise with them (isotonic regression), joined by a monotone cubic (PCHIP, Fritsch and Butland
1984), and the least temperature is taken at which the curve reaches the base's entropy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boundary.errors import BoundaryError
from boundary.estimation.bootstrap import (
    count_draws,
    draw_problems,
    percentile_interval,
    resampled_means,
)
from boundary.estimation.entropy import measure

DECIMALS = (
    3  # of a temperature: far below its interval, and the same when scores differ by rounding
)
HALVINGS = 60  # of a segment of temperatures, beyond what doubles tell apart

Side = Literal["", "above", "below"]
SIDES: tuple[Side, ...] = ("", "above", "below")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """A model's temperature for the base's entropy; entropies in nats, each with its interval.

    Where it is not ``reached``, ``temperature`` is the grid's nearest limit, and ``side`` tells where the
    target lies: above (what even the highest temperature gives) or below (the lowest). ``entropy`` is that
    of the curve at ``temperature``. ``probes`` hold temperature, entropy, low, high, responses, tokens.
    """

    temperature: float
    low: float
    high: float
    entropy: float
    target: float
    target_low: float
    target_high: float
    reached: bool
    side: Side
    probes: list[dict[str, float]]
    problems: int
    problems_left_out: int
    level: float


def match(
    target: pd.DataFrame,
    probes: Mapping[float, pd.DataFrame],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> Matched:
    """Find the temperature at which the mean entropy of ``probes`` is that of ``target``.

    All are tables of boundary.estimation.entropy.by_problem on the same problems: the base's at its
    sampling temperature, and the model's at each temperature. Problems without a scored response in one of
    them are left out of all. The temperature's interval is by bootstrap over problems, the same in all
    tables; a resample that ends at a limit of the grid counts as that limit.

    Raises BoundaryError for less than two temperatures, naming a problem that a table lacks, and if no
    problem is left.
    """
    if len(probes) < 2:
        raise BoundaryError(
            f"a temperature is matched between two or more that were sampled; found {len(probes)}"
        )
    grid = np.array(sorted(probes), dtype=np.float64)
    names = ["the base", *(f"the model at temperature {temperature:g}" for temperature in grid)]
    every = _alike([target, *(probes[temperature] for temperature in sorted(probes))], names)
    told = np.all([table["entropy"].notna() for table in every], axis=0)
    if not told.any():
        raise BoundaryError("no problem has a scored response of the base and at every temperature")
    tables = [table[told] for table in every]
    values = np.stack([table["entropy"].to_numpy(np.float64) for table in tables], axis=1)
    found = solve(grid, values.mean(axis=0)[None])
    drawn = count_draws(draw_problems(len(values), resamples, seed), len(values))
    means = np.concatenate([part for _, part in resampled_means(values, drawn)])
    resampled = solve(grid, means.T.astype(np.float64)).temperatures
    low, high = percentile_interval(resampled, level)
    temperature, side = round(float(found.temperatures[0]), DECIMALS), SIDES[int(found.sides[0])]
    return Matched(
        temperature,
        min(round(float(low), DECIMALS), temperature),
        max(round(float(high), DECIMALS), temperature),
        float(found.entropies[0]),
        *measure(tables[0], level),
        reached=not side,
        side=side,
        probes=[
            _describe(*probe, level=level) for probe in zip(grid.tolist(), tables[1:], strict=True)
        ],
        problems=len(values),
        problems_left_out=int((~told).sum()),
        level=level,
    )


def _alike(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> list[pd.DataFrame]:
    """``tables`` with the same problems in the same order, the first's."""
    ids = [pd.Index(table["problem_id"]) for table in tables]
    for own, name in zip(ids[1:], names[1:], strict=True):
        for missing, who, whom in (
            (ids[0].difference(own), name, names[0]),
            (own.difference(ids[0]), names[0], name),
        ):
            if len(missing):
                raise BoundaryError(
                    f"problem {missing[0]}: {who} has no scores of it, and {whom} has "
                    f"({len(missing)} such problems)"
                )
    return [table.set_index("problem_id").loc[ids[0]].reset_index() for table in tables]


def _describe(temperature: float, table: pd.DataFrame, level: float) -> dict[str, float]:
    entropy, low, high = measure(table, level)
    counts = {name: int(table[name].sum()) for name in ("responses", "tokens")}
    return {"temperature": temperature, "entropy": entropy, "low": low, "high": high, **counts}


class Solved(NamedTuple):
    """Of each row: the temperature, the curve's entropy there, and the place in SIDES of the target's."""

    temperatures: Floats
    entropies: Floats
    sides: NDArray[np.int64]


def solve(grid: Floats, entropies: Floats) -> Solved:
    """The temperatures at which curves reach their targets, or the limits of ``grid`` that are nearest.

    Each row of ``entropies`` [rows, 1 + temperatures] is a target and the entropies at ``grid``, ascending.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import isotonic_regression

    targets = entropies[:, 0]
    curves = np.stack([isotonic_regression(row).x for row in entropies[:, 1:]])
    above, below = targets > curves[:, -1], targets < curves[:, 0]
    # The first segment that ends at the target or beyond.
    segments = np.where(above, len(grid) - 2, np.argmax(curves[:, 1:] >= targets[:, None], axis=1))
    rows = np.arange(len(curves))
    cubics = PchipInterpolator(grid, curves, axis=1).c[:, segments, rows]
    low, high = np.zeros(len(curves)), np.diff(grid)[segments]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reached = _evaluate(cubics, middle) >= targets
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return Solved(
        np.select([above, below], [grid[-1], grid[0]], grid[segments] + high),
        np.select([above, below], [curves[:, -1], curves[:, 0]], _evaluate(cubics, high)),
        np.select([above, below], [1, 2], 0),
    )


def _evaluate(cubics: Floats, at: Floats) -> Floats:
    """Cubics [coefficients, rows], the highest power first, ``at`` so far into their segments."""
    values: Floats = ((cubics[0] * at + cubics[1]) * at + cubics[2]) * at + cubics[3]
    return values


def in_words(matched: Matched) -> str:
    """What was found, for a log."""
    target = f"the base's entropy of {matched.target:.3f}"
    if matched.reached:
        ends = f"[{matched.low:.3f}, {matched.high:.3f}]"
        return f"temperature {matched.temperature:.3f} {ends} gives {target}"
    than = {"above": "more than the highest", "below": "less than the lowest"}[matched.side]
    return (
        f"{target} is {than} temperature gives: {matched.entropy:.3f} at {matched.temperature:g}, which is "
        "taken"
    )


def to_document(matched: Matched) -> dict[str, Any]:
    """``matched`` as JSON has it: null for what is not a number."""
    document: dict[str, Any] = _finite(asdict(matched))
    return document


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
