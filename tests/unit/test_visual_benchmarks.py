"""Readers of visual benchmarks."""

import pytest
from boundary.benchmarks import mathvision, mathvista
from boundary.errors import BoundaryError
from boundary.verification.policy import read_policy
from made_up_rows import DROPPED, changed
from visual_rows import ENCODED, mathvision_row, mathvista_row

PLACE = "benchmark visual: testmini.parquet, row 7"
EASYR1 = "<|vision_start|>{image}<|vision_end|>\n{question}<|im_end|>\n"
BAD_TEXTS = [DROPPED, None, "", " \n", 3.5, ["a"]]
BAD_IMAGES = [
    (DROPPED, "no key 'decoded_image'"),
    (None, "'decoded_image' is None; expected an object with the image's bytes"),
    (ENCODED, "'decoded_image' is 20 bytes; expected an object"),
    ("images/7.jpg", "'decoded_image' is 'images/7.jpg'; expected an object"),
    ({"path": "7.jpg"}, "'decoded_image' is an object whose bytes are None"),
    ({"bytes": None, "path": "7.jpg"}, "'decoded_image' is an object whose bytes are None"),
    ({"bytes": b"", "path": "7.jpg"}, "'decoded_image' is an object whose bytes are 0 bytes"),
    ({"bytes": "iVBO", "path": None}, "'decoded_image' is an object whose bytes are 'iVBO'"),
]


def test_a_free_form_problem_of_mathvista():
    problem = mathvista.read_problem(mathvista_row(), PLACE)
    assert mathvista.DOMAIN == "visual"
    assert problem.problem_id == "7" and problem.gold == "1.2" and problem.tests is None
    assert problem.images == (ENCODED,)
    settings = {"tolerance": 0.05, "unit": "cm"}
    assert problem.meta == {"answer_type": "float", "precision": 1, "unit": "cm"} | {
        "verification": settings
    }
    assert EASYR1.format(image="<|image_pad|>", question=problem.question) == (
        "<|vision_start|><|image_pad|><|vision_end|>\n"
        "Hint: Please answer the question requiring a floating-point number with one decimal place and "
        "provide the final value, e.g., 1.2, 1.3, 1.4, at the end.\n"
        "Question: How long is the spring? (Unit: cm)<|im_end|>\n"
    )


AS_LIST = {"several": "list", "order": "gold", "intervals": "none"}


@pytest.mark.parametrize(
    "answer_type, answer, precision, unit, decimals, settings",
    [
        ("integer", "14", None, None, None, {}),
        ("integer", "14", None, "$", None, {"unit": "dollar"}),
        ("integer", "14", "1.0", " years ", 1, {"unit": "years"}),
        ("float", "0.25", "2", None, 2, {"tolerance": 0.005}),
        ("float", "0", "0.0", None, 0, {"tolerance": 0.5}),
        ("list", "[0, 10]", None, None, None, AS_LIST),
        ("list", "[0.5, 1.5]", "1.0", "m", 1, AS_LIST | {"unit": "m"}),
    ],
)
def test_forms_of_answers(answer_type, answer, precision, unit, decimals, settings):
    row = mathvista_row(answer_type=answer_type, answer=answer, precision=precision, unit=unit)
    problem = mathvista.read_problem(row, PLACE)
    assert problem.gold == answer
    known = {"answer_type": answer_type, "precision": decimals, "unit": unit}
    assert problem.meta == known | {"verification": settings}
    read_policy(problem.meta["verification"])


@pytest.mark.parametrize(
    "answer, gold",
    [("6", "6"), ("B", "B"), (" CBA ", "\\text{CBA}"), ("\\frac{1}{2}", "\\frac{1}{2}")],
)
def test_labels_in_a_row_are_no_product(answer, gold):
    assert mathvision.read_problem(mathvision_row(answer=answer), PLACE).gold == gold


def test_multiple_choice_is_left_out_of_mathvista():
    row = mathvista_row(
        question_type="multi_choice", choices=["1", "2"], answer_type="text", precision=None
    )
    assert mathvista.read_problem(row, PLACE) is None


@pytest.mark.parametrize("key", ["pid", "query", "answer", "question_type", "answer_type"])
@pytest.mark.parametrize("value", BAD_TEXTS)
def test_bad_texts_of_mathvista(key, value):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: .*'{key}'"):
        mathvista.read_problem(mathvista_row(**{key: value}), PLACE)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"question_type": "essay"}, "'question_type' is 'essay'; expected 'free_form' or"),
        ({"answer_type": "text"}, "'answer_type' is 'text'; expected 'integer' or 'float' or"),
        ({"precision": None}, "the answer is a float, and 'precision' is empty"),
        ({"precision": "1.5"}, "'precision' is '1.5'; expected a number of decimals"),
        ({"precision": "-1"}, "'precision' is '-1'; expected a number of decimals"),
        ({"precision": "nan"}, "'precision' is 'nan'; expected a number of decimals"),
        ({"precision": DROPPED}, "no key 'precision'"),
        ({"unit": 3.5}, "'unit' is 3.5; expected a text"),
        ({"unit": DROPPED}, "no key 'unit'"),
    ],
)
def test_bad_settings_of_mathvista(changes, said):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: {said}"):
        mathvista.read_problem(mathvista_row(**changes), PLACE)


def test_a_problem_of_mathvision():
    problem = mathvision.read_problem(mathvision_row(), PLACE)
    assert mathvision.DOMAIN == "visual"
    assert problem.problem_id == "7" and problem.gold == "6" and problem.tests is None
    assert problem.images == (ENCODED,)
    assert problem.meta == {"level": "1", "subject": "counting"}
    assert EASYR1.format(image="<|image_pad|>", question=problem.question) == (
        "<|vision_start|><|image_pad|><|vision_end|>\nHow many bricks are missing?<|im_end|>\n"
    )


@pytest.mark.parametrize(
    "question, posed",
    [
        ("How long is the room? <image1>", "How long is the room?"),
        ("A wall.\n<image1>\nHow many are missing?", "A wall.\nHow many are missing?"),
        ("<image1>\nThis is a wall.", "This is a wall."),
        ("Ant <image1> walks. Where is <image1> now?", "Ant walks. Where is now?"),
        ("No mark at all?", "No mark at all?"),
        ("Which is opposite to <image2>?\n<image1>\n", "Which is opposite to <image2>?\n<image1>"),
        ("Is $a<b$ in <image 1>?", "Is $a<b$ in <image 1>?"),
    ],
)
def test_a_lone_mark_is_removed_and_several_stay(question, posed):
    assert mathvision.read_problem(mathvision_row(question=question), PLACE).question == posed


def test_options_are_left_out_of_mathvision():
    assert mathvision.read_problem(mathvision_row(options=["A", "B"], answer="A"), PLACE) is None


@pytest.mark.parametrize("key", ["id", "question", "answer", "level", "subject"])
@pytest.mark.parametrize("value", BAD_TEXTS)
def test_bad_texts_of_mathvision(key, value):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: .*'{key}'"):
        mathvision.read_problem(mathvision_row(**{key: value}), PLACE)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"options": None}, "'options' is None; expected a list of texts"),
        ({"options": DROPPED}, "no key 'options'"),
        ({"options": [None]}, "'options' is a list of 1; expected a list of texts"),
        ({"question": "<image1>\n"}, "'question' is a picture alone; expected a text"),
    ],
)
def test_bad_rows_of_mathvision(changes, said):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: {said}"):
        mathvision.read_problem(mathvision_row(**changes), PLACE)


@pytest.mark.parametrize("image, said", BAD_IMAGES)
@pytest.mark.parametrize(
    "read, row",
    [(mathvista.read_problem, mathvista_row()), (mathvision.read_problem, mathvision_row())],
    ids=["mathvista", "mathvision"],
)
def test_bad_images(read, row, image, said):
    with pytest.raises(BoundaryError, match=f"^{PLACE}: {said}"):
        read(changed(row, {"decoded_image": image}), PLACE)
