"""Showing a model pictures: those of one batch after another, or of all problems for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError, of_problem
from boundary.images.placing import Pictured
from boundary.images.processing import ImageProcessor, ProcessedImage
from boundary.images.shown import ShownImages, show_images

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MOST_BYTES = 4 << 30  # of processed pictures that a training keeps


class ImageBatches:
    """Writes prompts as a model reads them, with their pictures if they have any.

    ``image_processor`` is asked for, and the model made to read pictures, when the first of them comes.
    Of the pictures of a batch those stay that the next one asks for again: a problem whose samples take
    several batches, one after the other, has its pictures processed once.
    """

    def __init__(
        self, model: PreTrainedModel, image_processor: Callable[[], ImageProcessor]
    ) -> None:
        self._model = model
        self._image_processor = image_processor
        self._shown: ShownImages | None = None
        self._processed: dict[str, ProcessedImage] = {}

    def read(self, prompts: Sequence[tuple[list[int], Pictured | None]]) -> list[list[int]]:
        """The prompts' token ids, in which pictures are those that the model is now shown.

        Raises BoundaryError naming the problem whose picture cannot be decoded.
        """
        if not any(pictured for _, pictured in prompts):
            return [token_ids for token_ids, _ in prompts]
        shown = self._shown = self._shown or show_images(self._model)
        processor = self._image_processor()
        asked = {
            digest: (pictured.problem_id, encoded)
            for _, pictured in prompts
            if pictured
            for digest, encoded in pictured.digested
        }
        kept = {digest: self._processed[digest] for digest in asked if digest in self._processed}
        # What is not asked for again goes before anything comes.
        self._processed = kept
        shown.show(())
        for digest, (problem_id, encoded) in asked.items():
            if digest not in kept:
                with of_problem(problem_id):
                    kept[digest] = processor.process(encoded)
        shown.show(kept.values())
        numbers = {digest: number for number, digest in enumerate(kept)}
        return [
            shown.write(pictured.written_ids, [numbers[d] for d in pictured.digests])
            if pictured
            else token_ids
            for token_ids, pictured in prompts
        ]


def seeing(
    model: PreTrainedModel, processor: ImageProcessor
) -> Callable[[str, Sequence[bytes]], tuple[int, ...]]:
    """What takes in problems' pictures, for good: each is processed once, and stays in memory.

    It is called with a problem's identifier and its encoded pictures, and tells their numbers. Raises
    BoundaryError naming the problem whose picture cannot be decoded, or is one too many for MOST_BYTES.
    """
    shown = show_images(model)
    held = 0

    def see(problem_id: str, images: Sequence[bytes]) -> tuple[int, ...]:
        nonlocal held
        with of_problem(problem_id):
            held += sum(processor.measure(one).tokens for one in images) * processor.bytes_a_token
            if held > MOST_BYTES:
                raise BoundaryError(
                    f"with its pictures those to train on take more than {MOST_BYTES >> 30} GiB once they "
                    "are processed, and all are kept; train on fewer, or give the model a smaller "
                    "max_pixels"
                )
            return tuple(shown.add(processor.process(encoded)) for encoded in images)

    return see
