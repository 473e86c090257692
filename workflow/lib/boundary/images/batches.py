"""Showing a model pictures: those of one batch after another, or of all problems for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError
from boundary.images.placing import Pictured
from boundary.images.processing import ImageProcessor, ProcessedImage
from boundary.images.shown import show_images

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class ImageBatches:
    """Writes prompts for a model that reads pictures.

    Of the pictures of a batch those stay that the next one asks for again: a problem whose samples take
    several batches, one after the other, has its pictures processed once.
    """

    def __init__(self, model: PreTrainedModel, processor: ImageProcessor) -> None:
        self._shown = show_images(model)
        self._processor = processor
        self._processed: dict[str, ProcessedImage] = {}

    def read(self, prompts: Sequence[tuple[list[int], Pictured | None]]) -> list[list[int]]:
        """The prompts' token ids, in which pictures are those that the model is now shown.

        Raises BoundaryError naming the problem whose picture cannot be decoded.
        """
        kept, self._processed = self._processed, {}
        for _, pictured in prompts:
            for digest, encoded in pictured.digested if pictured else ():
                if digest not in self._processed:
                    assert pictured is not None
                    known = kept.get(digest)
                    self._processed[digest] = known or self._process(pictured.problem_id, encoded)
        self._shown.show(self._processed.values())
        numbers = {digest: number for number, digest in enumerate(self._processed)}
        return [
            self._shown.write(pictured.written_ids, [numbers[d] for d in pictured.digests])
            if pictured
            else token_ids
            for token_ids, pictured in prompts
        ]

    def _process(self, problem_id: str, encoded: bytes) -> ProcessedImage:
        try:
            return self._processor.process(encoded)
        except BoundaryError as error:
            raise BoundaryError(f"problem {problem_id}: {error}") from error


def seeing(
    model: PreTrainedModel, processor: ImageProcessor
) -> Callable[[str, Sequence[bytes]], tuple[int, ...]]:
    """What takes in problems' pictures, for good: each is processed once, and stays in memory.

    It is called with a problem's identifier and its encoded pictures, and tells their numbers. Raises
    BoundaryError naming the problem whose picture cannot be decoded.
    """
    shown = show_images(model)

    def see(problem_id: str, images: Sequence[bytes]) -> tuple[int, ...]:
        try:
            return tuple(shown.add(processor.process(encoded)) for encoded in images)
        except BoundaryError as error:
            raise BoundaryError(f"problem {problem_id}: {error}") from error

    return see
