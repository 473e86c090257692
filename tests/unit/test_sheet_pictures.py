"""Pictures of visual problems on the sheets that a person judges."""

import base64
import csv
import html.parser
import io
import json
import re
import tracemalloc

import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.provenance import file_digest
from boundary.data.records import write_record_groups, write_records
from boundary.errors import BoundaryError
from boundary.sheets import pictures as module
from boundary.sheets.media_type import BEGINNINGS, media_type
from boundary.sheets.pictures import name_pictures, picture_rules, visual_problems
from boundary.sheets.sheet import Card, Picture, to_page, write_page
from PIL import Image

N = 40
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
RULE = re.compile(
    r'^\.(picture-[0-9a-f]{32}) \{ content: url\("data:([a-z/]+);base64,([A-Za-z0-9+/]+=*)"\); \}$',
    re.MULTILINE,
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'
BREAKOUT = b'"); } </style><script>alert(1)</script>'
HOSTILE_ID = 'p/"><img src=x onerror=alert(1)></style>{0}\N{RIGHT-TO-LEFT OVERRIDE}'
FORMATS = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif", "WEBP": "webp", "BMP": "bmp"}


def encoded(name="PNG", colour="red", size=(30, 20)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, name)
    return file.getvalue()


PNG, JPEG, OTHER = encoded(), encoded("JPEG"), encoded(colour="blue")


class Page(html.parser.HTMLParser):
    """What a browser would make of a page: its tags, its policy, its style and its cards' pictures."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.cards, self.style, self.text = set(), set(), [], "", ""
        self._in_style = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        attributes = dict(attributes)
        self._in_style = tag == "style"
        if tag == "meta" and "http-equiv" in attributes:
            self.policy = attributes["content"]
        elif tag == "article":
            self.cards.append([])
        elif tag == "img":
            self.cards[-1].append((attributes["class"], attributes["alt"]))

    def handle_endtag(self, tag):
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data):
        if self._in_style:
            self.style += data
        else:
            self.text += data

    @property
    def embedded(self):
        """Bytes and MIME type by the rules' names; what a rule is not, the style may not load."""
        rules = RULE.findall(self.style)
        assert self.style.count("url(") == len(rules) == len({name for name, _, _ in rules})
        return {name: (base64.b64decode(text), kind) for name, kind, text in rules}


def write_problems(path, problems, domain="visual"):
    """A row group for each problem, which are its pictures by its name."""
    frames = [
        pd.DataFrame(
            {"problem_id": [name], "domain": domain, "question": "How many?", "images": [images]}
        ).assign(gold=json.dumps("7"))
        for name, images in problems.items()
    ]
    write_record_groups(path, "problem", frames, {})


def write_cell(folder, problems, domain="visual", said=("7", "7", "8")):
    """Each problem is answered right twice, in two texts, and else wrong."""
    write_problems(folder / "problems.parquet", problems, domain)
    answers = [*said, *["9"] * (N - len(said))]
    rows = [(name, i, answer) for name in problems for i, answer in enumerate(answers)]
    frame = pd.DataFrame(rows, columns=["problem_id", "sample_index", "answer"])
    frame = frame.assign(finish_reason="stop", found="box", rung="text", detail="")
    frame["verdict"] = ["correct" if answer == "7" else "wrong" for answer in frame["answer"]]
    samples = frame[["problem_id", "sample_index", "finish_reason"]]
    samples = samples.assign(text=[f"it is {i}" for i in frame["sample_index"]])
    samples = samples.assign(token_ids=None, n_tokens=1, logprob_sum=None)
    write_records(folder / "samples.parquet", "sample", samples, {})
    record = {"samples": {"model": "m"}, "samples_sha256": file_digest(folder / "samples.parquet")}
    write_records(folder / "verdicts.parquet", "verdict", frame, record)


def draw(folder, sheet, *options):
    files = {name: str(folder / f"{name}.parquet") for name in ("problems", "verdicts", "samples")}
    arguments = [part for name, file in files.items() for part in (f"--{name}", file)]
    code = main([sheet, "draw", *arguments, f"--n={N}", f"--output={folder / sheet}", *options])
    assert code == 0
    return Page(folder / sheet / f"{sheet}.html")


both_sheets = pytest.mark.parametrize(
    ("sheet", "options"), [("audit", ()), ("chains", ("--below", "0.1"))]
)


# The format


@pytest.mark.parametrize(("name", "kind"), FORMATS.items())
def test_a_format_that_browsers_show_is_told_by_its_bytes(name, kind):
    assert media_type(encoded(name)) == f"image/{kind}"
    assert set(BEGINNINGS) == {f"image/{kind}" for kind in FORMATS.values()}


@pytest.mark.parametrize(
    "content",
    [
        SVG,
        b"<?xml version='1.0'?>" + SVG,
        b"\xef\xbb\xbf" + SVG,
        b"<!doctype html><script>alert(1)</script>",
        b"javascript:alert(1)",
        b"%PDF-1.7 and all that follows",
        b"BMW is no bitmap, though it begins like one",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"GIF88a" + b"\x00" * 30,
        b"\n" + PNG,
        PNG[:7],
        encoded("TIFF"),
        b"\x00" * 40,
        b"",
    ],
)
def test_whatever_else_has_no_type(content):
    assert media_type(content) is None


# The page


def test_a_page_without_pictures_allows_none_and_says_nothing_of_them():
    page = "".join(to_page("t", [], [Card("a", (), {})], [], rules=["never read"]))
    assert f'content="{POLICY}"' in page
    assert not re.search("picture|img|data:|never read", page)


def test_a_picture_of_an_unknown_format_is_said_in_words():
    pictured = Card("a", (), {}, (Picture("<b>", None),))
    page = "".join(to_page("t", [], [pictured], []))
    assert "&lt;b&gt;" in page and "a picture of a format that browsers do not show" in page
    assert "<img" not in page and "<b>" not in page.split("<h3>")[1]


@both_sheets
def test_cards_show_the_pictures_as_published_and_each_is_on_the_page_once(
    tmp_path, sheet, options
):
    write_cell(tmp_path, {"a": [PNG, JPEG], "b": [JPEG], "c": [OTHER]})
    page = draw(tmp_path, sheet, *options)
    assert page.policy == f"{POLICY}; img-src data:"
    content = {name: picture for name, (picture, _) in page.embedded.items()}
    assert sorted(page.embedded.values()) == sorted(
        [(PNG, "image/png"), (JPEG, "image/jpeg"), (OTHER, "image/png")]
    )
    shown = [[(content[name], alt) for name, alt in card] for card in page.cards]
    of = {
        "a": [
            (PNG, "picture 1 of 2, problem a"),
            (JPEG, "picture 2 of 2, problem a"),
        ],
        "b": [(JPEG, "picture 1 of 1, problem b")],
        "c": [(OTHER, "picture 1 of 1, problem c")],
    }
    with (tmp_path / sheet / f"{sheet}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert shown == [of[row["problem_id"]] for row in rows] and len(rows) >= 6
    assert not any("picture" in cell or "base64" in cell for row in rows for cell in row.values())


@both_sheets
def test_hostile_pictures_and_names_are_shown_and_run_nowhere(tmp_path, sheet, options):
    hostile = {
        HOSTILE_ID: [PNG[:8] + BREAKOUT, SVG, JPEG + BREAKOUT],
        "p/none": [b"", None, BREAKOUT],
        "p/empty": [],
        "p/null": None,
    }
    write_cell(tmp_path, hostile)
    page = draw(tmp_path, sheet, *options)
    assert not page.tags & {"script", "svg", "iframe", "object", "embed", "link", "a"}
    assert not page.attributes & {"src", "href", "style", "onload", "onerror"}
    assert {picture for picture, _ in page.embedded.values()} == {
        PNG[:8] + BREAKOUT,
        JPEG + BREAKOUT,
    }
    assert sorted({tuple(alt for _, alt in card) for card in page.cards}) == [
        (),
        tuple(f"picture {number} of 3, problem {HOSTILE_ID[:-1]}<U+202E>" for number in (1, 3)),
    ]
    # Of p/none all three are told on as many cards as the one of the other problem.
    cards = sum(map(bool, page.cards))
    assert cards and page.text.count("a format that browsers do not show") == 4 * cards
    raw = (tmp_path / sheet / f"{sheet}.html").read_text()
    assert "alert(1)</script>" not in raw and "<svg" not in raw


@both_sheets
@pytest.mark.parametrize("domain", ["math", "code"])
def test_other_sheets_look_as_before_and_read_no_pictures(
    tmp_path, monkeypatch, sheet, options, domain
):
    monkeypatch.setattr(module, "read_row_group", None)
    write_cell(tmp_path, {"a": [PNG]}, domain)
    page = draw(tmp_path, sheet, *options)
    assert page.policy == POLICY and not page.embedded
    assert "img" not in page.tags and "picture" not in page.style + page.text


@both_sheets
def test_pictures_are_read_of_the_problems_that_are_shown(tmp_path, monkeypatch, sheet, options):
    read = []

    def reading(path, group, columns):
        read.append((group, columns))
        return original(path, group, columns)

    original = module.read_row_group
    monkeypatch.setattr(module, "read_row_group", reading)
    problems = {f"p{i}": [encoded(colour=(i, 0, 0))] for i in range(9)}
    write_cell(tmp_path, problems)
    if sheet == "chains":  # the others are answered right more often
        frame = pd.read_parquet(tmp_path / "verdicts.parquet")
        often = ~frame["problem_id"].isin(["p2", "p7"])
        frame["verdict"] = frame["verdict"].mask(often, "correct")
        digest = file_digest(tmp_path / "samples.parquet")
        record = {"samples": {"model": "m"}, "samples_sha256": digest}
        write_records(tmp_path / "verdicts.parquet", "verdict", frame, record)
    else:
        options = ("--size", "4")
    page = draw(tmp_path, sheet, *options)
    with (tmp_path / sheet / f"{sheet}.csv").open(encoding="utf-8-sig", newline="") as file:
        shown = sorted({row["problem_id"] for row in csv.DictReader(file)})
    assert len(shown) == 2 if sheet == "chains" else len(shown) <= 4
    assert sorted(read) == sorted(
        (int(name[1:]), ["problem_id", "images"]) for name in shown for _ in ("names", "rules")
    )
    assert sorted(picture for picture, _ in page.embedded.values()) == sorted(
        problems[name][0] for name in shown
    )


def test_visual_problems_are_named_once_each():
    domains = {"a": "visual", "b": "math", "c": "visual"}
    assert visual_problems(domains, ["c", "b", "a", "c"]) == ["c", "a"]


def test_a_picture_has_the_same_name_wherever_it_is_shown(tmp_path):
    path = tmp_path / "problems.parquet"
    write_problems(path, {"a": [PNG, PNG], "b": [PNG], "c": [OTHER]})
    found = name_pictures(path, ["a", "b"])
    assert list(found) == ["a", "b"]
    assert len({picture.name for pictures in found.values() for picture in pictures}) == 1
    assert len(list(picture_rules(path, ["a", "b"]))) == 1
    assert name_pictures(path, []) == {} and list(picture_rules(path, [])) == []
    path.write_bytes(b"no Parquet")
    with pytest.raises(BoundaryError, match="cannot be read as a Parquet file"):
        name_pictures(path, ["a"])


def test_pictures_are_never_all_in_memory(tmp_path):
    size = 2_000_000
    problems = {f"p{i}": [PNG[:8] + bytes([i]) * size] for i in range(24)}
    write_problems(tmp_path / "problems.parquet", problems)
    tracemalloc.start()
    pictures = name_pictures(tmp_path / "problems.parquet", problems)
    cards = [Card(name, (), {}, shown) for name, shown in pictures.items()]
    rules = picture_rules(tmp_path / "problems.parquet", problems)
    write_page(tmp_path / "page.html", to_page("t", [], cards, [], rules))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * size  # one as bytes, as base64, in its rule, and on its way to the file
    written = (tmp_path / "page.html").stat().st_size
    assert written == pytest.approx(4 / 3 * 24 * size, rel=0.01)
