"""A part of a cell: some of its problems, and some of the responses to each, chosen by a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from boundary.data.provenance import text_digest
from boundary.errors import BoundaryError


def choose_problems(
    problem_ids: Sequence[str], wanted: int | Sequence[str] | None, seed: int
) -> list[str]:
    """The problems of a subset, in the benchmark's order.

    ``wanted`` names them, or says how many to draw (all, if there are no more); None is all. Raises
    BoundaryError for a name that the benchmark does not have.
    """
    if wanted is None:
        return list(problem_ids)
    if isinstance(wanted, int):
        if wanted >= len(problem_ids):
            return list(problem_ids)
        places = _draw(len(problem_ids), wanted, f"{seed}")
        return [problem_ids[place] for place in places]
    known, chosen = set(problem_ids), set(wanted)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise BoundaryError(
            f"the subset names the problem {unknown[0]!r}, which the benchmark does not have (its first is "
            f"{problem_ids[0]!r}); name problems by their problem_id"
        )
    return [name for name in problem_ids if name in chosen]


def choose_responses(problem_id: str, n: int, wanted: int, seed: int) -> list[int]:
    """Sample indices of ``wanted`` of a problem's ``n`` responses, ascending; all, if there are no more.

    By the problem's name, so that another subset of problems chooses the same responses of each.
    """
    return list(range(n)) if wanted >= n else _draw(n, wanted, f"{seed} {problem_id}")


def _draw(among: int, wanted: int, key: str) -> list[int]:
    rng = np.random.default_rng(int(text_digest(key), 16))
    return sorted(rng.choice(among, size=wanted, replace=False).tolist())
