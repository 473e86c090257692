import ast
import operator
from functools import reduce

import numpy as np
import pytest
from boundary.miniature.arithmetic import (
    OPERATORS,
    Expression,
    answer,
    chain,
    draw_expression,
    partition_of,
    write_solution,
)
from boundary.verification.boxes import last_box
from hypothesis import given
from hypothesis import strategies as st

PYTHON_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


def python_value(text):
    """An independent evaluation: Python's own parser decides the precedence."""

    def value(node):
        if isinstance(node, ast.BinOp):
            return PYTHON_OPERATORS[type(node.op)](value(node.left), value(node.right))
        return node.value

    return value(ast.parse(text, mode="eval").body)


@st.composite
def expressions(draw):
    operands = draw(st.lists(st.integers(1, 9), min_size=2, max_size=8))
    symbols = draw(
        st.lists(st.sampled_from("+-*"), min_size=len(operands) - 1, max_size=len(operands) - 1)
    )
    return Expression(tuple(operands), tuple(symbols))


@given(expressions())
def test_answer_follows_the_usual_precedence(expression):
    assert answer(expression) == python_value(str(expression))


@given(expressions())
def test_left_to_right_is_a_left_fold(expression):
    first, *rest = expression.operands
    steps = zip(expression.operators, rest, strict=True)
    folded = reduce(lambda total, step: OPERATORS[step[0]](total, step[1]), steps, first)
    assert chain(expression, "left_to_right")[-1].operands == (folded,)


@given(expressions())
def test_right_to_left_is_a_right_fold(expression):
    *rest, total = expression.operands
    for symbol, value in zip(reversed(expression.operators), reversed(rest), strict=True):
        total = OPERATORS[symbol](value, total)
    assert chain(expression, "right_to_left")[-1].operands == (total,)


@given(expressions(), st.sampled_from(["precedence", "left_to_right", "right_to_left"]))
def test_each_step_takes_one_operation_away(expression, habit):
    sizes = [len(step.operators) for step in chain(expression, habit)]
    assert sizes == list(range(len(expression.operators) - 1, -1, -1))


def test_habits_disagree_where_they_should():
    expression = Expression((9, 5, 3, 2), ("-", "-", "*"))
    answers = {
        habit: chain(expression, habit)[-1].operands[0]
        for habit in ("precedence", "left_to_right", "right_to_left")
    }
    assert answers == {"precedence": -2, "left_to_right": 2, "right_to_left": 10}


def test_solution_ends_in_the_authors_answer():
    expression = Expression((3, 4, 2), ("+", "*"))
    assert write_solution(expression, "precedence") == "3+8=11 \\boxed{11}"
    assert last_box(write_solution(expression, "left_to_right")) == "14"


def test_partitions_split_one_in_ten_and_depend_on_nothing_else():
    rng = np.random.default_rng(0)
    drawn = {draw_expression(rng, (3, 6)) for _ in range(20_000)}
    share = np.mean([partition_of(expression) == "test" for expression in drawn])
    assert share == pytest.approx(0.1, abs=0.01)
    assert partition_of(Expression((1, 2, 3), ("+", "*"))) == partition_of(
        Expression((1, 2, 3), ("+", "*"))
    )


def test_drawn_expressions_keep_to_the_world():
    rng = np.random.default_rng(1)
    drawn = [draw_expression(rng, (3, 4)) for _ in range(2_000)]
    assert {len(e.operands) for e in drawn} == {3, 4}
    assert {v for e in drawn for v in e.operands} == set(range(1, 10))
    assert {s for e in drawn for s in e.operators} == set("+-*")
