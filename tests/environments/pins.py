"""The pip pins of an environment file, for the stand-in and for the check of vLLM's."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).parents[2] / "envs"))
from resolve import LEFT_TO_TORCH

__all__ = ["LEFT_TO_TORCH", "pip_pins"]


def pip_pins(file: Path) -> dict[str, str]:
    """Versions of the pip section, by canonical name."""
    section = yaml.safe_load(file.read_text())["dependencies"][-1]["pip"]
    return {canonicalize_name(name): version for name, version in (p.split("==") for p in section)}
