"""Placing pictures into a prompt: one placeholder token is written for each, and many are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from boundary.errors import BoundaryError

PLACEHOLDER = "<|image_pad|>"  # of Qwen-VL's kind


class Pictured(NamedTuple):
    """A problem's prompt as it is written, one placeholder a picture, and its pictures.

    ``images`` are encoded, and ``digests`` their SHA-256.
    """

    problem_id: str
    written_ids: list[int]
    images: tuple[bytes, ...]
    digests: tuple[str, ...]

    @property
    def digested(self) -> Iterator[tuple[str, bytes]]:
        """The pictures with their digests."""
        return zip(self.digests, self.images, strict=True)


def place_images(
    written: Sequence[int], placeholder: int, runs: Sequence[Sequence[int]]
) -> list[int]:
    """A prompt's tokens with the next of ``runs`` in place of each placeholder.

    Raises BoundaryError if there are not as many of both, or two stand side by side; the caller puts the
    problem before its message.
    """
    places = written.count(placeholder)
    if places != len(runs):
        raise BoundaryError(
            f"its prompt has {places} places for pictures, and the problem has {len(runs)} of them; take a "
            "prompt template that writes the model's placeholder, such as "
            f"<|vision_start|>{PLACEHOLDER}<|vision_end|>, once for each, and see that no question does"
        )
    if any(one == other == placeholder for one, other in pairwise(written)):
        raise BoundaryError(
            "its prompt has pictures with nothing between them, which models of Qwen-VL's kind take for "
            "one; write <|vision_end|><|vision_start|> between their placeholders"
        )
    placed: list[int] = []
    following = iter(runs)
    for token in written:
        placed += next(following) if token == placeholder else [token]
    return placed
