"""Mathematical answers: the corpus, real golds rewritten and perturbed, and what must hold for all."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from boundary.verification.mathematics.exact import exact_value
from boundary.verification.mathematics.expression import parse
from boundary.verification.mathematics.tokens import UnreadableError, tokenise
from boundary.verification.policy import Policy, read_policy
from boundary.verification.verifiers import boundary
from hypothesis import assume, given
from hypothesis import strategies as st
from real_golds import BENCHMARK_FILES, real_golds
from rewritings import perturbations, rewritings

CORPUS = Path(__file__).parents[1] / "corpus" / "mathematics.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_text().splitlines()]
with_real_golds = pytest.mark.skipif(
    BENCHMARK_FILES is None, reason="the variable BENCHMARK_FILES names no folder of real golds"
)


def decide(gold, answer, **settings):
    """All the ladder, in this process: nothing here is hostile."""
    golds = tuple(gold) if isinstance(gold, list) else (gold,)
    policy = read_policy(settings)
    return boundary.decide_cheaply(golds, answer, policy) or boundary.decide(golds, answer, policy)


def outcome(gold, answer, **settings):
    return decide(gold, answer, **settings).outcome


def test_the_corpus_is_large_and_says_each_thing_once():
    keys = [json.dumps([c["gold"], c["answer"], c.get("policy")]) for c in CASES]
    assert len(CASES) >= 300 and len(set(keys)) == len(keys)
    assert all(c["why"] and c["expected"] in ("correct", "wrong") for c in CASES)
    assert min(sum(c["expected"] == e for c in CASES) for e in ("correct", "wrong")) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['gold']} ~ {case['answer']}"[:60])
def test_corpus(case):
    decision = decide(case["gold"], case["answer"], **case.get("policy", {}))
    assert decision.outcome == case["expected"], (decision, case["why"])
    assert decision.rung in ("text", "number", "structure", "length", "identity", "math-verify")
    assert decision.reason


@with_real_golds
def test_every_real_gold_is_its_own_answer_however_it_is_written():
    wrong, written = [], 0
    for benchmark, golds in real_golds().items():
        for gold in golds:
            texts = [gold, *rewritings(gold)]
            assert len(set(texts)) >= 6, gold
            written += len(texts)
            wrong += [(benchmark, gold, t) for t in texts if outcome(gold, t) != "correct"]
    assert wrong == [] and written > 17_000


@with_real_golds
def test_no_real_gold_is_answered_by_what_means_something_else():
    found = [
        (benchmark, gold, text)
        for benchmark, golds in real_golds().items()
        for gold in golds
        for text in perturbations(gold)
        if outcome(gold, text) == "correct"
    ]
    assert found == []


@with_real_golds
@pytest.mark.parametrize("benchmark", ["math500", "minerva", "olympiad", "aime24"])
def test_no_real_gold_answers_another_problem(benchmark):
    """One pair in some; tests/benchmarks/verifier_accuracy.py tries all. Those of SAME say the same."""
    golds = real_golds()[benchmark]
    pairs = [(gold, other) for gold in golds for other in golds if gold != other]
    step = max(1, len(pairs) // 5000)
    found = {frozenset(p) for p in pairs[::step] if outcome(*p) == "correct"}
    assert found <= {frozenset(pair) for pair in SAME}


SAME = [
    ("-2,1", "1,-2"), ("-2,1", "(-2,1)"), ("1,-2", "(-2,1)"),  # order is free; brackets round a list
    ("10,\\!080", "10080"), ("2 \\sqrt{5}", "2\\sqrt{5}"), ("\\frac14", "\\frac{1}{4}"),
    ("120", "120^\\circ"), ("30", "30^\\circ"), ("36", "36^\\circ"), ("90", "90^\\circ"),
    ("15", "15\\mbox{ cm}^2"), ("36", "\\$36"), ("40", "40_9"), ("5", "x=5"), ("2", "+2"),
    ("$1/3$", "$\\frac{1}{3}$"), ("$2 n$", "$2n$"), ("2,3,4", "2,4,3"), ("$8 \\%$", "8"),
    ("$f(n)=n$", "$f(z)=z$"), ("$f(x)=1$", "1"), ("$k=1$", "1"), ("$k=3$", "3"),
    *((f"${n}^{{\\circ}}$", f"{n}") for n in (4, 44, 45)),
]  # fmt: skip


integers = st.integers(-(10**6), 10**6)
positive = st.integers(2, 999)
forms = st.sampled_from(
    [
        lambda p, q: f"\\frac{{{p}}}{{{q}}}",
        lambda p, q: f"\\dfrac{{{2 * p}}}{{{2 * q}}}",
        lambda p, q: f"{p}/{q}",
        lambda p, q: f"-\\frac{{{-p}}}{{{q}}}",
        lambda p, q: f"$\\left(\\tfrac{{{p}}}{{{q}}}\\right)$.",
        lambda p, q: f"x = {{{p} \\over {q}}}",
        lambda p, q: f"{p}\\cdot {q}^{{-1}}",
        lambda p, q: f"\\frac{{{p}\\sqrt{{{q}}}}}{{{q}\\sqrt{{{q}}}}}",
    ]
)


@given(integers, positive, forms, forms)
def test_a_fraction_is_equal_in_all_its_forms_and_unequal_to_its_neighbours(p, q, form, other):
    assert outcome(form(p, q), other(p, q)) == "correct"
    assert outcome(form(p, q), other(p + 1, q)) == "wrong"
    assume(p)
    assert outcome(form(p, q), other(p, q + 1)) == "wrong"
    assert outcome(form(p, q), other(-p, q)) == "wrong"


@given(st.integers(1, 10**9), st.integers(-30, 30))
def test_decimals_are_exact_in_every_notation(digits, exponent):
    value = Fraction(digits) * Fraction(10) ** exponent
    text = f"{digits}e{exponent}"
    same = [f"{digits} \\times 10^{{{exponent}}}", f"{digits}\\cdot 10^{{{exponent}}}", f"{text}."]
    for other in same:
        assert outcome(text, other) == outcome(other, text) == "correct"
    assert exact_value(parse(tokenise(text))) == value
    assert outcome(text, f"{digits + 1}e{exponent}") == "wrong"
    assert outcome(text, f"{digits}e{exponent + 1}") == "wrong"


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=5), st.randoms())
def test_lists_are_free_in_order_and_tuples_are_not(values, random):
    shuffled = random.sample(values, len(values))
    bare, other = (", ".join(map(str, v)) for v in (values, shuffled))
    assert outcome(bare, other) == outcome(other, bare) == "correct"
    assert outcome(f"\\{{{bare}\\}}", f"\\{{{other}\\}}") == "correct"
    expected = "correct" if values == shuffled else "wrong"
    assert outcome(f"({bare})", f"({other})") == outcome(f"({other})", f"({bare})") == expected
    assert outcome(bare, ", ".join(map(str, values[:-1]))) == "wrong"
    assert outcome(bare, f"{bare}, 1234") == "wrong"
    assert outcome(f"({bare})", f"[{bare}]") == "wrong"


@given(st.integers(1000, 10**12))
def test_separators_of_thousands_change_nothing(value):
    grouped = f"{value:,}"
    for comma in (",", "{,}", ",\\!", "\\,", " ", "~"):
        assert outcome(str(value), grouped.replace(",", comma)) == "correct"
    assert outcome(str(value), f"{value + 1:,}") == "wrong"


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 9))
def test_polynomials_are_functions(a, b, c, d):
    expanded = f"{d}x^3+({a})x^2+({b})x+({c})"
    assert outcome(expanded, f"(({d}x+{a})x+{b})x+{c}") == "correct"
    assert outcome(expanded, f"(({d}x+{a})x+{b})x+{c + 1}") == "wrong"
    assert outcome(f"y={expanded}", f"0={expanded}-y") == "correct"
    assert outcome(expanded, expanded.replace("x", "X")) == "wrong"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    for gold in ("5", "x^2+1", "(1,2)", text):
        if gold.strip():
            decision = boundary.decide_cheaply((gold,), text, Policy())
            assert decision is None or decision.outcome in ("correct", "wrong")
    if text.strip():
        assert boundary.decide_cheaply((text,), text, Policy()).outcome == "correct"


@given(
    st.text(alphabet="\\{}()[]|$,.;+-*/^_!%=<>0123abcdeixyz \\frac\\sqrt\\pm\\text", max_size=40)
)
def test_any_formula_is_read_or_refused(text):
    for gold in ("5", "\\sqrt{2}", "2, 3", "\\{1,2\\}", "2 < x \\le 5"):
        decision = boundary.decide_cheaply((gold,), text, Policy())
        assert decision is None or decision.outcome in ("correct", "wrong")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3 4", "two numbers side by side"),
        ("\\frac{1}", "breaks off"),
        ("(" * 70 + "1" + ")" * 70, "nested deeper than 60"),
        ("x" * 300, "a tree deeper than 200"),
        ("1e99999", "a number beyond"),
        ("\\sum_{k} k", "the command \\sum"),
    ],
)
def test_what_cannot_be_read_is_told_why(text, reason):
    with pytest.raises(UnreadableError) as refused:
        parse(tokenise(text))
    assert reason in refused.value.reason
    assert refused.value.unknown == ("sum" in text)


def test_rungs_are_told():
    rungs = {
        ("11", "11"): "text", ("11", "+11"): "number", ("\\frac12", "0.5"): "number",
        ("(1,2)", "1"): "structure", ("\\sqrt{8}", "2\\sqrt{2}"): "identity",
        ("\\text{even}", "Even"): "text", ("5", "1" * 3000): "length",
        ("\\sum_{k=1}^{n} k", "\\sum_{j=1}^{n} j"): "math-verify",
    }  # fmt: skip
    for (gold, answer), rung in rungs.items():
        assert decide(gold, answer).rung == rung, (gold, answer)


def test_a_gold_that_cannot_be_read_is_told_in_the_reason():
    decision = decide("3 \\clubsuit 5", "8")
    assert decision.outcome == "wrong" and "the gold cannot be read" in decision.reason
