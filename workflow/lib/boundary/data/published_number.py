"""A number that others have published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Published:
    """pass@k of a model on a benchmark, or which problems it solved, as ``source`` has it.

    ``value`` is a share: pass@k for ``k``, or, where there are ``ids`` of solved problems, their share of
    the ``problems`` at k = n; None where the ids are those of a ``part`` of the benchmark. ``settings``
    has n and, where they are told, temperature, top_p, max_tokens and template.
    """

    model: str
    benchmark: str
    k: int
    value: float | None
    source: str
    settings: dict[str, Any]
    ids: tuple[int, ...] | None = None
    problems: int | None = None
    part: str | None = None
