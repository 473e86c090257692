"""Numbers that others have published: config/published.yaml, one entry for each number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boundary.data.published_number import Published
from boundary.errors import BoundaryError
from boundary.study.documents import load_document


def load_published(config: Path, schemas: Path) -> tuple[Published, ...]:
    """Read published.yaml of the folder ``config``. Its names need not be in the catalogues.

    Raises BoundaryError with the file and the key of a mistake.
    """
    file = config / "published.yaml"
    document = load_document(file, schemas / "published.schema.yaml")
    entries: list[Published] = []
    for name, group in document.items():
        place = f"{file}: {name}"
        entries += _curves(group, place) if "pass_at_k" in group else _solved(group, place)
    return tuple(entries)


def _curves(group: dict[str, Any], place: str) -> Iterator[Published]:
    ks, settings = group["ks"], group["settings"]
    if max(ks) > settings["n"]:
        raise BoundaryError(
            f"{place}.ks: found {max(ks)}; expected at most settings.n, {settings['n']}"
        )
    for model, benchmark, values in _by_model_and_benchmark(group["pass_at_k"]):
        if len(values) != len(ks):
            raise BoundaryError(
                f"{place}.pass_at_k.{model}.{benchmark}: found {len(values)} numbers; expected one for "
                f"each of ks, {len(ks)}"
            )
        for k, value in zip(ks, values, strict=True):
            yield Published(model, benchmark, k, value, group["source"], settings)


def _solved(group: dict[str, Any], place: str) -> Iterator[Published]:
    n = group["settings"]["n"]
    for model, benchmark, entry in _by_model_and_benchmark(group["solved"]):
        ids, problems = tuple(entry["ids"]), entry.get("problems")
        if problems is not None and max(ids, default=-1) >= problems:
            raise BoundaryError(
                f"{place}.solved.{model}.{benchmark}.ids: found {max(ids)}; expected numbers below "
                f"problems, {problems}"
            )
        value = None if problems is None else len(ids) / problems
        part, source, settings = entry.get("part"), group["source"], group["settings"]
        yield Published(model, benchmark, n, value, source, settings, ids, problems, part)


def _by_model_and_benchmark(nested: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for model, by_benchmark in nested.items():
        for benchmark, entry in by_benchmark.items():
            yield model, benchmark, entry
