"""The format of a picture, told by how its bytes begin, of those that every browser shows."""

from __future__ import annotations

import re

# None of them is a text: SVG is, and may hold scripts. A text, too, may begin with BM, so that of BMP the
# length of its second header is asked for.
BEGINNINGS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "image/bmp": re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00{3}", re.DOTALL),
}


def media_type(picture: bytes) -> str | None:
    """The MIME type of a PNG, JPEG, GIF, WebP or BMP; None for all else, whatever it may be."""
    for name, beginning in BEGINNINGS.items():
        if beginning.match(picture):
            return name
    return None
