"""A checkpoint's image processor: from the encoded bytes of a picture to the patches that a model reads."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.errors import BoundaryError
from boundary.images.decoding import decode_image, image_size

if TYPE_CHECKING:
    import torch

WAY_OUT = "Take a whole checkpoint of a model of Qwen2-VL's or Qwen2.5-VL's kind"


@dataclass(frozen=True)
class PixelLimits:
    """Between how many pixels a picture has once it is resized; None is the checkpoint's own limit."""

    min_pixels: int | None = None
    max_pixels: int | None = None

    @property
    def given(self) -> dict[str, int]:
        """The limits that are not the checkpoint's own."""
        return {name: limit for name, limit in asdict(self).items() if limit is not None}


@dataclass(frozen=True)
class ImageFacts:
    """What the provenance tells of a picture: SHA-256 of its encoded bytes, and its sizes.

    Sizes are (width, height) in pixels, as it was published and as a model sees it. ``tokens`` are those
    that it takes of the prompt.
    """

    sha256: str
    size: tuple[int, int]
    processed_size: tuple[int, int]
    tokens: int


@dataclass(frozen=True)
class ProcessedImage:
    """Float32 patches of a picture [patches, values] and their grid (frames, rows, columns)."""

    patches: torch.Tensor
    grid: tuple[int, int, int]


class ImageProcessor:
    """An image processor of Qwen2-VL's kind, of the library's class Qwen2VLImageProcessorPil."""

    def __init__(self, library: Any) -> None:
        self.library = library

    @property
    def limits(self) -> dict[str, int]:
        """The pixels that a resized picture has at least and at most, for the provenance."""
        size = self.library.size
        return {"min_pixels": int(size["shortest_edge"]), "max_pixels": int(size["longest_edge"])}

    @property
    def bytes_a_token(self) -> int:
        """Memory of the patches that become a token: all colours of two frames, in float32."""
        sides = self.library.merge_size * self.library.patch_size
        return int(sides**2 * 3 * self.library.temporal_patch_size * 4)

    def measure(self, encoded: bytes) -> ImageFacts:
        """What a picture takes, by its header. Raises BoundaryError if that is damaged, or too narrow."""
        width, height = image_size(encoded)
        rows, columns = self._grid(width, height)
        patch = self.library.patch_size
        return ImageFacts(
            sha256=hashlib.sha256(encoded).hexdigest(),
            size=(width, height),
            processed_size=(columns * patch, rows * patch),
            tokens=rows * columns // self.library.merge_size**2,
        )

    def process(self, encoded: bytes) -> ProcessedImage:
        """The picture as a model reads it. Raises BoundaryError if it cannot be decoded."""
        import torch

        prepared = self.library(images=decode_image(encoded), return_tensors="pt")
        (grid,) = prepared["image_grid_thw"].tolist()
        return ProcessedImage(prepared["pixel_values"].to(torch.float32), tuple(grid))

    def _grid(self, width: int, height: int) -> tuple[int, int]:
        """Rows and columns of patches of a picture of that size once it is resized."""
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

        patch, limits = self.library.patch_size, self.limits
        try:
            resized = smart_resize(height, width, patch * self.library.merge_size, **limits)
        except ValueError as error:
            raise BoundaryError(
                f"a picture of {width} x {height} pixels: {error}; leave the problem out of the benchmark "
                "(`without`)"
            ) from error
        return resized[0] // patch, resized[1] // patch


def load_image_processor(checkpoint: Path, limits: PixelLimits) -> ImageProcessor:
    """The image processor of the checkpoint in a folder.

    Raises BoundaryError if there is none, or one of another kind.
    """
    from transformers import AutoImageProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    try:
        # Resized by Pillow, so that pictures are the same whether torchvision is there or not.
        library = AutoImageProcessor.from_pretrained(
            checkpoint, backend="pil", trust_remote_code=False, **limits.given
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise BoundaryError(
            f"{checkpoint}: its image processor cannot be loaded: {error}. {WAY_OUT}"
        ) from error
    if not isinstance(library, Qwen2VLImageProcessorPil):
        raise BoundaryError(
            f"{checkpoint}: its image processor is {type(library).__name__}; only that of Qwen2-VL, "
            f"Qwen2VLImageProcessor, is known here. {WAY_OUT}"
        )
    processor = ImageProcessor(library)
    if processor.limits["min_pixels"] > processor.limits["max_pixels"]:
        raise BoundaryError(
            f"{checkpoint}: its pictures would have at least {processor.limits['min_pixels']} pixels and "
            f"at most {processor.limits['max_pixels']}; give the model a max_pixels that is no less than "
            "min_pixels"
        )
    return processor
