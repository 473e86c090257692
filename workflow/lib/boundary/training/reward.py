"""The verifiable reward: 1 for a response that the study's own verifier finds correct."""

from __future__ import annotations

from boundary.verification.verdict import judge


def verified_reward(gold: str, text: str) -> float:
    """1.0 if the response's last box holds the gold answer (the record's JSON), else 0.0."""
    return float(judge(gold, text, finish_reason="stop").verdict == "correct")
