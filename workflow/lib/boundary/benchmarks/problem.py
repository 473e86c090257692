"""A problem as a format's module reads it off a row of a benchmark's file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """A problem record without its domain, which all problems of a format share.

    ``gold``, ``tests`` and ``meta`` are what JSON can hold; ``question`` is all that is posed, as the
    prompt template takes it in.
    """

    problem_id: str
    question: str
    gold: Any
    tests: Any = None
    images: tuple[bytes, ...] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
