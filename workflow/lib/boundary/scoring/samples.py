"""The samples of a cell on disk: whether their prompts are known here, and some of them to score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from boundary.data.one_cell import check_one_cell
from boundary.data.provenance import QUESTION_COLUMNS, questions_digest
from boundary.data.records import read_provenance, read_record_groups, read_records
from boundary.data.subset import choose_responses
from boundary.errors import BoundaryError
from boundary.sampling.prompts import Template
from boundary.scoring.responses import COLUMNS, Preparation, Prepared

Chosen = Mapping[str, Sequence[int]]  # sample indices by problem


class SampledCell:
    """The shards ``paths``, all sampled with ``template`` on the benchmark of the file ``problems``.

    Raises BoundaryError naming the file that is of another cell, template or benchmark, or whose prompts
    nobody knows here. ``questions_sha256`` is the digest of the problems that are given.
    """

    def __init__(self, paths: Sequence[Path], problems: Path, template: Template) -> None:
        self.paths = paths
        self._made = {path: read_provenance(path) for path in paths}
        check_one_cell(self._made)
        about = read_provenance(problems)
        self.questions_sha256 = _questions_digest(problems)
        questions = {None, about.get("questions_sha256"), self.questions_sha256}
        for path, made in self._made.items():
            _check_prompts(path, made, template)
            if made.get("benchmark") not in (None, about.get("benchmark")):
                raise BoundaryError(
                    f"{path}: holds samples of {made.get('benchmark')}, and {problems} the problems of "
                    f"{about.get('benchmark')}"
                )
            if made.get("questions_sha256") not in questions:
                raise BoundaryError(
                    f"{path}: its questions are not those of {problems}, which must have changed since; a "
                    "response is scored behind the very prompt that it answers"
                )

    @property
    def temperature(self) -> float:
        """What they were sampled at. Raises BoundaryError where that is not told."""
        sampled = (self._made[self.paths[0]].get("sampling") or {}).get("temperature")
        if sampled is None:
            raise BoundaryError(
                f"{self.paths[0]}: does not tell at which temperature it was sampled; name that of the "
                "entropy: --temperature 1"
            )
        return float(sampled)

    @property
    def about(self) -> dict[str, Any]:
        """Whose samples they are, for the provenance."""
        made = self._made[self.paths[0]]
        return {key: made.get(key) for key in ("model", "model_revision", "benchmark")}

    @property
    def vocabularies(self) -> set[str | None]:
        """Digests of the vocabularies that their token ids are of; None where it is not told."""
        return {digest for _, digest in self._told("vocabulary_sha256")}

    def check_chat_template(self, digest: str) -> None:
        """See that the samples answer prompts laid out by the chat template with this ``digest``.

        Imported samples do not tell. Raises BoundaryError naming the file whose samples do not.
        """
        for path, other in self._told("chat_template_sha256"):
            if other not in (None, digest):
                raise BoundaryError(
                    f"{path}: was sampled behind another chat template than the scorer's, and a response "
                    "is scored behind the very prompt that it answers; sample both models with a prompt "
                    "template that writes the dialogue itself"
                )

    def check_pixel_limits(self, limits: Mapping[str, Any]) -> None:
        """See that pictures were sampled as large as with these ``limits``: no other prompt is the same.

        Raises BoundaryError naming the file whose samples were not; those without pictures do not tell.
        """
        for key in ("min_pixels", "max_pixels"):
            for path, sampled in self._told(key):
                if sampled not in (None, limits.get(key)):
                    raise BoundaryError(
                        f"{path}: its pictures were sampled with {key} {sampled}, and the scorer's are "
                        f"made with {limits.get(key)}; a response is scored behind the very prompt that it "
                        f"answers: give both models the same {key} in config/models.yaml"
                    )

    def _told(self, key: str) -> Iterator[tuple[Path, str | None]]:
        """What the shards' attempts tell under a key, each with its file; None where it is not told."""
        for path, made in self._made.items():
            for attempt in made.get("attempts") or [{}]:
                yield path, attempt.get(key)

    def choose(self, problem_ids: Sequence[str], responses: int | None, seed: int) -> Chosen:
        """Choose ``responses`` of each problem; None is all."""
        n = self._size()
        return {name: choose_responses(name, n, responses or n, seed) for name in problem_ids}

    def _size(self) -> int:
        """Samples of a problem in all shards."""
        groups = (
            group
            for path in self.paths
            for group in read_record_groups(path, "sample", ["sample_index"])
        )
        return 1 + max(int(group["sample_index"].max()) for group in groups)

    def prepare(self, preparation: Preparation, chosen: Chosen) -> list[Prepared]:
        """The chosen samples, in their order. Raises BoundaryError naming one that is missing."""
        wanted = {(name, index) for name, indices in chosen.items() for index in indices}
        found: dict[tuple[str, int], Prepared] = {}
        for path in self.paths:
            for group in read_record_groups(path, "sample", COLUMNS):
                keys = zip(group["problem_id"], group["sample_index"], strict=True)
                for each in preparation.prepare(group[[key in wanted for key in keys]]):
                    found[each.problem_id, each.sample_index] = each
        order = [(name, index) for name, indices in chosen.items() for index in indices]
        missing = [key for key in order if key not in found]
        if missing:
            problem, index = missing[0]
            raise BoundaryError(
                f"{self.paths[0]}: problem {problem}: sample {index} is missing ({len(missing)} such "
                "samples in all); name the cell's shards from the first one on"
            )
        return [found[key] for key in order]


def _questions_digest(problems: Path) -> str:
    return questions_digest(read_records(problems, "problem", QUESTION_COLUMNS))


def _check_prompts(path: Path, made: Mapping[str, Any], template: Template) -> None:
    """See that the prompts were rendered from the template. Imported samples do not tell."""
    if made.get("template_sha256") not in (None, template.digest):
        raise BoundaryError(
            f"{path}: was sampled with the template {made.get('template')!r} as it was then, and its text "
            "is not the one given; a response is scored behind the very prompt that it answers"
        )
    if any(attempt.get("api") == "chat" for attempt in made.get("attempts", [])):
        raise BoundaryError(
            f"{path}: its prompts were laid out by an endpoint's server, and nobody knows them here; draw "
            "with the endpoint's `api: completions`, by a prompt template that writes the dialogue itself"
        )
