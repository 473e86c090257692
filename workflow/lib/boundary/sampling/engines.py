"""The engines by name, each imported only when it is opened."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import asdict

from boundary.data.checkpoint import check_checkpoint
from boundary.data.model_record import ModelRecord
from boundary.errors import BoundaryError
from boundary.sampling.engine import Engine, EngineSettings

ENGINES = {
    "vllm": ("boundary.sampling.vllm_engine", "VllmEngine"),
    "transformers": ("boundary.sampling.transformers_engine", "TransformersEngine"),
    "openai": ("boundary.sampling.openai_engine", "OpenAIEngine"),
}


def open_engine(name: str, model: ModelRecord, settings: EngineSettings) -> Engine:
    """Open the engine ``name``, one of ``ENGINES`` or auto, for a model.

    Raises BoundaryError where the model is not there, or the engine is not installed or not for it.
    """
    if name == "auto":
        name = choose_engine(model, settings)
    if (name == "openai") != (model.endpoint is not None):
        raise BoundaryError(
            f"{model.name}: the engine openai samples models that have an `endpoint`, and no other does; "
            "take the engine auto"
        )
    if model.endpoint is None:
        check_checkpoint(model.checkpoint)
    _check_settings(name, model, settings)
    module, engine = ENGINES[name]
    try:
        opened = getattr(importlib.import_module(module), engine)
        return opened(model.endpoint) if model.endpoint else opened(model.checkpoint, settings)
    except ModuleNotFoundError as error:
        raise BoundaryError(
            f"the engine {name} needs the package {error.name}, which is not installed here; the "
            "environments in envs/ have it"
        ) from error


def _check_settings(name: str, model: ModelRecord, settings: EngineSettings) -> None:
    """Refuse settings that the engine would not heed."""
    given = {
        key for key, value in asdict(settings).items() if value != getattr(EngineSettings, key)
    }
    if name == "openai" and (decided := sorted(given - {"gpus"})):
        raise BoundaryError(
            f"{model.name}: its server decides on {' and '.join(decided)}; leave that out"
        )
    if name == "transformers" and settings.gpus > 1:
        raise BoundaryError(
            f"{model.name}: only vllm spreads a model over {settings.gpus} GPUs, and the engine here is "
            "transformers"
        )


def choose_engine(model: ModelRecord, settings: EngineSettings) -> str:
    """The engine that ``auto`` means: vLLM wherever it finds a GPU that it may use."""
    if model.endpoint is not None:
        return "openai"
    if settings.gpus == 0:
        return "transformers"
    # Asked otherwise, CUDA would be set up in this process, which vLLM's workers must not inherit.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    import torch

    if not torch.cuda.is_available():
        print(f"{model.name}: no GPU here; sampling with transformers on the CPU", file=sys.stderr)
        return "transformers"
    if importlib.util.find_spec("vllm") is None:
        print(
            f"{model.name}: vLLM is not installed here; sampling with transformers, which is slower",
            file=sys.stderr,
        )
        return "transformers"
    return "vllm"
