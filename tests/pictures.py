"""Pictures of several shapes, problems with them, and a model of the smallest kind that reads them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from PIL import Image

SEEING = {
    "hidden_size": 32,
    "layers": 2,
    "heads": 2,
    "context": 96,
    "vision": {"hidden_size": 32, "layers": 2, "heads": 2},
}
PROMPT = "<|vision_start|><|image_pad|><|vision_end|>?"
SHAPES = [(196, 28), (84, 56), (60, 112), (200, 40)]  # width and height in pixels


def encoded(seed: int, shape: tuple[int, int] = (84, 56), kind: str = "PNG") -> bytes:
    """A picture of noise."""
    width, height = shape
    shades = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(shades).save(written, kind)
    return written.getvalue()


def visual_problems(count: int = 4) -> pd.DataFrame:
    """Problem records, each with a picture of another shape."""
    return pd.DataFrame(
        {
            "problem_id": [f"v/{number}" for number in range(count)],
            "domain": "visual",
            "question": "?",
            "gold": '"3"',
            "images": pd.Series(
                [(encoded(number, SHAPES[number % len(SHAPES)]),) for number in range(count)]
            ),
            "meta": "{}",
        }
    )
