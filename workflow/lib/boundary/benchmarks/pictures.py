"""Whether the images of a visual problem are pictures: looked at once, when its benchmark is read."""

from __future__ import annotations

from boundary.benchmarks.problem import Problem
from boundary.errors import BoundaryError
from boundary.images.decoding import decode_image


def check_images(problem: Problem) -> None:
    """Decode each image. Raises BoundaryError, beginning with its number, if one is missing or bad."""
    for number, encoded in enumerate(problem.images or (), start=1):
        if not encoded:
            raise BoundaryError(
                f"image {number}: missing. Read the file that holds the images themselves, not one that "
                "names their paths"
            )
        try:
            decode_image(encoded)
        except BoundaryError as error:
            raise BoundaryError(f"image {number}: {error}") from error
