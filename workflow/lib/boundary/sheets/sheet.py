"""Sheets for a person: a page to read, a CSV to fill in, and the CSV read back and checked.

A sheet is a list of cards. The page shows each card's texts whole; the CSV has a row for each card, in
the same order, with some of its texts and with empty columns, the questions. Nothing that is read back
depends on any other column, so that a spreadsheet may mangle those.
"""

from __future__ import annotations

import csv
import difflib
import html
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from boundary.data.atomic import atomic_path
from boundary.data.spreadsheet import PICTURES, spreadsheet_cell
from boundary.errors import BoundaryError

Shape = Literal["box", "half", "end"]

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'{sources}">
<meta name="viewport" content="width=device-width"><title>{title}</title><style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 1.5em auto; padding: 0 1em; max-width: 62em;
  color: #222; background: #f2f2f0; }}
header {{ max-width: 46em; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; margin: -.6em 0 1em 1em; }}
dt {{ font-weight: 600; }}
dd {{ margin: 0; }}
article {{ background: #fff; border: 1px solid #ccc; border-radius: 4px; margin: 1.5em 0;
  padding: .8em 1.2em 1.2em; display: grid; grid-template-columns: 1fr 1fr; gap: .8em 1.2em;
  content-visibility: auto; contain-intrinsic-size: auto 36em; }}
h2 {{ font-size: 1em; margin: 0; grid-column: 1 / -1; display: flex; gap: 1.2em; align-items: baseline;
  border-bottom: 1px solid #ddd; padding-bottom: .4em; font-weight: normal; color: #666; }}
h2 b {{ color: #222; font-size: 1.15em; }}
h2 code {{ font-size: 1.1em; color: #222; }}
.box, .end {{ grid-column: 1 / -1; }}
.half {{ min-width: 0; }}
h3, summary {{ font-size: .8em; font-weight: 600; color: #666; margin: 0 0 .25em; }}
summary {{ cursor: pointer; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere; overflow: auto; max-height: 14em; }}
.half .text {{ background: #eef3fa; padding: .4em .7em; border-radius: 3px; font-size: 1.1em;
  font-family: ui-monospace, monospace; }}
.end .text {{ max-height: 16em; border: 1px solid #ddd; padding: .4em .7em; background: #fafafa;
  font: .88em/1.4 ui-monospace, monospace; display: flex; flex-direction: column-reverse;
  resize: vertical; }}
.none {{ color: #999; font-style: italic; }}
"""
SHOWS_PICTURES = "; img-src data:"
PICTURES_STYLE = """.pictures { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .8em 1.2em;
  align-items: flex-start; }
.pictures details { max-width: 100%; }
.pictures img { display: block; max-width: 100%; max-height: 28em; margin-top: .25em; cursor: zoom-in; }
.pictures [open] { flex-basis: 100%; overflow: auto; }
.pictures [open] img { max-width: none; max-height: none; cursor: zoom-out; }
"""
BODY = """</style></head><body><header><h1>{title}</h1>
{questions}
{instructions}
</header>
{cards}
</body></html>
"""
NOT_SHOWN = "a picture of a format that browsers do not show"
HOW_TO = "<p>In the CSV beside this page, fill in the row that a card names.</p>"


@dataclass(frozen=True)
class Block:
    """A text of a card under its label; None is a text that is not there.

    A ``box`` has the card's width, two ``half`` stand side by side, and an ``end`` can be folded and
    shows its end first, where a response states its answer.
    """

    label: str
    text: str | None
    shape: Shape = "box"


@dataclass(frozen=True)
class Picture:
    """A picture of a card, which the page's style embeds in the rule of this ``name``.

    The name is None where browsers do not show its format: the card says so.
    """

    label: str
    name: str | None


@dataclass(frozen=True)
class Card:
    """What a person judges at a time: blocks for the page, and ``cells`` for the CSV by column.

    ``pictures`` stand above the blocks, and not in the CSV.
    """

    id: str
    blocks: tuple[Block, ...]
    cells: Mapping[str, str]
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Question:
    """A column that a person fills in: with one of ``answers``, or freely if there are none.

    ``answers`` says of each, in small letters, when it is the one.
    """

    column: str
    answers: Mapping[str, str] = field(default_factory=dict)


def write_sheet(
    page: Path,
    table: Path,
    *,
    title: str,
    instructions: Sequence[str],
    cards: Sequence[Card],
    questions: Sequence[Question],
    rules: Iterable[str] = (),
) -> None:
    """Write the page (.html) and the CSV. The CSV comes last, so that where it is, the page is, too.

    ``rules`` are as in ``to_page``. Raises BoundaryError if the CSV exists.
    """
    check_absent(table)
    write_page(page, to_page(title, instructions, cards, questions, rules))
    write_table(table, cards, questions)


def write_page(page: Path, parts: Iterable[str]) -> None:
    """Write a page that ``to_page`` makes; nobody's work is in it, and another takes its place."""
    with atomic_path(page) as file, file.open("w", encoding="utf-8") as stream:
        stream.writelines(parts)


def write_table(table: Path, cards: Sequence[Card], questions: Sequence[Question]) -> None:
    """Write the CSV to fill in. Raises BoundaryError if it exists."""
    check_absent(table)
    with atomic_path(table) as file:
        # With its mark, so that Excel takes it for what it is.
        file.write_text(to_csv(cards, questions), encoding="utf-8-sig", newline="")


def check_absent(table: Path) -> None:
    """See that no CSV is there yet. Raises BoundaryError: somebody's work may be in it."""
    if table.exists():
        raise BoundaryError(
            f"{table} exists, and somebody may have filled it in; choose another folder or remove it"
        )


def to_page(
    title: str,
    instructions: Sequence[str],
    cards: Sequence[Card],
    questions: Sequence[Question],
    rules: Iterable[str] = (),
) -> Iterator[str]:
    """The parts of a page that stands alone: no script, nothing loaded, every text escaped.

    A card is numbered by its row in the CSV, as spreadsheets count: the header is row 1. Without cards the
    page has its instructions alone. ``rules`` embed the cards' pictures (pictures.picture_rules): they come
    into the style unescaped, one at a time, and only a page with pictures may show any.
    """
    pictured = any(card.pictures for card in cards)
    yield HEAD.format(title=_escape(title), sources=SHOWS_PICTURES if pictured else "")
    if pictured:
        yield PICTURES_STYLE
        yield from rules
    yield BODY.format(
        title=_escape(title),
        questions="\n".join([HOW_TO, *map(_question, questions)] if cards else []),
        instructions="\n".join(f"<p>{_escape(paragraph)}</p>" for paragraph in instructions),
        cards="\n".join(_card(row, card) for row, card in enumerate(cards, start=2)),
    )


def _question(question: Question) -> str:
    column = f"Column <b>{_escape(question.column)}</b>"
    if not question.answers:
        return f"<p>{column}: whatever you like to say.</p>"
    answers = "\n".join(
        f"<dt>{_escape(answer)}</dt><dd>{_escape(when)}</dd>"
        for answer, when in question.answers.items()
    )
    return f"<p>{column}:</p><dl>\n{answers}\n<dt></dt><dd>left empty: not judged yet</dd></dl>"


def _card(row: int, card: Card) -> str:
    name = _escape(card.id)
    shown = map(_block, card.blocks)
    blocks = "\n".join([_pictures(card.pictures), *shown] if card.pictures else shown)
    return (
        f'<article id="{name}"><h2><b>row {row}</b><code>{name}</code></h2>\n{blocks}\n</article>'
    )


def _pictures(pictures: Sequence[Picture]) -> str:
    return f'<div class="pictures">{"".join(map(_picture, pictures))}</div>'


def _picture(picture: Picture) -> str:
    """A picture that fits the card, and is as large as it is while its details are open."""
    label = _escape(picture.label)
    if picture.name is None:
        return f'<div><h3>{label}</h3><span class="none">{NOT_SHOWN}</span></div>'
    image = f'<img class="{_escape(picture.name)}" alt="{label}">'
    return f"<details><summary>{label} (a click shows its full size){image}</summary></details>"


def _block(block: Block) -> str:
    label = _escape(block.label)
    if block.text is None or not block.text.strip():
        missing = "none" if block.text is None else "an empty text"
        text = f'<div class="text"><span class="none">{missing}</span></div>'
    else:
        text = f'<div class="text"><div>{_escape(block.text)}</div></div>'
    if block.shape == "end":
        return f'<details class="end" open><summary>{label}</summary>{text}</details>'
    return f'<div class="{block.shape}"><h3>{label}</h3>{text}</div>'


def _escape(text: str) -> str:
    # Pictures first: what they put in is escaped with the rest.
    return html.escape(text.translate(PICTURES))


def to_csv(cards: Sequence[Card], questions: Sequence[Question]) -> str:
    """The table to fill in: id, the cards' cells, and an empty column for each question."""
    columns = list(dict.fromkeys(column for card in cards for column in card.cells))
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", *columns, *(question.column for question in questions)])
    for card in cards:
        shown = [spreadsheet_cell(card.cells.get(column, "")) for column in columns]
        writer.writerow([card.id, *shown, *[""] * len(questions)])
    return file.getvalue()


def read_sheet(path: Path, ids: Sequence[str], questions: Sequence[Question]) -> pd.DataFrame:
    """What a person filled in: a row for each of ``ids``, in their order; columns id and the questions.

    An answer is taken without regard to case and to space around it; "" is not answered yet. Commas,
    semicolons and tabs are all read, as what a spreadsheet writes depends on its language. Raises
    BoundaryError naming file, row and the way out for an answer that is not allowed, a row that is
    unknown, repeated or missing, or a file that is no such table.
    """
    known = set(ids)
    found: dict[str, list[str]] = {}
    rows: dict[str, int] = {}
    for row, cells in _read_rows(path, ["id", *(question.column for question in questions)]):
        place = f"{path}, row {row}"
        identifier = cells["id"].strip()
        _check_id(identifier, known, rows, place)
        rows[identifier] = row
        found[identifier] = [_answer(cells[q.column], q, place) for q in questions]
    if missing := [identifier for identifier in ids if identifier not in found]:
        raise BoundaryError(
            f"{path}: the row with the id {missing[0]} is missing ({len(missing)} such rows); put it back, "
            "with nothing filled in if it is not judged yet"
        )
    columns = [question.column for question in questions]
    table = pd.DataFrame([found[identifier] for identifier in ids], columns=columns, dtype=object)
    table.insert(0, "id", list(ids))
    return table


def _check_id(identifier: str, known: set[str], rows: Mapping[str, int], place: str) -> None:
    if identifier in rows:
        raise BoundaryError(
            f"{place}: the id {identifier} stands in row {rows[identifier]}, too; keep one of the two"
        )
    if identifier not in known:
        close = difflib.get_close_matches(identifier, sorted(known), n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise BoundaryError(
            f"{place}: unknown id {identifier!r}. {hint}The page shows the ids; if none is like this one, "
            "the sheet belongs to another key"
        )


def _answer(text: str, question: Question, place: str) -> str:
    if not question.answers:
        return text.strip()
    answer = text.strip().lower()
    if answer and answer not in question.answers:
        raise BoundaryError(
            f"{place}: {question.column} is {text!r}; write {', '.join(question.answers)}, "
            "or leave it empty until it is judged"
        )
    return answer


def _read_rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Cells of ``columns`` in each row that is not empty, with its number as spreadsheets count."""
    names, *body = _parse(path)
    names = [name.strip() for name in names]
    for column in columns:
        if names.count(column) != 1:
            raise BoundaryError(
                f"{path}: row 1 names the column {column!r} {names.count(column)} times; it should name "
                f"{', '.join(columns)} once each, as it did when the sheet was written"
            )
    rows = []
    for number, cells in enumerate(body, start=2):
        if any(cells[len(names) :]):
            raise BoundaryError(
                f"{path}, row {number}: more cells than row 1 has columns; a text that holds what stands "
                "between cells is itself put between double quotes"
            )
        if any(cells):
            row = dict(zip(names, cells, strict=False))
            rows.append((number, {column: row.get(column, "") for column in columns}))
    return rows


def _parse(path: Path) -> list[list[str]]:
    """The cells of a CSV, row by row; at least one row, which may be empty."""
    try:
        text = _decode(path.read_bytes())
    except OSError as error:
        raise BoundaryError(f"{path}: cannot be read: {error.strerror}") from error
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return list(reader) or [[]]
    except csv.Error as error:
        raise BoundaryError(
            f"{path}, line {reader.line_num}: no CSV: {error}; save the sheet as CSV"
        ) from error


def _decode(content: bytes) -> str:
    """UTF-8, or what Excel saves as plain CSV on Windows: only a person's notes can suffer."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
