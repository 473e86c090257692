"""An endpoint: where a model is served, and by what name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal
from urllib.parse import urlsplit

from boundary.errors import BoundaryError


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
        """All that can be known of weights that others hold."""
        return f"{self.model} at {self.url}"


def read_endpoint(entry: dict[str, Any]) -> Endpoint:
    """The endpoint of an entry of the catalogue. Raises BoundaryError for one that holds a secret."""
    try:
        endpoint = Endpoint(**entry)
    except TypeError as error:
        raise BoundaryError(
            f"endpoint: {error}; expected {', '.join(field.name for field in fields(Endpoint))}"
        ) from error
    parts = urlsplit(endpoint.url)
    if parts.username or parts.password or parts.query:
        raise BoundaryError(
            "endpoint.url: a user name, a password or a query in it would be in every record; name an "
            "environment variable that holds the key as key_variable"
        )
    return endpoint
