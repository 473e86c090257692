"""Whether two readings say the same, under a policy.

What needs numerical evaluation is asked of ``identity`` (boundary.verification.mathematics.identity), which
may take long; without it, such a question raises UndecidedError, and all else is decided in bounded time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from boundary.verification.mathematics.answer import (
    Based,
    Collection,
    Matrix,
    Reading,
    Relation,
    Union,
    Value,
    Words,
)
from boundary.verification.mathematics.exact import exact_value
from boundary.verification.mathematics.relations import (
    fold,
    name_of,
    region,
    renamed,
    variable_of,
    without_arguments,
)
from boundary.verification.mathematics.tree import Node
from boundary.verification.mathematics.values import (
    RUNGS,
    Identity,
    Match,
    Question,
    ValueComparison,
)
from boundary.verification.policy import Policy


def compare(gold: Reading, answer: Reading, policy: Policy, identity: Identity | None) -> Match:
    """Compare two readings. Raises UndecidedError where ``identity`` is needed and is None."""
    return _Comparison(policy, identity).readings(gold, answer)


class _Comparison(ValueComparison):
    def __init__(self, policy: Policy, identity: Identity | None) -> None:
        super().__init__(policy, identity)
        self.nesting = 0  # collections that the readings at hand stand in

    def readings(self, gold: Reading, answer: Reading) -> Match:
        """Compare two readings of any kind."""
        if isinstance(gold, Relation) or isinstance(answer, Relation):
            return self.relations(gold, answer)
        if isinstance(gold, Words) or isinstance(answer, Words):
            return self.words(gold, answer)
        if isinstance(gold, Based) or isinstance(answer, Based):
            return self.based(gold, answer)
        if isinstance(gold, Matrix) or isinstance(answer, Matrix):
            return self.matrices(gold, answer)
        if isinstance(gold, Union) or isinstance(answer, Union):
            return self.unions(gold, answer)
        if isinstance(gold, Collection) or isinstance(answer, Collection):
            return self.collections(gold, answer)
        return self.values(gold, answer)

    def words(self, gold: Reading, answer: Reading) -> Match:
        texts = [_as_words(reading) for reading in (gold, answer)]
        if None in texts:
            return Match(False, "structure", f"{_kind(gold)} against {_kind(answer)}")
        if self.policy.text == "folded":
            texts = [fold(str(text)) for text in texts]
        if not (isinstance(gold, Words) and isinstance(answer, Words)):
            texts = [str(text).replace(" ", "") for text in texts]  # a formula has none
        same = texts[0] == texts[1]
        return Match(same, "text", "the same words" if same else "other words")

    def based(self, gold: Reading, answer: Reading) -> Match:
        """Compare digits in a base with such, or with digits that leave it out."""
        if isinstance(gold, Based) and isinstance(answer, Based):
            if gold.base != answer.base:
                return Match(False, "number", f"base {answer.base} is not base {gold.base}")
            return Match(gold.digits == answer.digits, "number", f"digits in base {gold.base}")
        based, other = (gold, answer) if isinstance(gold, Based) else (answer, gold)
        assert isinstance(based, Based)
        # A question that asks for another base than ten has it in its gold.
        unasked = based is answer and based.base != "10"
        if not isinstance(other, Value) or self.policy.bases == "required" or unasked:
            return Match(False, "structure", "a base is stated on one side only")
        same = (other.written.lstrip("0") or "0") == based.digits
        return Match(same, "number", "digits without their base")

    def matrices(self, gold: Reading, answer: Reading) -> Match:
        rows = [_rows(reading) for reading in (gold, answer)]
        if rows[0] is None or rows[1] is None:
            return Match(False, "structure", f"{_kind(gold)} against {_kind(answer)}")
        # A vector may lie or stand where one side is written as a tuple.
        if not (isinstance(gold, Matrix) and isinstance(answer, Matrix)):
            rows = [_standing(side) for side in rows if side is not None]
        shapes = [[len(row) for row in side] for side in rows if side is not None]
        if shapes[0] != shapes[1]:
            return Match(False, "structure", "matrices of other shapes")
        entries = [[entry for row in side for entry in row] for side in rows if side is not None]
        return self.in_order(entries[0], entries[1], "entry")

    def unions(self, gold: Reading, answer: Reading) -> Match:
        parts = [_parts(reading) for reading in (gold, answer)]
        return self.in_any_order(parts[0], parts[1], "part of the union")

    def collections(self, gold: Reading, answer: Reading) -> Match:
        """Compare lists, tuples, sets, intervals and ratios, by their brackets."""
        if not isinstance(gold, Collection) or not isinstance(answer, Collection):
            return self.collection_with_one(gold, answer)
        free = ("", "{")
        if gold.opening in free and answer.opening in free:
            if gold.opening == "{" and answer.opening != "{" and self.policy.sets == "required":
                return Match(False, "structure", "a set without its braces")
            sides = [_distinct(c.items) if "{" in (gold.opening, answer.opening) else c.items
                     for c in (gold, answer)]  # fmt: skip
            named = [_are_named_apart(side) for side in sides]
            if (self.policy.order == "gold" and gold.opening == "") or named == [True, False]:
                return self.in_order(sides[0], sides[1], "answer")
            return self.in_any_order(sides[0], sides[1], "answer")
        if gold.opening == "" and (answer.opening, answer.closing) == ("(", ")"):
            # x = 5, y = 6 as (5, 6)
            if self.policy.order == "gold" or _are_named_apart(gold.items):
                return self.in_order(gold.items, answer.items, "answer")
            return self.in_any_order(gold.items, answer.items, "answer")
        is_tuple = (gold.opening, gold.closing) == ("(", ")")
        if answer.opening == "" and is_tuple and _are_named_apart(answer.items):
            return self.in_order(gold.items, answer.items, "answer")
        if gold.opening == answer.opening == ":":
            return self.ratios(gold, answer)
        if (gold.opening, gold.closing) != (answer.opening, answer.closing):
            return Match(False, "structure", "other brackets")
        return self.in_order(gold.items, answer.items, "entry")

    def collection_with_one(self, gold: Reading, answer: Reading) -> Match:
        """A collection of one item is that item, where brackets say nothing more."""
        collection, other = (gold, answer) if isinstance(gold, Collection) else (answer, gold)
        assert isinstance(collection, Collection)
        if collection.opening == "{" and len(collection.items) == 1 and not self.nesting:
            required = collection is gold and self.policy.sets == "required"
            if not required:
                pair = (collection.items[0], other)
                return self.readings(*(pair if collection is gold else pair[::-1]))
        if isinstance(gold, Collection):
            return Match(False, "structure", f"one answer, where {len(gold.items)} are asked for")
        if isinstance(answer, Collection):
            distinct = _distinct(answer.items)
            if answer.opening == "" and len(distinct) == 1 and len(answer.items) > 1:
                return self.readings(gold, distinct[0])
        return Match(False, "structure", "several answers, where one is asked for")

    def ratios(self, gold: Collection, answer: Collection) -> Match:
        sides = [[_exact(item) for item in c.items] for c in (gold, answer)]
        numbers = [[value for value in side if value is not None] for side in sides]
        clocks = [_is_clock(c) for c in (gold, answer)]
        if [len(n) for n in numbers] != [len(s) for s in sides] or any(clocks):
            return self.in_order(gold.items, answer.items, "term")
        first, second = numbers
        if len(first) != len(second) or [bool(a) for a in first] != [bool(b) for b in second]:
            return Match(False, "structure", "other ratios")
        pairs = list(zip(first, second, strict=True))
        same = any(first) and all(a * d == c * b for a, b in pairs for c, d in pairs)
        return Match(same, "number", "ratios")

    def in_order(self, gold: Sequence[Reading], answer: Sequence[Reading], what: str) -> Match:
        if len(gold) != len(answer):
            return Match(False, "structure", f"{len(answer)} against {len(gold)}")
        matches = []
        for place, pair in enumerate(zip(gold, answer, strict=True), start=1):
            match = self.inside(*pair)
            if not match.equal:
                return Match(False, match.rung, f"{what} {place}: {match.reason}")
            matches.append(match)
        return Match(True, _dearest(matches), f"every {what} is equal")

    def in_any_order(self, gold: Sequence[Reading], answer: Sequence[Reading], what: str) -> Match:
        """Each of ``gold`` matched with another of ``answer``; equality is transitive, so greedily."""
        if len(gold) != len(answer):
            return Match(
                False, "structure", f"{len(answer)} answers, where {len(gold)} are asked for"
            )
        left, matches = list(answer), []
        for place, wanted in enumerate(gold, start=1):
            for other in left:
                match = self.inside(wanted, other)
                if match.equal:
                    matches.append(match)
                    left.remove(other)
                    break
            else:
                return Match(False, "structure", f"{what} {place} of the gold is missing")
        return Match(True, _dearest(matches), f"every {what} is there")

    def inside(self, gold: Reading, answer: Reading) -> Match:
        """Compare items of collections."""
        self.nesting += 1
        try:
            return self.readings(gold, answer)
        finally:
            self.nesting -= 1

    def relations(self, gold: Reading, answer: Reading) -> Match:
        """Compare where one side at least is a relation."""
        both = isinstance(gold, Relation) and isinstance(answer, Relation)
        if both and gold.signs == answer.signs == ("=",):  # type: ignore[union-attr]
            return self.equations(gold, answer)  # type: ignore[arg-type]
        regions = [region(reading) for reading in (gold, answer)]
        if both and regions[0] is not None and regions[1] is not None:
            names = [name_of(variable_of(reading)) for reading in (gold, answer)]  # type: ignore[arg-type]
            if names[0] == names[1]:
                return self.readings(regions[0], regions[1])
        if both:
            return self.inequalities(gold, answer)  # type: ignore[arg-type]
        relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
        assert isinstance(relation, Relation)
        inner = self.solved(relation)
        if inner is None and self.policy.intervals == "relations":
            inner = regions[0] if relation is gold else regions[1]
        if inner is None:
            return Match(False, "structure", f"{_kind(answer)} in place of {_kind(gold)}")
        return self.readings(*((inner, other) if relation is gold else (other, inner)))

    def solved(self, relation: Relation) -> Reading | None:
        """What ``x = ... = value`` or ``x in S`` says of x; None if more than names stands before it."""
        if relation.signs == ("in",):
            return relation.sides[1] if name_of(relation.sides[0]) else None
        if set(relation.signs) != {"="}:
            return None
        *before, last = relation.sides
        if all(name_of(side) or self.readings(side, last).equal for side in before):
            return last
        if len(before) == 1 and isinstance(before[0], Value) and name_of(last):
            return before[0]
        return None

    def equations(self, gold: Relation, answer: Relation) -> Match:
        """Compare two equations: what they say of one name, or up to a factor."""
        (left, right), (other_left, other_right) = gold.sides, answer.sides
        names = [name_of(left), name_of(other_left)]
        if names[0] and names[1] and without_arguments(left, other_left):
            return self.readings(right, other_right)
        if all(names) and isinstance(right, Value) and isinstance(other_right, Value):
            body = renamed(other_left, other_right, left)
            if body is not None:
                return self.readings(right, body)
        sides = (left, right, other_left, other_right)
        if not all(isinstance(side, Value) for side in sides):
            return Match(False, "structure", "other equations")
        differences = [Node("add", (a.node, Node("neg", (b.node,))))  # type: ignore[union-attr]
                       for a, b in ((left, right), (other_left, other_right))]  # fmt: skip
        return self.ask(Question(differences[0], differences[1], up_to_factor=True))

    def inequalities(self, gold: Relation, answer: Relation) -> Match:
        """Two single inequalities, which the reader has turned to the same side."""
        sides = []
        for relation in (gold, answer):
            if len(relation.signs) != 1 or not all(isinstance(s, Value) for s in relation.sides):
                return Match(False, "structure", "other relations")
            left, right = (side.node for side in relation.sides)  # type: ignore[union-attr]
            sides.append((relation.signs[0], Node("add", (left, Node("neg", (right,))))))
        if sides[0][0] != sides[1][0]:
            return Match(False, "structure", "other relations")
        return self.ask(Question(sides[0][1], sides[1][1]))


def _dearest(matches: Iterable[Match]) -> str:
    return max((match.rung for match in matches), key=RUNGS.index, default="structure")


def _distinct(items: Sequence[Reading]) -> tuple[Reading, ...]:
    return tuple(dict.fromkeys(items))


def _parts(reading: Reading) -> tuple[Reading, ...]:
    """What a union, or a bare list in its place, is made of."""
    if isinstance(reading, Union):
        return reading.parts
    is_list = isinstance(reading, Collection) and reading.opening == ""
    return reading.items if is_list else (reading,)  # type: ignore[union-attr]


def _kind(reading: Reading) -> str:
    names = {
        "Value": "a value",
        "Words": "words",
        "Relation": "a relation",
        "Collection": "several answers",
    }
    return names.get(type(reading).__name__, f"a {type(reading).__name__.lower()}")


def _as_words(reading: Reading) -> str | None:
    if isinstance(reading, Words):
        return reading.text
    if isinstance(reading, Value) and reading.node.kind in ("symbol", "constant"):
        return str(reading.node.value)
    if isinstance(reading, Value) and reading.written.isalnum() and not reading.written.isdigit():
        return reading.written
    return None


def _is_clock(collection: Collection) -> bool:
    """7:30 is a time of day, and no ratio of 1 to 4."""
    last = collection.items[-1]
    digits = isinstance(last, Value) and last.written.isdigit() and len(last.written) == 2
    return len(collection.items) == 2 and digits and last.written[0] in "012345"  # type: ignore[union-attr]


def _rows(reading: Reading) -> list[list[Reading]] | None:
    if isinstance(reading, Matrix):
        return [list(row) for row in reading.rows]
    if isinstance(reading, Collection) and reading.opening + reading.closing in ("()", "[]"):
        return [[item] for item in reading.items]
    return None


def _are_named_apart(items: Sequence[Reading]) -> bool:
    """Whether all are relations, each of another name: x = 5, y = 6."""
    names = [name_of(item.sides[0]) for item in items if isinstance(item, Relation)]
    return len(names) == len(items) == len(set(names)) and None not in names


def _standing(rows: list[list[Reading]]) -> list[list[Reading]]:
    """A row as a column; other shapes as they are."""
    return [[entry] for entry in rows[0]] if len(rows) == 1 else rows


def _exact(reading: Reading) -> Fraction | None:
    return exact_value(reading.node) if isinstance(reading, Value) else None
