"""Encoded images as RGB pictures, or a message that says why one is none.

Transparency is laid on white, and a picture is turned as its EXIF orientation says: so a page shows it, and
so people saw it who wrote the answer. Colour profiles are not applied. Damage that a format does not
notice, such as another bit within a JPEG's scan, is not noticed here.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = 50_000_000  # pixels; Qwen2.5-VL looks at 12.8 million. In memory they take 13 bytes each
# What published benchmarks have, and nothing that starts a program, as EPS does. TIFF is what `datasets`
# makes of pictures that no PNG holds, such as CMYK, and then without compression; what else a TIFF can hold
# is read by a library that writes its complaints to standard error.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
# Others have values (16 bits, floats) that no rule makes colours of.
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
ORIENTATION = 0x0112  # the key in EXIF
SIDEWAYS = (5, 6, 7, 8)  # its values of which a picture's sides change places
_alone = threading.Lock()


def decode_image(encoded: bytes) -> Image:
    """The picture in RGB.

    Raises BoundaryError, with a message that the caller puts the place before, if the bytes are no whole
    image of FORMATS, if it has more pixels than LARGEST, by its header and before any is decoded, if it has
    several frames, or values that are no colours.
    """
    with _read_safely():
        return _in_rgb(_open(encoded))


def image_size(encoded: bytes) -> tuple[int, int]:
    """Width and height of the picture as ``decode_image`` gives it, by its header: no pixel is decoded.

    Raises BoundaryError for what is wrong with the header.
    """
    with _read_safely():
        image = _open(encoded)
        width, height = image.size
        # Of a TIFF PIL tells the size that it will have once it is turned.
        to_be_turned = _has_exif(image) and image.format != "TIFF"
        sideways = to_be_turned and image.getexif().get(ORIENTATION) in SIDEWAYS
        return (height, width) if sideways else (width, height)


def _in_rgb(image: Image) -> Image:
    from PIL import Image, ImageOps

    turned = ImageOps.exif_transpose(image) if _has_exif(image) else image
    if turned.has_transparency_data:
        layer = turned.convert("RGBA")
        picture = Image.new("RGB", layer.size, "white")
        picture.paste(layer, mask=layer.getchannel("A"))
    else:
        picture = turned.convert("RGB")
    picture.info = {}  # it holds for the file, and not for what was made of it
    return picture


def _has_exif(image: Image) -> bool:
    """Whether EXIF may stand before the pixels; to look for it behind those of a PNG would decode them."""
    return image.format != "PNG" or "exif" in image.info


def _open(encoded: bytes) -> Image:
    """The image with its header read and found good, and no pixel decoded."""
    image = _identified(encoded)
    width, height = image.size
    if width < 1 or height < 1:
        raise BoundaryError(f"an image of {width} x {height} pixels shows nothing")
    if width * height > LARGEST:
        raise BoundaryError(
            f"an image of {width} x {height} pixels; at most {LARGEST:,} are decoded. Scale it down"
        )
    if image.format == "TIFF" and image.info.get("compression") != "raw":
        raise BoundaryError("a compressed TIFF, which is not read; write it as PNG")
    # What follows the first picture of a JPEG (MPO) is a preview, or for other devices.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise BoundaryError("an image of several frames, of which nobody knows which one is meant")
    if image.mode not in MODES:
        raise BoundaryError(
            f"an image of the mode {image.mode}, whose values are no colours; write it as RGB or as grey "
            "of 8 bits"
        )
    return image


def _identified(encoded: bytes) -> Image:
    """The image with its header read."""
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(encoded), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise BoundaryError(
            f"{len(encoded)} bytes, beginning {encoded[:8]!r}, that are no image of {', '.join(FORMATS)}, "
            "or one whose header is damaged"
        ) from error


@contextmanager
def _read_safely() -> Iterator[None]:
    """Whatever a damaged file makes of the libraries is a message, and their settings are ours."""
    with _own_settings():
        try:
            yield
        except (BoundaryError, MemoryError):
            raise
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise BoundaryError(f"a damaged image: {said:.200}") from error


@contextmanager
def _own_settings() -> Iterator[None]:
    """Settings of PIL that hold for the whole process, as they are needed here and for as long.

    What others have set does not decide what a picture is, nor do they find it changed.
    """
    from PIL import Image, ImageFile

    with _alone, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = theirs
