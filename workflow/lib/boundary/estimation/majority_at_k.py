"""maj@k: the chance that the most frequent answer among k samples is right.

Source: self-consistency, Wang et al. 2022, arXiv 2203.11171.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from boundary.data.completeness import check_complete
from boundary.errors import BoundaryError
from boundary.estimation.intervals import score_interval
from boundary.estimation.unbiased import powers_of_two
from boundary.verification.mathematics.answer import Value
from boundary.verification.mathematics.characters import clean
from boundary.verification.mathematics.exact import exact_value
from boundary.verification.mathematics.reading import read
from boundary.verification.mathematics.tokens import tokenise
from boundary.verification.policy import Policy
from boundary.verification.verdict import UNJUDGED

KINDS = {"correct": "right", "wrong": "wrong", "no_answer": "blank", "truncated": "blank"}
LONGEST_READ = 200  # characters of an answer; a longer one stands for itself
NEGLIGIBLE = 1e-18  # a probability

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


class Ballot(NamedTuple):
    """Votes of a problem's judged samples: for the right answer, for each wrong one, for none."""

    right: int
    wrong: tuple[int, ...]
    blank: int

    @property
    def samples(self) -> int:
        """All of them."""
        return self.right + sum(self.wrong) + self.blank


def count_votes(verdicts: pd.DataFrame, problem_ids: Sequence[str], n: int) -> pd.DataFrame:
    """Votes of samples 0 ... n - 1: columns problem_id, kind, votes; a row for each group of answers.

    ``verdicts`` has the columns problem_id, sample_index, answer, verdict. ``kind`` is right (at most one
    row of a problem: what equals the gold is one answer, however it is written), wrong (a row for each
    answer, as ``answer_key`` tells them apart) or blank (at most one row: the samples without an answer,
    which do not vote). What was not judged (timeout, error) is in no row.

    Raises BoundaryError where a sample is missing, stands twice or belongs to no problem, and where a
    wrong one has no answer that could be voted for, as a program has none.
    """
    verdicts = verdicts[verdicts["sample_index"] < n]
    check_complete(verdicts, problem_ids, range(n))
    judged = verdicts[~verdicts["verdict"].isin(UNJUDGED)]
    kinds = judged["verdict"].map(KINDS)
    answers = judged["answer"].where(kinds == "wrong")
    silent = judged[(kinds == "wrong") & answers.isna()]
    if len(silent):
        first = silent.iloc[0]
        raise BoundaryError(
            f"problem {first['problem_id']}: sample {first['sample_index']} is wrong and its verdict holds "
            f"no answer ({len(silent)} such samples); a majority is one of answers, which programs lack"
        )
    keys = {answer: answer_key(answer) for answer in answers.dropna().unique()}
    codes, _ = pd.factorize(answers.map(keys))  # -1 where there is no wrong answer
    groups = judged[["problem_id"]].assign(kind=kinds, answer=codes)
    votes = groups.groupby(["problem_id", "kind", "answer"]).size().reset_index(name="votes")
    return votes[["problem_id", "kind", "votes"]]


def answer_key(answer: str) -> Fraction | str:
    """What a wrong answer is told from others by: its exact rational value, else its text.

    The text is normalised: its tokens, without spaces and invisible commands. Answers that are equal but
    written differently otherwise (sqrt(8) and 2 sqrt(2), 5 and 5 cm) split their vote, which favours the
    right answer, whose votes are never split: maj@k is too high by that. Nothing is evaluated but what
    the project's reader does within its bounds; whatever it cannot read stands for itself.
    """
    if len(answer) > LONGEST_READ:
        return answer
    key: Fraction | str = answer
    try:
        key = "".join(token.value for token in tokenise(clean(answer)))
        reading = read(answer, Policy(), is_gold=True)[0]
        if isinstance(reading, Value) and not reading.unit and not reading.percent:
            value = exact_value(reading.node)
            key = key if value is None else value
    except Exception:  # whatever a model wrote, it ends no stage
        pass
    return key


def _ballots(votes: pd.DataFrame, problem_ids: Sequence[str]) -> list[Ballot]:
    """Ballots of the table of ``count_votes``, in the order of ``problem_ids``."""
    sums = votes.groupby(["problem_id", "kind"])["votes"].sum().to_dict()
    wrong = votes[votes["kind"] == "wrong"].groupby("problem_id")["votes"].agg(tuple).to_dict()
    return [
        Ballot(
            sums.get((problem, "right"), 0), wrong.get(problem, ()), sums.get((problem, "blank"), 0)
        )
        for problem in problem_ids
    ]


def majority_at_k(ballots: Sequence[Ballot], ks: ArrayLike) -> Floats:
    """maj@k of each problem, shape [problems, ks]: exact, up to rounding (below 1e-9).

    The right answer wins if none has more votes among k samples drawn without replacement, and with the
    share 1 / (answers tied) if others have as many. Where no sample drawn votes, none wins.
    Raises ValueError where k does not lie within 1 ... the fewest samples of a ballot.
    """
    wanted = np.asarray(ks, dtype=np.int64)
    fewest = min(ballot.samples for ballot in ballots)
    if (wanted < 1).any() or wanted.max() > fewest:
        raise ValueError(f"k must lie within 1 ... {fewest}, the fewest samples")
    return np.array([[_chance_to_win(ballot, int(k)) for k in wanted] for ballot in ballots])


def _chance_to_win(ballot: Ballot, k: int) -> float:
    """Chance that the right answer wins among k samples.

    Let each sample be drawn on its own with chance p: how many are drawn of each answer is then binomial
    and independent of the others, and drawing k of all is the case that k happen to be drawn. The chance
    of that, and of losing, is the coefficient of z^k in a product of generating functions, which a
    discrete Fourier transform reads off. Losing is summed over r, how many are drawn of the right answer,
    and only to the most votes of a wrong one: beyond, nothing is lost.
    """
    if not ballot.right:
        return 0.0
    n = ballot.samples
    p = k / (n + 1)  # near k / n, where k drawn are likeliest, and below 1
    sizes, answers = np.unique(np.array(ballot.wrong, dtype=np.int64), return_counts=True)
    most = min(ballot.right, k, sizes.max(initial=0))
    # Fewer points than n + 1 add to the coefficient of z^k others, further off: some 1e-18 in all.
    points = min(n + 1, 32 + int(9 * math.sqrt(n * p * (1 - p))))
    powers = _powers_on_the_circle(max(most, 1), points)
    right = _binomial(np.array([ballot.right]), p, most)[0]
    drawn = _binomial(sizes, p, most)
    one_sample = 1 - p + p * powers[1]
    anything = one_sample ** (n - ballot.right)
    lost = right[0] * anything
    fewer = np.zeros((len(sizes), powers.shape[1]), dtype=complex)  # than r, of each size
    for r in range(1, most + 1):
        fewer += drawn[:, r - 1, None] * powers[r - 1]
        if right[r] < NEGLIGIBLE:
            continue
        rivals = sizes >= r
        others = n - ballot.right - int(sizes[rivals] @ answers[rivals])
        most_tied = min(int(answers[rivals].sum()), k // r - 1)
        equal = drawn[rivals, r, None] * powers[r]
        won = one_sample**others * _all_behind(fewer[rivals], equal, answers[rivals], most_tied)
        lost += right[r] * powers[r] * (anything - won)
    chance = np.fft.irfft(lost, points)[k % points] / _binomial(np.array([n]), p, k)[0, k]
    return float(np.clip(1 - chance, 0, 1))


def _all_behind(
    fewer: Complexes, equal: Complexes, answers: NDArray[np.int64], most_tied: int
) -> Complexes:
    """Generating function, [points], of all rivals having fewer votes, or as many and losing the tie.

    ``fewer`` and ``equal`` [sizes, points] are those of one rival's having so many, and ``answers`` [sizes]
    tells how many rivals are of a size. The right answer wins from t others tied with the chance
    1 / (t + 1), which is the integral of x^t over 0 ... 1: so x stands for being tied, and the product is
    integrated, exactly, over what is a polynomial in x of the degree ``most_tied``.
    """
    x, weights = _gauss_legendre(most_tied // 2 + 1)
    product = np.ones((len(x), fewer.shape[1]), dtype=complex)
    for below, at, times in zip(fewer, equal, answers, strict=True):
        _multiply_in(product, below + x[:, None] * at, int(times))
    return (weights[:, None] * product).sum(axis=0)


def _multiply_in(product: Complexes, factor: Complexes, times: int) -> None:
    """Multiply ``product`` by a power of ``factor``; by squares, as numpy's own powers are slow."""
    while times:
        if times & 1:
            product *= factor
        factor = factor * factor
        times >>= 1


def _powers_on_the_circle(most: int, points: int) -> NDArray[np.complex128]:
    """z^0 ... z^most at the points of a real Fourier transform: [most + 1, points // 2 + 1]."""
    circle = np.exp(-2j * np.pi * np.arange(points) / points)
    return circle[np.outer(np.arange(most + 1), np.arange(points // 2 + 1)) % points]


def _binomial(sizes: NDArray[np.int64], p: float, most: int) -> Floats:
    """Probabilities [sizes, most + 1] of 0 ... most successes in each number of trials, 0 < p < 1."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, sizes.max(initial=0) + 1)))])
    trials, successes = sizes[:, None], np.arange(most + 1)
    failures = np.maximum(trials - successes, 0)
    ways = logs[trials] - logs[np.minimum(successes, trials)] - logs[failures]
    return np.where(
        successes <= trials,
        np.exp(ways + successes * np.log(p) + failures * np.log1p(-p)),
        0.0,
    )


@cache
def _gauss_legendre(points: int) -> tuple[Floats, Floats]:
    """Points and weights on 0 ... 1 that integrate polynomials of a degree below 2 points exactly."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return (nodes + 1) / 2, weights / 2


def estimate(
    verdicts: pd.DataFrame, problem_ids: Sequence[str], n: int, level: float
) -> pd.DataFrame:
    """maj@k of a cell's verdicts (as ``count_votes`` takes them), averaged over problems.

    k is 1, 2, 4, ... and the fewest judged samples of a problem. Columns: k, majority_at_k, low, high
    (score interval), problems. Raises BoundaryError as ``count_votes`` does, and naming the
    problem if none of its samples was judged.
    """
    votes = count_votes(verdicts, problem_ids, n)
    judged = set(votes["problem_id"])
    unjudged = [problem for problem in problem_ids if problem not in judged]
    if unjudged:
        raise BoundaryError(
            f"problem {unjudged[0]}: none of its {n} samples was judged ({len(unjudged)} such problems); "
            "see the cell's verdicts.csv"
        )
    ballots = _ballots(votes, problem_ids)
    ks = powers_of_two(min(ballot.samples for ballot in ballots))
    values = majority_at_k(ballots, ks)
    low, high = score_interval(values, level)
    return pd.DataFrame(
        {
            "k": ks,
            "majority_at_k": values.mean(axis=0),
            "low": low,
            "high": high,
            "problems": len(ballots),
        }
    )
