"""Texts of models as cells of a spreadsheet, which neither runs them nor lets them hide."""

from __future__ import annotations

import re

# A spreadsheet runs a cell that begins like this (the wide forms are what some locales type), and where
# its language has semicolons between cells, what follows one begins a cell.
FORMULA = re.compile(r"^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?=\s*[=+\-@＝＋－＠])")  # noqa: RUF001
LONGEST_CELL = 1000  # characters; spreadsheets break off at 32,767, and people much earlier
CONTINUED = " … (whole on the page)"

# What a text could hide from its reader: control characters, and those that turn the writing round.
PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"}
PICTURES |= {0x7F: "\N{SYMBOL FOR DELETE}"}
PICTURES |= {
    code: f"<U+{code:04X}>"
    for code in (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def spreadsheet_cell(text: str, longest: int = LONGEST_CELL, continued: str = CONTINUED) -> str:
    """``text`` as a cell that no spreadsheet runs: an apostrophe before what begins like a formula.

    A text of more than ``longest`` characters is cut, and says so by ``continued``.
    """
    text = text.translate(PICTURES)
    if len(text) > longest:
        text = text[:longest] + continued
    return FORMULA.sub("'", text)
