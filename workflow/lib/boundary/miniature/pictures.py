"""The miniature's pictures: expressions as they might be printed and photographed.

Typeface, size, paper, ink and noise are drawn anew for every picture, and where in its cell each character
stands: the k-th is in the k-th cell, as on squared paper. A model of half a million parameters then learns
to read in minutes.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

TYPEFACES = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif")  # matplotlib's
CELL = 28  # pixels of a cell's side
CELLS = 5  # of a picture, whatever stands in it
LARGEST_HEIGHT = 40
SIZES = (22, 27)  # of characters, in pixels
NOISE = 8.0  # standard deviation, of 255 shades


def draw_picture(text: str, rng: np.random.Generator) -> bytes:
    """A picture of ``text``, as PNG in shades of grey. Raises BoundaryError if the text is too long."""
    from PIL import Image, ImageDraw

    if len(text) > CELLS:
        raise BoundaryError(
            f"{text} has {len(text)} characters, and a picture of the miniature has room for {CELLS}; ask "
            "for fewer operands"
        )
    width, height = CELLS * CELL, int(rng.integers(CELL, LARGEST_HEIGHT + 1))
    picture = Image.new("L", (width, height), int(rng.integers(200, 256)))
    pen, ink = ImageDraw.Draw(picture), int(rng.integers(0, 90))
    typeface = _typeface(str(rng.choice(TYPEFACES)), int(rng.integers(SIZES[0], SIZES[1] + 1)))
    left, middle = CELL / 2 + rng.uniform(-2, 2), height / 2 + rng.uniform(-1, 1)
    for cell, character in enumerate(text):
        x, y = rng.uniform(-1, 1, size=2)
        pen.text(
            (left + cell * CELL + x, middle + y), character, fill=ink, font=typeface, anchor="mm"
        )
    shades = np.asarray(picture) + rng.normal(0, NOISE, size=(height, width))
    encoded = io.BytesIO()
    Image.fromarray(shades.clip(0, 255).astype(np.uint8)).save(encoded, "PNG")
    return encoded.getvalue()


@cache
def _typeface(name: str, size: int) -> FreeTypeFont:
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf", f"{name}.ttf"), size)
