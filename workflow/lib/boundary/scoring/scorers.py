"""The scorers by name, each imported only when it is opened."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    from boundary.sampling.encoding import Encoding
    from boundary.scoring.scorer import Scorer, ScorerSettings

DEFAULT = "transformers"
SCORERS = {
    "transformers": ("boundary.scoring.transformers_scorer", "TransformersScorer"),
    "vllm": ("boundary.scoring.vllm_scorer", "VllmScorer"),
}


def open_scorer(name: str, encoding: Encoding, settings: ScorerSettings) -> Scorer:
    """Open the scorer ``name``, one of ``SCORERS``, for a checkpoint; its weights are not loaded yet.

    Raises BoundaryError where the scorer is not installed or not for these settings.
    """
    module, scorer = SCORERS[name]
    try:
        opened: Scorer = getattr(importlib.import_module(module), scorer)(encoding, settings)
        return opened
    except ModuleNotFoundError as error:
        raise BoundaryError(
            f"the scorer {name} needs the package {error.name}, which is not installed here; the "
            "environments in envs/ have it"
        ) from error
