"""How a checkpoint is loaded, to be sampled or to score: settings, and their arguments."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from boundary.arguments import at_least, share
from boundary.images.processing import PixelLimits


@dataclass(frozen=True)
class LoadingSettings:
    """The keys of the same names in config/models.yaml.

    ``dtype`` auto is the checkpoint's own number format; ``max_model_len`` None its own context, and
    ``min_pixels`` and ``max_pixels`` None its own limits. ``gpu_memory_utilization`` is vLLM's.
    """

    gpus: int = 1
    dtype: str = "auto"
    max_model_len: int | None = None
    gpu_memory_utilization: float = 0.9
    min_pixels: int | None = None
    max_pixels: int | None = None

    @property
    def pixel_limits(self) -> PixelLimits:
        """How large pictures are made."""
        return PixelLimits(self.min_pixels, self.max_pixels)


def add_loading_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the settings as arguments."""
    group.add_argument(
        "--gpus",
        type=at_least(0),
        default=LoadingSettings.gpus,
        help="GPUs to spread the model over, more than one with vllm; 0 is the CPU (default: %(default)s)",
    )
    group.add_argument(
        "--dtype",
        default=LoadingSettings.dtype,
        choices=["auto", "bfloat16", "float16", "float32"],
        help="number format; auto is the checkpoint's own (default: auto)",
    )
    group.add_argument(
        "--max-model-len",
        type=at_least(2),
        default=LoadingSettings.max_model_len,
        metavar="TOKENS",
        help="longest sequence, prompt and response together (default: the model's context)",
    )
    group.add_argument(
        "--gpu-memory-utilization",
        type=share,
        default=LoadingSettings.gpu_memory_utilization,
        metavar="SHARE",
        help="of a GPU's memory, or on a CPU of the machine's, that vllm takes (default: %(default)s)",
    )
    add_pixel_arguments(group)


def add_pixel_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare between how many pixels a model is shown pictures."""
    for bound in ("min", "max"):
        group.add_argument(
            f"--{bound}-pixels",
            type=at_least(1),
            metavar="PIXELS",
            help=f"{bound}imum of a picture's pixels, to which it is resized (default: the checkpoint's)",
        )
