"""What the miniature's worlds share: two partitions, and drawing from one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeVar

import numpy as np

Drawn = TypeVar("Drawn")
Habit = TypeVar("Habit")
Partition = Literal["train", "test"]

BARREN_DRAWS = 200  # for each that was found, after which there are no more


class Written(NamedTuple):
    """A document of a pre-training corpus: what is asked, with encoded pictures, and what is answered."""

    question: str
    solution: str
    images: tuple[bytes, ...] = ()


def partition_of_text(text: str, test_share: int) -> Partition:
    """The partition of a text: one in ``test_share`` is of test, a property of the text alone.

    Splitting by hash keeps every training set free of every test problem without any of them having
    to know which problems the others drew.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") % test_share == 0 else "train"


def draw_distinct(
    draw: Callable[[], Drawn], keys: Callable[[Drawn], tuple[Hashable, ...]], size: int
) -> list[Drawn]:
    """Draw until ``size`` share no key with each other, or until it is clear that there are fewer."""
    seen: set[Hashable] = set()
    found: list[Drawn] = []
    barren = 0
    while len(found) < size and barren < BARREN_DRAWS * (len(found) + 1):
        drawn = draw()
        barren += 1
        if seen.isdisjoint(keys(drawn)):
            seen.update(keys(drawn))
            found.append(drawn)
            barren = 0
    return found


def endless_documents(
    rng: np.random.Generator,
    draw: Callable[[], Drawn],
    habits: Mapping[Habit, float],
    write: Callable[[Drawn, Habit], str],
) -> Iterator[tuple[str, str]]:
    """Endless (question, solution) pairs: what is drawn, and what an author with some habit writes.

    ``habits`` maps each habit to the share of documents written by its authors; shares sum to 1.
    """
    names, shares = list(habits), list(habits.values())
    while True:
        drawn = draw()
        habit = names[rng.choice(len(names), p=shares)]
        yield str(drawn), write(drawn, habit)
