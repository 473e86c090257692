"""An endpoint: where a model is served, and by what name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Endpoint:
    """Where a model is served; the keys of `endpoint` in config/models.yaml, which describes them."""

    url: str
    model: str
    api: Literal["completions", "chat"] = "completions"
    key_variable: str | None = None
    concurrency: int = 16
    timeout: float = 3600
    send_seed: bool = True

    @property
    def revision(self) -> str:
        """All that can be known of weights that others hold, and which dialogue the server makes."""
        return f"{self.model} at {self.url} ({self.api})"
