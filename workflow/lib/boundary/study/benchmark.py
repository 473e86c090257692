"""A benchmark of the catalogue: its source, how it is read, and what counts as an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from boundary.benchmarks.formats import MATH, domain_of, format_module
from boundary.errors import BoundaryError, unknown_name
from boundary.miniature.worlds import DOMAINS, OF_EXPRESSIONS, world_of

# In this order: a path goes before the network.
BENCHMARK_SOURCES = ("generate", "counts_only", "path", "hub", "url")
ALONE = ("generate", "counts_only")
MOST_OPERANDS = 3  # in a picture of the miniature (boundary.miniature.pictures.CELLS)
READING = (
    *("files", "revision", "format", "fields", "between", "part", "rows", "sha256"),
    *("bad_images", "without"),
)


@dataclass(frozen=True)
class Benchmark:
    """An entry of config/benchmarks.yaml. ``settings`` is the entry itself."""

    name: str
    label: str
    protocol: int
    source: str
    settings: dict[str, Any]

    @property
    def path(self) -> str | None:
        """The file on this machine that it is read from, if it is."""
        return self.settings["path"] if self.source == "path" else None

    @property
    def domain(self) -> str:
        """What its problems are about: math, code or visual."""
        if self.source == "generate":
            return DOMAINS[world_of(self.settings["generate"])]
        return domain_of(self.settings["format"])

    @property
    def stated_problems(self) -> int | None:
        """Number of its problems, where its entry tells it."""
        generated = self.settings.get("generate", {}).get("problems")
        return self.settings.get("rows", generated)

    @property
    def modules(self) -> list[str]:
        """Modules that its problems depend on, beside those that the stage benchmarks imports by name."""
        return [] if self.source in ALONE else [format_module(self.settings["format"])]

    @property
    def source_arguments(self) -> list[str]:
        """Arguments of the stage benchmarks: where its problems come from, and how they are read."""
        entry = self.settings
        if self.source == "generate":
            return ["--generate", json.dumps(entry["generate"])]
        arguments = [f"--{self.source}", entry[self.source]]
        if self.source == "hub":
            arguments += [f"--revision={entry['revision']}", "--files", *self._patterns]
        arguments.append(f"--format={entry['format']}")
        for key in ("fields", "part"):
            if entry.get(key):
                arguments += [f"--{key}", json.dumps(entry[key])]
        if "between" in entry:
            arguments += ["--between", *entry["between"]]
        if "without" in entry:
            arguments += ["--without", json.dumps(entry["without"])]
        single = ("rows", "sha256", "bad_images")
        return arguments + [
            f"--{key.replace('_', '-')}={entry[key]}" for key in single if key in entry
        ]

    @property
    def _patterns(self) -> list[str]:
        files = self.settings["files"]
        return [files] if isinstance(files, str) else files

    @property
    def policy(self) -> str:
        """What counts as an answer, and as the same answer: its `verification` as JSON."""
        return json.dumps(self.settings.get("verification", {}), sort_keys=True)


def read_benchmark(name: str, entry: dict[str, Any], place: str) -> Benchmark:
    """The benchmark of an entry that the schema has no complaint about.

    Raises BoundaryError naming the key where its keys contradict each other.
    """
    given = [source for source in BENCHMARK_SOURCES if source in entry]
    alone = given[:1] if given and given[0] in ALONE else []
    if not given or (alone and len(given) > 1) or {"hub", "url"} <= set(given):
        raise BoundaryError(
            f"{place}: found {' and '.join(given) or 'no source'}; needs exactly one of generate, path, "
            "hub, url, counts_only. Only path may stand beside hub or url, and goes before it"
        )
    benchmark = Benchmark(name, entry["label"], entry["protocol"], given[0], entry)
    unread = [key for key in READING if entry.get(key) not in (None, {}, MATH)]
    if alone and unread:
        raise BoundaryError(
            f"{place}: found {', '.join(unread)} beside {given[0]}, which reads no file; leave it out"
        )
    if entry["format"] != MATH and entry["fields"]:
        raise BoundaryError(
            f"{place}.fields: found keys beside the format {entry['format']}, which knows the keys of its "
            f"rows; leave it out, or write format: {MATH}"
        )
    if "bad_images" in entry:
        check_pictures(entry["format"], place)
    if "generate" in entry:
        check_world(entry["generate"], f"{place}.generate")
    if "part" in entry:
        check_part(entry["part"], f"{place}.part")
    if "between" in entry:
        check_window(entry["between"], f"{place}.between")
    return benchmark


def check_world(settings: Mapping[str, Any], place: str) -> None:
    """See that a world is drawn from by the keys that it has: only expressions have operands."""
    world, operands = world_of(settings), settings.get("operands")
    if world not in OF_EXPRESSIONS and operands is not None:
        raise BoundaryError(
            f"{place}.operands: found {operands}, and the world {world} has none; leave it out"
        )
    if world in OF_EXPRESSIONS and operands is None:
        raise BoundaryError(
            f"{place}: needs operands, such as [3, 4]; or name a world without them: world: functions"
        )
    if world == "pictures" and operands is not None and operands[1] > MOST_OPERANDS:
        raise BoundaryError(
            f"{place}.operands: found {operands}; a picture has room for {MOST_OPERANDS} operands"
        )
    if operands is not None and operands[0] > operands[1]:
        raise BoundaryError(
            f"{place}.operands: found {operands}; expected the smallest number, then the largest"
        )


def check_pictures(name: str, place: str) -> None:
    """See that problems of the format ``name`` have images that could be bad."""
    if domain_of(name) != "visual":
        raise BoundaryError(
            f"{place}: found bad_images beside the format {name}, whose problems have no images; leave it "
            "out"
        )


def check_part(part: Mapping[str, Any], place: str) -> None:
    """See that a part of a split is one of those whose sizes are given."""
    if part["name"] not in part["sizes"]:
        raise BoundaryError(f"{place}.name: {unknown_name('part', part['name'], part['sizes'])}")


def check_window(between: Sequence[str], place: str) -> None:
    """See that a window of dates holds a day."""
    try:
        begin, end = map(date.fromisoformat, between)
    except ValueError as error:
        raise BoundaryError(
            f"{place}: found {list(between)}; expected two dates: {error}"
        ) from error
    if begin >= end:
        raise BoundaryError(
            f"{place}: found {list(between)}; expected the first day, then the day after the last"
        )
