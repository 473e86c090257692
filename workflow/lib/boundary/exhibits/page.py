"""A table as a page of HTML that stands alone."""

from __future__ import annotations

import html
from typing import NamedTuple

import pandas as pd

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font-family: system-ui, sans-serif; font-size: 14px; margin: 1.5em; color: #222; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3em .8em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }}
th {{ border-bottom: 2px solid #888; }}
td {{ max-width: 50em; }}
p {{ max-width: 60em; }}
summary {{ cursor: pointer; }}
</style></head><body><h1>{title}</h1><p>{caption}</p>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody></table>
</body></html>
"""


class Folded(NamedTuple):
    """A cell's text that a reader unfolds."""

    summary: str
    text: str


def to_html(table: pd.DataFrame, title: str, caption: str) -> str:
    """The page. All texts are escaped; a missing one is left empty, and a ``Folded`` one is folded."""
    return PAGE.format(
        title=html.escape(title),
        caption=html.escape(caption),
        heads="".join(f"<th>{html.escape(str(name))}</th>" for name in table),
        rows="\n".join(map(_row, table.fillna("").itertuples(index=False, name=None))),
    )


def _row(cells: tuple[object, ...]) -> str:
    return "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in cells) + "</tr>"


def _cell(cell: object) -> str:
    if isinstance(cell, Folded):
        summary, text = map(html.escape, cell)
        return f"<details><summary>{summary}</summary>{text}</details>"
    return html.escape(str(cell))
