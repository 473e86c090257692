"""The engines by name, each imported only when it is opened."""

from __future__ import annotations

import importlib
from pathlib import Path

from boundary.sampling.engine import Engine

ENGINES = {"transformers": ("boundary.sampling.transformers_engine", "TransformersEngine")}


def open_engine(name: str, checkpoint: Path) -> Engine:
    """Load the model in the folder ``checkpoint`` into the engine ``name``, one of ``ENGINES``."""
    module, engine = ENGINES[name]
    opened: Engine = getattr(importlib.import_module(module), engine)(checkpoint)
    return opened
