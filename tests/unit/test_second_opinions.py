import logging
import time
from functools import partial

import pytest
from boundary.verification.policy import Policy
from boundary.verification.verdict import Decision
from boundary.verification.verifiers import math_verify, published
from boundary.verification.verifiers.published_text import clean

POLICY = Policy()

RESPONSES = [
    "\\boxed{\\frac{1}{2}}",
    "We get $x = \\frac12$, so the answer is $\\boxed{0.5}$.",
    "The answer is 1/2",
    "Final answer is $\\frac{2}{4}$. I hope it is correct.",
    "$\\boxed{1}$ or $\\boxed{2}$",
    "\\boxed{1, 2}",
    "\\boxed{\\{2, 1\\}}",
    "\\boxed{(1, 2)}",
    "The answer: $(1,2)$",
    "1 < x < 2",
    "$1 < x < 2$",
    "$x = 5$",
    "The answer is 5 apples.",
    "5",
    "**5**",
    "so 2 + 3 = 5",
    "\\boxed{5 \\text{ cm}}",
    "\\boxed{50\\%}",
    "0.5000001",
    "\\boxed{x^2 + 2x + 1}",
    "$(x+1)^2$",
    "$$\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}$$",
    "\\boxed{\\text{B}}",
    "\\boxed{10001}",
    "\\boxed{2\\frac{1}{2}}",
    "It has no number",
    "   .",
    "\\boxed{",
    "\\boxed{\\frac{1}{",
    "\\frac{1}{2}",
    "\\boxed{3} is not it, \\boxed{5} is",
    "答案是 5",
]
GOLDS = ["\\frac{1}{2}", "5", "1,2", "(1,2)", "1 < x < 2", "(x+1)^2", "\\text{B}", "50\\%"]


@pytest.mark.parametrize("gold", GOLDS)
def test_math_verify_says_what_the_library_says(gold):
    import math_verify as library

    golds = library.parse(f"\\boxed{{{gold}}}")
    for response in RESPONSES:
        same = library.verify(golds, library.parse(response))
        decision = math_verify.decide((gold,), response, POLICY)
        assert decision.outcome == ("correct" if same else "wrong"), response
        assert decision.rung == "math-verify"


def test_math_verify_reads_the_whole_response():
    text = " so \\boxed{5}\n"
    assert math_verify.find(text, POLICY) == (text, "response")
    assert math_verify.find(" \n", POLICY) is None
    assert math_verify.decide_cheaply(("5",), text, POLICY) is None


def test_math_verify_takes_several_golds_for_one_list():
    assert math_verify.decide(("1", "2"), "\\boxed{2, 1}", POLICY).outcome == "correct"
    assert math_verify.decide(("1", "2"), "\\boxed{1}", POLICY).outcome == "wrong"


@pytest.mark.parametrize(
    ("gold", "response", "reason"),
    [
        ("", "\\boxed{5}", "cannot parse the gold answer"),
        # int() refuses more than 4,300 digits; the library takes that for a wrong answer.
        ("5", "$" + "1" * 5000 + "$", "math-verify: SympifyError"),
        # zoo cannot be compared
        ("\\frac{1}{0}", "\\boxed{5}", "math-verify: ValueError"),
    ],
)
def test_math_verify_tells_an_error_from_a_wrong_answer(gold, response, reason):
    assert math_verify.decide((gold,), response, POLICY) == Decision("error", "math-verify", reason)


def test_math_verify_leaves_texts_the_last_word():
    assert (
        math_verify.decide(("\\frac{1}{0}",), "\\boxed{\\frac{1}{0}}", POLICY).outcome == "correct"
    )


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
@pytest.mark.parametrize("name", ["parse", "verify"])
def test_what_a_worker_answers_for_passes_through(monkeypatch, error, name):
    import math_verify as library

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(library, name, fail)
    with pytest.raises(error):
        math_verify.decide(("5",), "5", POLICY)


def test_math_verify_logs_nothing_of_its_alarms(caplog):
    from math_verify import grader, parser

    grader.TIMEOUT_WARNING_SHOWN = parser.TIMEOUT_WARNING_SHOWN = False
    with caplog.at_level(logging.DEBUG):
        math_verify.decide(("5",), "5", POLICY)
    assert not caplog.records


def test_plain_expressions_reach_eval_without_a_name():
    """What math-verify gives to sympy's parse_expr, which is eval, can name nothing."""
    from math_verify.parser import ExprExtractionConfig, get_extraction_regexes

    every_character = "".join(map(chr, range(0x3000)))
    names = set()
    for pattern, _ in get_extraction_regexes([ExprExtractionConfig()])[0][0]:
        for character in every_character:
            text = f"answer: final answer is 1{character}+{character}2. I hope"
            for match in pattern.finditer(text):
                names |= {c for c in match.groupdict().get("expr") or "" if c.isidentifier()}
                names |= set("_'\",[]{}:=;@") & set(match.groupdict().get("expr") or "")
    assert not names


@pytest.mark.parametrize(
    ("text", "answer", "where"),
    [
        ("\\boxed{1} and \\boxed{2}", "2", "box"),
        ("\\boxed{\\frac{1}{2}}, so 7", "\\frac{1}{2}", "box"),
        ("\\boxed{\\frac{1}{2}", "\\frac{1}{2}", "box"),
        ("$\\boxed 5$ as said", "5", "box"),
        ("\\boxed{}", "", "box"),
        ("I boxed it: 5", "it: 5", "box"),
        ("\\boxed{1} The final answer is $2$. I hope it is correct.", "2", "phrase"),
        ("The answer is 5. Or: the answer is\n  6.", "6", "phrase"),
        ("The answer is 5. Thank you.", "5. Thank you", "phrase"),
        ("My final answer is: 5/", " 5", "phrase"),
        ("答案是 5\n\n7", "5", "phrase"),
        ("First 3, then 1,234.5 km", "1234.5", "last number"),
        ("it falls by -.5", "-.5", "last number"),
        ("Answer: 5", "5", "last number"),
    ],
)
def test_published_finds(text, answer, where):
    assert published.find(text, POLICY) == (answer, where)


@pytest.mark.parametrize("text", ["", " \n", "nothing"])
def test_published_finds_nothing(text):
    assert published.find(text, POLICY) is None


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\\dfrac12", "\\frac{1}{2}"),
        ("\\tfrac1{72}", "\\frac{1}{72}"),
        ("\\frac1", "\\frac1"),
        ("\\frac{1}2", "\\frac{1}2"),
        ("-1/2", "\\frac{-1}{2}"),
        ("\\sqrt2/2", "\\frac{\\sqrt{2}}{2}"),
        ("01/2", "01/2"),
        ("v/2", "v/2"),
        ("\\sqrt12", "\\sqrt{12}"),
        ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\frac{\\pi}{2})"),
        ("5 \\text{ cm}^2", "5^2"),
        ("5 \\text{ cm}", "5"),
        ("\\text{Evelyn}", "Evelyn"),
        ("5 cm", "5"),
        ("12 square inches", "12"),
        ("cm", "cm"),
        ("90^\\circ", "90"),
        ("90^{\\circ}", "90"),
        ("\\$1,\\!000.00", "1,000"),
        ("50\\%", "50"),
        (".5", "0.5"),
        ("1.50", "1.50"),
        ("3.000", "3"),
        ("3.0x", "3x"),
        ("x = 5", "5"),
        ("x=5", "5"),
        ("k =5", "5"),
        ("ab=5", "5"),
        ("abc=5", "abc=5"),
        ("x\\in[1,2]", "[1,2]"),
        ("twenty-one", "21"),
        ("two hundred and five thousand", "205000"),
        ("005", "5"),
        ("3j", "3i"),
        ("(-infinity, inf)", "(-\\infty,inf)"),
        ("\\begin{array}{cc}1&2\\end{array}", "\\begin{pmatrix}1&2\\end{pmatrix}"),
        ("5 \\mbox{ dollars}.", "5"),
        ("", ""),
        ("...", ""),
        # Known errors
        ("a + 1", "1"),
        ("max=3", "ma3"),
        ("\\rightarrow", "arrow"),
        ("1 \\pm 2", "1\\2"),
    ],
)
def test_published_cleans(text, cleaned):
    assert clean(text) == cleaned


CHEAP = [
    ("5", "5", "correct", "text"),
    ("Paris", "paris", "correct", "text"),
    ("5", "five", "correct", "text"),
    ("B", "\\text{(B)}", "correct", "text"),
    ("ABD", "A, B and D", "correct", "text"),
    ("{1,2}", "1,2", "correct", "text"),
    ("(1,2)", "1,2", "correct", "text"),
    ("1000", "1,000.0", "correct", "number"),
    ("(1,n=2)", "(1,2.00001)", "correct", "elements"),
    ("1000", "1e3", "correct", "number"),
    ("10000", "9999.5", "correct", "number"),
    ("10000", "10002", "wrong", "number"),
    ("0", "0.00001", "wrong", "number"),
    ("5", "", "wrong", "text"),
    ("5", "5" * 10_001, "wrong", "text"),
    ("(1, 2)", "(1.0, 2.00001)", "correct", "elements"),
    (
        "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}",
        "\\begin{bmatrix}1\\\\2.00001\\end{bmatrix}",
        "correct",
        "elements",
    ),
    # Known errors
    ("10000", "10001", "correct", "number"),
    ("0.5", "50", "correct", "number"),
    ("50", "0.5", "correct", "number"),
    ("123", "1,2,3", "correct", "number"),
    ("(1,2)", "[1,2]", "correct", "elements"),
    ("2x+1", "2(x+1)", "correct", "text"),
    ("B", "A, B", "correct", "text"),
]


@pytest.mark.parametrize(("gold", "answer", "outcome", "rung"), CHEAP)
def test_published_decides_by_text_and_number(gold, answer, outcome, rung):
    decision = published.decide_cheaply((gold,), answer, POLICY)
    assert decision is not None
    assert decision[:2] == (outcome, rung)
    assert published.decide((gold,), answer, POLICY) == decision


@pytest.mark.parametrize(
    ("gold", "answer", "outcome", "rung"),
    [
        ("\\frac{1}{2}", "\\frac{2}{4}", "correct", "symbolic"),
        ("0.3333", "\\frac13", "correct", "symbolic"),
        ("x^2-1", "(x-1)(x+1)", "correct", "symbolic"),
        ("(x-1)(x+1)", "x^2-1", "correct", "symbolic"),
        ("abc=1", "-abc=-1", "correct", "symbolic"),
        ("6", "2(3)", "correct", "symbolic"),
        ("[1,0.5)", "(1,\\frac{2}{4})", "correct", "elements"),
        (
            "\\begin{pmatrix}1&0.5\\end{pmatrix}",
            "\\begin{pmatrix}1&\\frac24\\end{pmatrix}",
            "correct",
            "elements",
        ),
        ("(1,2)", "(2,1)", "wrong", "symbolic"),
        ("(1,2)", "(1,2,3)", "wrong", "symbolic"),
        ("\\frac{1}{2}", "\\frac{1}{", "wrong", "symbolic"),
        ("\\frac{1}{2}", "().__class__", "wrong", "symbolic"),
        # Known errors
        ("1,-2", "1,-3", "correct", "symbolic"),
        ("5", "5, \\sqrt{7}", "correct", "symbolic"),
        ("5", "5. Thank you", "wrong", "symbolic"),
        ("\\frac{5}{2}", "2\\frac{1}{2}", "wrong", "symbolic"),
        ("1", "2\\frac{1}{2}", "correct", "symbolic"),
        ("2\\pi", "6.2832", "wrong", "symbolic"),
    ],
)
def test_published_decides_by_meaning(gold, answer, outcome, rung):
    assert published.decide_cheaply((gold,), answer, POLICY) is None
    assert published.decide((gold,), answer, POLICY)[:2] == (outcome, rung)


def test_published_counts_the_first_of_several_golds_alone():
    for decide in (published.decide_cheaply, published.decide):
        assert decide(("$3$", "4"), "3", POLICY).outcome == "correct"
        assert decide(("3", "4"), "4", POLICY).outcome == "wrong"


def test_published_lets_pass_what_a_worker_answers_for(monkeypatch):
    import latex2sympy2_extended

    for error in (MemoryError, RecursionError):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(latex2sympy2_extended, "latex2sympy", fail)
        with pytest.raises(error):
            published.decide(("x",), "y", POLICY)


HOSTILE = [
    *(
        "boxed",
        "\\boxed{",
        "{",
        "}",
        "1",
        "1.",
        "-",
        "0.0",
        "\\text{",
        "\\frac",
        "\\sqrt1/",
        "a ",
        "a.",
    ),
    *(
        "one ",
        "final answer is $",
        "he answer is",
        "$. I hope",
        "答案是",
        "\n ",
        "(",
        "[",
        "=",
        ",",
        "1,",
    ),
    *("\\begin{array}", "\\begin{array}{", "\\mbox{", " m", "\\\\", "&", "ки", "٣"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_runs_end_quickly(piece):
    began = time.process_time()
    for verifier in (math_verify, published):
        verifier.find(piece * (1_000_000 // len(piece)), POLICY)
    longest = (piece * published.LONGEST)[: published.LONGEST]
    for gold in ("5", "(1,2)", "x=1", "A"):
        for ending in ("", "}", "]"):
            decide = partial(published.decide_cheaply, (gold,), policy=POLICY)
            decide(answer=longest[: -len(ending)] + ending if ending else longest)
    assert time.process_time() - began < 5
