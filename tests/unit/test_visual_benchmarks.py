"""Readers of visual benchmarks."""

import io
import json

import pandas as pd
import pytest
from boundary.benchmarks import mathvision, mathvista
from boundary.cli import main
from boundary.data.records import read_provenance, read_records
from boundary.errors import BoundaryError
from boundary.study.catalogue import load_catalogue
from boundary.verification.policy import read_policy
from config_files import SCHEMAS, edit
from made_up_rows import DROPPED, changed
from PIL import Image
from visual_rows import ENCODED, mathvision_row, mathvista_row

PLACE = "benchmark visual: testmini.parquet, row 7"
EASYR1 = "<|vision_start|>{image}<|vision_end|>\n{question}<|im_end|>\n"
BAD_TEXTS = [DROPPED, None, "", " \n", 3.5, ["a"]]
BAD_IMAGES = [
    (DROPPED, "no key 'decoded_image'"),
    (ENCODED, "'decoded_image' is 20 bytes; expected an object"),
    ("images/7.jpg", "'decoded_image' is 'images/7.jpg'; expected an object"),
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


def picture(kind="PNG", **settings):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(buffer, kind, **settings)
    return buffer.getvalue()


MOVING = picture("GIF", save_all=True, append_images=[Image.new("RGB", (40, 30), "red")])
# Images of five problems; those of 2, 3 and 4 are none.
IMAGES = [
    {"bytes": picture(), "path": "1.png"},
    {"bytes": picture()[:60], "path": "2.png"},
    {"bytes": None, "path": "3.png"},
    {"bytes": MOVING, "path": "4.gif"},
    {"bytes": picture("JPEG"), "path": "5.jpg"},
]
REASONS = {
    "2": "image 1: a damaged image: image file is truncated",
    "3": "image 1: missing. Read the file that holds the images themselves",
    "4": "image 1: an image of several frames, of which nobody knows",
}


@pytest.fixture
def load(tmp_path):
    """Load five problems by the stage; exit code."""
    rows = [mathvision_row(id=str(n), decoded_image=image) for n, image in enumerate(IMAGES, 1)]
    pd.DataFrame(rows).to_parquet(tmp_path / "five.parquet")

    def run(*arguments, output="problems.parquet"):
        read = ["--path", tmp_path / "five.parquet", "--format", "mathvision", *arguments]
        output = ["--output", tmp_path / output]
        return main(["benchmarks", "--name", "own", *map(str, [*read, *output])])

    return run


@pytest.mark.parametrize("arguments", [[], ["--bad-images", "refuse"]])
def test_a_bad_image_is_named_and_nothing_is_written(tmp_path, load, capsys, arguments):
    assert load(*arguments) == 1
    said = capsys.readouterr().err
    place = f"benchmark own: {tmp_path / 'five.parquet'}, row 2: problem 2: {REASONS['2']}"
    assert place in said and "Traceback" not in said
    assert "`bad_images: leave_out`, or this one, `without`" in said
    assert not (tmp_path / "problems.parquet").exists()


def test_problems_with_bad_images_are_left_out_and_said_to_be(tmp_path, load, capsys):
    assert load("--bad-images", "leave_out", "--rows", "2") == 0
    said = capsys.readouterr().err
    for problem, reason in REASONS.items():
        assert f"left out: problem {problem}: {reason}" in said
    problems = read_records(tmp_path / "problems.parquet", "problem")
    assert list(problems["problem_id"]) == ["1", "5"]
    assert list(problems["images"][1]) == [IMAGES[4]["bytes"]]  # as published
    provenance = read_provenance(tmp_path / "problems.parquet")
    assert list(provenance["left_out"]) == ["2", "3", "4"]
    assert all(provenance["left_out"][key].startswith(REASONS[key]) for key in REASONS)


def test_rows_and_digest_are_of_what_is_kept(tmp_path, load, capsys):
    out = ["--bad-images", "leave_out"]
    assert load(*out, "--rows", "5") == 1
    said = capsys.readouterr().err
    assert "found 2 problems; expected 5" in said and "others are left out (3 are)" in said
    assert said.count("left out: problem") == 3
    assert load(*out) == 0
    digest = read_provenance(tmp_path / "problems.parquet")["problems_sha256"]
    named = ["--without", json.dumps(["2", "3", "4"])]
    assert load(*named, "--sha256", digest, output="named.parquet") == 0
    provenance = read_provenance(tmp_path / "named.parquet")
    assert provenance["problems_sha256"] == digest
    assert set(provenance["left_out"].values()) == {"named under `without`"}
    assert load(*named, "--rows", "2", "--sha256", digest) == 0
    assert load("--without", '["2", "4"]', "--bad-images", "leave_out", "--rows", "2") == 0


def test_a_split_is_the_same_whatever_is_left_out_of_it(tmp_path, load):
    kept = {}
    for name in ("a", "b"):
        part = json.dumps({"name": name, "sizes": {"a": 3, "b": 2}, "seed": 0})
        assert load("--part", part, "--bad-images", "leave_out", output=f"{name}.parquet") == 0
        whole = read_provenance(tmp_path / f"{name}.parquet")["left_out"]
        kept[name] = {*read_records(tmp_path / f"{name}.parquet", "problem")["problem_id"], *whole}
    assert {len(problems) for problems in kept.values()} == {3, 2}
    assert kept["a"] | kept["b"] == set("12345") and not kept["a"] & kept["b"]


def test_a_name_of_no_problem_is_told(load, capsys):
    assert load("--bad-images", "leave_out", "--without", '["1", "6", "7"]') == 1
    said = capsys.readouterr().err
    assert "`without` names '6', '7', which is the identifier of no problem in it" in said


def test_problems_of_text_are_left_out_by_their_names_too(tmp_path, capsys):
    lines = [json.dumps({"question": f"{n}?", "answer": n}) for n in range(3)]
    (tmp_path / "own.jsonl").write_text("\n".join(lines))
    read = ["benchmarks", "--name", "own", "--path", str(tmp_path / "own.jsonl")]
    output = ["--output", str(tmp_path / "problems.parquet")]
    assert main([*read, "--without", '["own/0001"]', *output]) == 0
    problems = read_records(tmp_path / "problems.parquet", "problem")
    assert list(problems["problem_id"]) == ["own/0000", "own/0002"]  # numbers stay
    for wrong, said in (
        (["--without", "[7]"], "without.0: "),
        (["--without", "[]"], "without: "),
        (["--bad-images", "leave_out"], "--bad-images: found bad_images beside the format math"),
    ):
        assert main([*read, *wrong, *output]) == 1
        assert said in capsys.readouterr().err.replace("without: 0: ", "without.0: ")


def entries(config, **entry):
    edit(config / "benchmarks.yaml", lambda known: known.update(own={"label": "x", **entry}))
    return load_catalogue(config, SCHEMAS).benchmarks["own"]


FILE = {"path": "x.parquet", "format": "mathvista"}


def test_an_entry_says_so_too(config):
    own = entries(config, **FILE, bad_images="leave_out", without=["7", "a b"])
    assert own.source_arguments[-3:] == ["--without", '["7", "a b"]', "--bad-images=leave_out"]
    assert own.source_arguments[:-3] == entries(config, **FILE).source_arguments


@pytest.mark.parametrize(
    "entry, said",
    [
        (FILE | {"bad_images": "skip"}, r"own\.bad_images: unknown value 'skip'"),
        (FILE | {"without": []}, r"own\.without: "),
        ({"path": "x.json", "bad_images": "refuse"}, "found bad_images beside the format math"),
        ({"counts_only": True, "without": ["7"]}, "own: found without beside counts_only"),
    ],
)
def test_an_entry_that_leaves_out_what_is_not_there_is_told(config, entry, said):
    with pytest.raises(BoundaryError, match=said):
        entries(config, **entry)
