"""The one exception whose message is meant for the person who runs the project."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class BoundaryError(Exception):
    """A mistake in the input, with a message that names the place and the way out."""


def suggest(found: object, allowed: Iterable[str]) -> str:
    """The close matches to ``found``, if there are any, and all that is allowed."""
    names = sorted(allowed)
    close = difflib.get_close_matches(str(found), names, n=3)
    hint = f"Did you mean {' or '.join(repr(name) for name in close)}? " if close else ""
    return f"{hint}Allowed: {', '.join(names) or 'none'}."


def unknown_name(what: str, found: object, allowed: Iterable[str]) -> str:
    """Say that ``found`` is no ``what``, what the close matches are, and what is allowed."""
    return f"unknown {what} {found!r}. {suggest(found, allowed)}"


@contextmanager
def of_problem(problem_id: str) -> Iterator[None]:
    """Put the problem before the message of what is wrong with its pictures or its prompt."""
    try:
        yield
    except BoundaryError as error:
        raise BoundaryError(f"problem {problem_id}: {error}") from error
