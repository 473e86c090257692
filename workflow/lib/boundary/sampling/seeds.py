"""Seeds: a shard's, and the stream of uniform numbers that a sample draws its tokens from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from boundary.sampling.engine import Request


def _hash(document: Any, bits: int) -> int:
    text = json.dumps(document, sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[: bits // 8], "big")


def shard_seed(identity: dict[str, Any]) -> int:
    """64-bit seed of a shard: a hash of everything that says which samples these are.

    A hash and never a small number plus the shard's: neighbouring seeds make overlapping streams in
    engines that give their n-th sample the seed plus n.
    """
    return _hash(identity, 64)


def engine_seed(seed: int, requests: Sequence[Request]) -> int:
    """32-bit seed (NumPy takes no more) of an engine that has one for all that it is asked for.

    A hash of the shard's seed and of what is asked: an attempt that goes on after a crash asks for less
    than the one before and must not draw from the beginning of the same stream again.
    """
    asked = [[request.problem_id, *request.sample_indices] for request in requests]
    return _hash([seed, asked], 32)


def request_seed(seed: int, problem_id: str, sample_index: int) -> int:
    """48-bit seed of one sample at an endpoint: every JSON reader takes it for the same integer."""
    return _hash([seed, problem_id, sample_index], 48)


def stream_seed(seed: int, stream: str, number: int) -> int:
    """63-bit seed of the ``number``-th draw of a training, so that one is repeated without those before."""
    return _hash([seed, stream, number], 64) >> 1


def uniform_stream(seed: int, problem_id: str, sample_index: int, length: int) -> np.ndarray:
    """The sample's uniform numbers in [0, 1), float32 [length], whatever it is batched with."""
    key = _hash([seed, problem_id, sample_index], 128)
    return np.random.Generator(np.random.Philox(key=key)).random(length, dtype=np.float32)
