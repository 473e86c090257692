"""The samplings and the subsets of a study's file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from boundary.claims.samplings import MATCHED
from boundary.errors import BoundaryError, unknown_name
from boundary.study.study import Matching, Sampling, Subset, directory_of, probe_name

DEFAULT_TEMPERATURE = 0.6  # the paper's


def read_subsets(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Subset]:
    """The subsets by name."""
    return {
        name: Subset(name, _problems(entry["problems"]), entry["responses"], entry["seed"])
        for name, entry in entries.items()
    }


def _problems(wanted: int | list[str]) -> int | tuple[str, ...]:
    return wanted if isinstance(wanted, int) else tuple(wanted)


def read_samplings(
    entries: Mapping[str, Mapping[str, Any]],
    subsets: Mapping[str, Subset],
    templates: Collection[str],
    benchmarks: Collection[str],
    file: Path,
) -> dict[str, Sampling]:
    """The samplings by name. Raises BoundaryError with the key of ``file`` that is wrong."""
    samplings: dict[str, Sampling] = {}
    for name, entry in entries.items():
        place = f"{file}: sampling.{name}"
        template = entry.get("template")
        if template is not None and template not in templates:
            raise BoundaryError(
                f"{place}.template: {unknown_name('template', template, templates)}"
            )
        for benchmark in entry["shard_sizes"]:
            _check_known("benchmark", benchmark, benchmarks, f"{place}.shard_sizes")
        samplings[name] = Sampling(
            name=name,
            label=entry.get("label", directory_of(name, entry["seed"])),
            temperature=entry.get("temperature", None if "match" in entry else DEFAULT_TEMPERATURE),
            top_p=entry["top_p"],
            max_tokens=entry["max_tokens"],
            template=template,
            seed=entry["seed"],
            shard_size=entry["shard_size"],
            shard_sizes=entry["shard_sizes"],
            matching=_matching(name, entries, subsets, place) if "match" in entry else None,
        )
    for sampling in samplings.values():
        for temperature in sampling.matching.temperatures if sampling.matching else ():
            probe = probe_name(sampling.name, temperature)
            if probe in samplings:
                raise BoundaryError(
                    f"{file}: sampling.{probe}: a probe of {sampling.name!r} has this name; take another"
                )
    return samplings


def with_probes(
    samplings: Mapping[str, Sampling], subsets: Mapping[str, Subset]
) -> Iterator[Sampling]:
    """The samplings, and how models are sampled to find the temperatures of matched ones."""
    for sampling in samplings.values():
        yield sampling
        if sampling.matching is not None:
            yield from sampling.probes(subsets[sampling.matching.subset])


def _matching(
    name: str,
    entries: Mapping[str, Mapping[str, Any]],
    subsets: Mapping[str, Subset],
    place: str,
) -> Matching:
    match = entries[name]["match"]
    if "temperature" in entries[name]:
        raise BoundaryError(
            f"{place}: found `temperature` beside `match`, which finds it; leave it out"
        )
    other = match["sampling"]
    expected = (MATCHED, f"{MATCHED}.{other}")
    if name not in expected:
        raise BoundaryError(
            f"{place}: what matches {other!r} is called {' or '.join(expected)}, by which claims know it"
        )
    _check_known("sampling", other, entries, f"{place}.match.sampling")
    _check_known("subset", match["subset"], subsets, f"{place}.match.subset")
    if "match" in entries[other]:
        raise BoundaryError(
            f"{place}.match.sampling: {other!r} is matched itself; name a temperature's"
        )
    temperatures = match["temperatures"]
    if list(temperatures) != sorted(set(temperatures)) or len(
        {probe_name(name, temperature) for temperature in temperatures}
    ) < len(temperatures):
        raise BoundaryError(
            f"{place}.match.temperatures: found {temperatures}; expected ascending ones, each once, and "
            "no two alike to six digits"
        )
    sampling = directory_of(other, entries[other]["seed"])
    return Matching(sampling, match["subset"], tuple(temperatures))


def _check_known(what: str, name: str, known: Collection[str], place: str) -> None:
    if name not in known:
        raise BoundaryError(f"{place}: {unknown_name(what, name, known)}")
