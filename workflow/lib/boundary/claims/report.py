"""Answers to the claims, for machines and for readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from boundary.claims.findings import Finding
from boundary.claims.judgement import Answer

COLUMNS = ("claim", "statement", "answer", "why", "measured", "effect", "finding", "cells", "note")
HOW_TO_READ = (
    "A claim is contradicted if any finding contradicts it, supported if every finding supports it and "
    "each of its parts has one, not tested without any finding, and undecided otherwise. A finding is "
    "decided by its interval alone, never by an estimate. Intervals are pointwise and not adjusted for the "
    "number of findings: support is the harder to get the more findings there are, and one contradiction "
    "among many findings may be chance. Differences are the first cell's less the second's."
)


def to_json(answers: Sequence[Answer]) -> dict[str, Any]:
    """``how_to_read`` and, for each of ``claims``, what its Answer and its findings hold.

    Every number is one that JSON has: what is undefined or infinite is null.
    """
    return {"how_to_read": HOW_TO_READ, "claims": [_plain(asdict(answer)) for answer in answers]}


def to_table(answers: Sequence[Answer]) -> pd.DataFrame:
    """A row for each finding, in words; one for a claim without any.

    Columns: claim (its number), measured, effect (with its interval and unit), finding (its answer),
    cells, note. A claim's first row has its statement, answer and why as well.
    """
    rows: list[dict[str, str]] = []
    for answer in answers:
        head = {
            "statement": answer.statement,
            "answer": answer.answer,
            "why": answer.why,
        }
        described = [_describe(finding) for finding in answer.findings] or [{}]
        for at, finding in enumerate(described):
            rows.append({"claim": str(answer.number)} | (head if at == 0 else {}) | finding)
    return pd.DataFrame(rows, columns=list(COLUMNS)).fillna("")


def _describe(finding: Finding) -> dict[str, str]:
    digits = 1 if finding.unit == "points" else 3
    value, low, high = (
        f"{number:.{digits}f}" for number in (finding.effect, finding.low, finding.high)
    )
    return {
        "measured": finding.measured,
        "effect": f"{value} [{low}, {high}]" + (" points" if finding.unit == "points" else ""),
        "finding": finding.answer,
        "cells": finding.cells,
        "note": finding.note,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
