"""What the name of a sampling says: directories are NAME.seedN, and some are matched in entropy."""

from __future__ import annotations

from collections.abc import Sequence

MATCHED = "matched"


def sampling_name(directory: str) -> str:
    """The name without its seed: two seeds of one name are the same way of sampling."""
    return directory.rpartition(".seed")[0] or directory


def is_matched(directory: str) -> bool:
    """Whether its temperature was chosen for the base's output entropy: ``matched`` or ``matched.ANY``."""
    name = sampling_name(directory)
    return name == MATCHED or name.startswith(f"{MATCHED}.")


def same_sampling(directory: str, others: Sequence[str]) -> str | None:
    """Which of ``others`` is the same way of sampling: the same directory, else another seed of it."""
    if directory in others:
        return directory
    name = sampling_name(directory)
    return next((other for other in others if sampling_name(other) == name), None)


def matched_to(directory: str, others: Sequence[str]) -> str | None:
    """Which of ``others`` a matched sampling was matched to: NAME of ``matched.NAME``, else the first."""
    plain = [other for other in others if not is_matched(other)]
    named = sampling_name(directory).removeprefix(MATCHED).removeprefix(".")
    same_name = [other for other in plain if sampling_name(other) == named]
    return next(iter([*same_name, *plain]), None)
