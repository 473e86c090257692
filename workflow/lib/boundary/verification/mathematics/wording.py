"""Words in an answer: which letters are words and no product, and what some of them name."""

from __future__ import annotations

import re

from boundary.verification.mathematics.answer import REAL_LINE, Collection, Reading, Words
from boundary.verification.mathematics.vocabulary import words

# Words of two or three letters; all others of that length are products, as mn and RI.
SHORT_WORDS = words(
    """
    no on yes one two six ten odd all any red sun mon tue wed thu fri sat may jan feb mar apr jun jul aug
    sep oct nov dec dne none boy cat dog sum tie win
    """
)

# Letters in a row that are no product: a word has a vowel, and e and i are constants where alone.
RAW_WORDS = re.compile(r"[^\W\d_][^\W\d_'.\- ]*(?:[ '\-.]+[^\W\d_]+)*[.!]?")

EMPTY = frozenset(("no solution", "no solutions", "no real solution", "no real solutions", "empty set",
                   "the empty set"))  # fmt: skip

ALL_REAL = frozenset(("all real numbers", "all reals", "the real numbers", "all real x"))


def raw_words(cleaned: str) -> str | None:
    """Words without any command, if these letters are more likely words than a product."""
    text = cleaned.rstrip(".!").strip("\"' ")
    if len(text) < 2 or not RAW_WORDS.fullmatch(text) or re.search(r"\b(?:and|or)\b", text):
        return None
    parts = re.split(r"[ '.\-]+", text)
    lone = len(parts) == 1 or "-" in text
    short = [
        part
        for part in parts
        if len(part) < 4
        and part.lower() not in SHORT_WORDS
        and not (len(part) == 3 and part.isupper())
    ]
    if (lone and short) or max(map(len, parts)) == 1:
        return None
    return text


def plain(text: str) -> str:
    """A text command's content without commands and braces of its own."""
    return re.sub(r"\\[A-Za-z]+|[{}~]", " ", text).replace("\\", " ").strip()


def words_of(text: str) -> Reading:
    """Words; those that name a set are that set."""
    folded = " ".join(text.lower().rstrip(".!").split())
    if folded in EMPTY:
        return Collection("{", (), "}")
    if folded in ALL_REAL:
        return REAL_LINE
    return Words(text)
