"""The pictures of visual problems on a page, as they were published.

A picture lies in a rule of the page's style, and cards show it by the rule's name: so it is on the page
once, however many cards are of its problem. Pictures are large: no more of them is held at a time than a
row group of the problems' file.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from boundary.data.records import read_row_group, row_groups_of
from boundary.sheets.media_type import media_type
from boundary.sheets.sheet import Picture

VISUAL = "visual"
RULE = '.{name} {{ content: url("data:{type};base64,{encoded}"); }}\n'


def visual_problems(domains: Mapping[str, str], problem_ids: Iterable[str]) -> list[str]:
    """Those of ``problem_ids`` that are visual, once each; ``domains`` is by problem_id."""
    return [name for name in dict.fromkeys(problem_ids) if domains[name] == VISUAL]


def name_pictures(path: Path, problem_ids: Iterable[str]) -> dict[str, tuple[Picture, ...]]:
    """The pictures of ``problem_ids``, as cards name them, in the order of the file at ``path``.

    Raises BoundaryError if the file cannot be read, and KeyError for a problem that is not in it.
    """
    return {
        problem_id: tuple(
            Picture(_label(problem_id, number, len(pictures)), _rule_name(picture))
            for number, picture in enumerate(pictures, start=1)
        )
        for problem_id, pictures in _read_pictures(path, problem_ids)
    }


def picture_rules(path: Path, problem_ids: Iterable[str]) -> Iterator[str]:
    """The rules that hold the pictures of ``problem_ids``, each once, with the bytes unchanged.

    Nothing but a name of ours, a MIME type of ours and base64 is in them. Raises what name_pictures does.
    """
    embedded = set()
    for _, pictures in _read_pictures(path, problem_ids):
        for picture in pictures:
            name = _rule_name(picture)
            if name is not None and name not in embedded:
                embedded.add(name)
                encoded = base64.b64encode(picture).decode("ascii")
                yield RULE.format(name=name, type=media_type(picture), encoded=encoded)


def _read_pictures(
    path: Path, problem_ids: Iterable[str]
) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """The encoded bytes by problem, of those row groups alone that hold one of ``problem_ids``."""
    wanted = set(problem_ids)
    if wanted:
        group_of = row_groups_of(path, "problem")
        for group in sorted({group_of[problem_id] for problem_id in wanted}):
            # Its own generator, so that a group is let go before the next one is read.
            yield from _read_group(path, group, wanted)


def _read_group(
    path: Path, group: int, wanted: Container[str]
) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    rows = read_row_group(path, group, ["problem_id", "images"])
    for problem_id, images in rows.itertuples(index=False):
        if problem_id in wanted and images is not None:
            # A list of the file may hold nulls, which are no pictures.
            yield problem_id, tuple(image or b"" for image in images)


def _label(problem_id: str, number: int, pictures: int) -> str:
    return f"picture {number} of {pictures}, problem {problem_id}"


def _rule_name(picture: bytes) -> str | None:
    """A name that equal pictures share; None for what is not embedded, as no browser shows it."""
    if media_type(picture) is None:
        return None
    return f"picture-{hashlib.blake2b(picture, digest_size=16).hexdigest()}"
