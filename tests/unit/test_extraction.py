import pytest
from boundary.verification.boxes import BOX, last_box
from boundary.verification.extraction import find_answer
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so \\boxed{11}.", "11"),
        ("\\boxed{1} then \\boxed{ 2 }", "2"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{a\\boxed{b}c}", "b"),
        ("\\boxed{1} and \\boxed{2", "1"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("{\\boxed{7}", "7"),
        ("}} \\boxed{7}", "7"),
        ("\\boxed{}", ""),
        ("\\boxed{5}. Put your answer within \\boxed{}.", "5"),
        ("\\boxed{ } \\boxed{}", ""),
        ("\\boxed{5} Write \\boxed{\\text{answer}} or \\boxed{...}.", "5"),
        ("\\boxed {5}", "5"),
        ("\\boxed{9 \\boxed{}", ""),
        ("no box", None),
        ("\\boxed 5", None),
        ("\\boxed{3", None),
        ("", None),
        ("\\", None),
    ],
)
def test_last_box(text, answer):
    assert last_box(text) == answer


@pytest.mark.parametrize(
    ("text", "answer", "where"),
    [
        ("Answer: 42", "42", "line"),
        ("so\n**Final Answer:** $42$\nthe end", "$42$", "line"),
        ("Answer:\n\\[\n42\n\\]", "42", "line"),
        ("Answer: 42\nAnswer:", "42", "line"),
        ("My answer: is it 42?", None, None),
        ("answer 42", None, None),
        ("<answer> 7 </answer> and <answer>8", "7", "tag"),
        ("<answer>7</answer> \\boxed{8}", "8", "box"),
        ("Answer: 9 <answer>7</answer>", "7", "tag"),
        ("nswer: 3", None, None),
        ("<think>\\boxed{1}</think> so \\boxed{2}", "2", "box"),
        ("<think>\\boxed{1}</think> <answer>2</answer>", "2", "tag"),
        ("so far \\boxed{1}</think>\nAnswer: 2", "2", "line"),
        ("<think>\\boxed{1}</think> it is two", None, None),
        ("<think>\nAnswer: 1\n</think>\n \n", "1", "line"),
        ("<think>\\boxed{1}</think>", "1", "box"),
        ("<think>\\boxed{1}</think>\\boxed{}", "", "box"),
        ("<think>a</think>\\boxed{1}<think>b</think>\\boxed{2}", "2", "box"),
        ("<think>a</think>\\boxed{1}<think>or \\boxed{2}", "2", "box"),
        ("<think>a</think>\\boxed{1}</think>", "1", "box"),
        ("<think>a</think>\\boxed{1}<think>\\boxed{2}</think> no", None, None),
        ("\\boxed{1</think>}", None, None),
        ("<think>\\boxed{1} is not done", "1", "box"),
        ("\\boxed{1} </THINK> no", "1", "box"),
        ("", None, None),
    ],
)
def test_the_places_of_an_answer(text, answer, where):
    found = find_answer(text, ("box", "tag", "line"))
    assert found == (None if answer is None else (answer, where))


def brute_force(text):
    """Try every box from the right, the first that is not empty; count braces from its start."""
    starts = [i for i in range(len(text)) if text.startswith(BOX, i) and not escaped(text, i)]
    empty = None
    for start in reversed(starts):
        depth, at = 1, start + len(BOX)
        while at < len(text):
            if text[at] == "\\":
                at += 2
                continue
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                content = text[start + len(BOX) : at].strip()
                if content:
                    return content
                empty = ""
                break
            at += 1
    return empty


def escaped(text, at):
    before = len(text[:at]) - len(text[:at].rstrip("\\"))
    return before % 2 == 1


@given(st.lists(st.sampled_from([BOX, "{", "}", "\\{", "\\}", "\\\\", "1", " ", "x"]), max_size=24))
def test_agrees_with_brute_force(pieces):
    text = "".join(pieces)
    assert last_box(text) == brute_force(text)


def test_deep_and_long_texts_are_one_pass():
    assert last_box(BOX * 100_000) is None
    assert last_box("{" * 100_000 + BOX + "5}" + "}" * 100_000) == "5"
    assert last_box(BOX + "1" * 5_000_000 + "}") == "1" * 5_000_000
