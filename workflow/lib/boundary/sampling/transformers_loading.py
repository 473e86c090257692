"""Loading a checkpoint with transformers, and what the record says of it."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    PreTrainedConfig,
    PreTrainedModel,
)

from boundary.data.provenance import package_versions
from boundary.sampling.context import reads_images
from boundary.sampling.encoding import Encoding
from boundary.sampling.loading import LoadingSettings


def library_class(config: PreTrainedConfig) -> Any:
    """The library's class that loads a model of this configuration."""
    return AutoModelForImageTextToText if reads_images(config) else AutoModelForCausalLM


def load_transformers(encoding: Encoding, settings: LoadingSettings) -> PreTrainedModel:
    """Load a checkpoint, on a GPU if there is one and it may have it."""
    on_gpu = settings.gpus > 0 and torch.cuda.is_available()
    kind = library_class(encoding.config)
    model = kind.from_pretrained(encoding.checkpoint, dtype=settings.dtype)
    return model.to("cuda" if on_gpu else "cpu").eval()


def describe_transformers(model: PreTrainedModel, encoding: Encoding) -> dict[str, Any]:
    """Engine, versions, device (the GPU's product name, or cpu), number format and context."""
    device = model.device
    on_gpu = device.type == "cuda"
    return {
        "engine": "transformers",
        "versions": package_versions(["torch", "transformers", "tokenizers", "pillow"]),
        "device": torch.cuda.get_device_name(device) if on_gpu else device.type,
        "dtype": str(model.dtype).removeprefix("torch."),
        "context": encoding.context,
        **encoding.images_record,
    }
