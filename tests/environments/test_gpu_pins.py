"""The pins of vLLM and VeRL on GPUs fit together, by what each wheel requires; none is fetched whole."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from email.parser import HeaderParser

import pytest
from config_files import ROOT
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version
from pins import LEFT_TO_TORCH, pip_pins
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

INDEX = "https://pypi.org/simple/{}/"
PYTHON = (3, 11)
SOURCE_ALONE = {"antlr4-python3-runtime": "4.9.3"}  # pure Python without a wheel; requires nothing
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(34, 4, -1)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
TAGS = {*cpython_tags(PYTHON, platforms=PLATFORMS), *compatible_tags(PYTHON, "cp311", PLATFORMS)}
MACHINE = {
    "python_version": "3.11",
    "python_full_version": "3.11.13",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "sys_platform": "linux",
    "os_name": "posix",
}


@retry(retry=retry_if_exception_type(OSError), wait=wait_fixed(3), stop=stop_after_attempt(5))
def fetch(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and content; asked again when the network stumbles, as it does in hundreds of requests."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return answer.status, answer.read()


class Ranged(io.RawIOBase):
    """A file on a server, of which only what is read is fetched."""

    def __init__(self, url: str, size: int) -> None:
        self.url, self.size, self.position = url, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def readinto(self, buffer) -> int:
        end = min(self.position + len(buffer), self.size)
        if end <= self.position:
            return 0
        status, part = fetch(self.url, {"Range": f"bytes={self.position}-{end - 1}"})
        if status != 206:
            pytest.skip("the index serves neither metadata nor parts of files")
        buffer[: len(part)] = part
        self.position += len(part)
        return len(part)


def requires(name: str, version: str) -> list[Requirement]:
    """What a release requires on a machine with a GPU, by its wheel; fails if there is none."""
    if SOURCE_ALONE.get(name) == version:
        return []
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    files = json.loads(fetch(INDEX.format(name), accept)[1])["files"]
    for file in files:
        if not file["filename"].endswith(".whl"):
            continue
        _, found, _, tags = parse_wheel_filename(file["filename"])
        if found == Version(version) and tags & TAGS:
            with zipfile.ZipFile(
                io.BufferedReader(Ranged(file["url"], file["size"]), 65536)
            ) as wheel:
                inside = [n for n in wheel.namelist() if n.endswith(".dist-info/METADATA")]
                # The shortest, since a package may carry others within.
                headers = HeaderParser().parsestr(wheel.read(min(inside, key=len)).decode())
            return [Requirement(line) for line in headers.get_all("Requires-Dist", [])]
    raise AssertionError(f"{name}=={version}: no wheel for this machine")


def complaints(pins: dict[str, str]) -> list[str]:
    """What pins lack or disagree on."""
    with ThreadPoolExecutor(16) as pool:
        required = dict(zip(pins, pool.map(requires, pins, pins.values()), strict=True))
    found = set()
    asked = {(name, "") for name in pins}
    pending = set(asked)
    while pending:
        name, extra = pending.pop()
        for requirement in required[name]:
            needs = canonicalize_name(requirement.name)
            marker = requirement.marker
            if needs.startswith(LEFT_TO_TORCH):
                continue
            if marker is not None and not marker.evaluate(MACHINE | {"extra": extra}):
                continue
            if needs not in pins:
                found.add(f"{name} requires {needs}, which is not pinned")
                continue
            if not requirement.specifier.contains(pins[needs], prereleases=True):
                found.add(f"{name} requires {requirement}, and {pins[needs]} is pinned")
            pending |= (more := {(needs, extra) for extra in requirement.extras} - asked)
            asked |= more
    return sorted(found)


@pytest.mark.parametrize("name", ["vllm", "verl"])
def test_the_pins_are_complete_and_in_no_conflict(name):
    assert complaints(pip_pins(ROOT / "envs" / f"{name}.yaml")) == []


def test_a_conflict_and_a_missing_pin_are_told():
    pins = {"transformers": "5.19.0", "tokenizers": "0.20.0"}
    told = complaints(pins)
    assert any(line.startswith("transformers requires tokenizers") for line in told)
    assert "transformers requires safetensors, which is not pinned" in told
