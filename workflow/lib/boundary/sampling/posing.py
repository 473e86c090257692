"""Problem records as requests: their prompts as a template renders them, with their pictures."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from boundary.data.provenance import QUESTION_COLUMNS
from boundary.sampling.engine import Request
from boundary.sampling.prompts import Template


def posed(problems: pd.DataFrame, template: Template) -> Iterator[Request]:
    """A request for no sample yet of each problem record (``QUESTION_COLUMNS``)."""
    for problem_id, question, images in problems[QUESTION_COLUMNS].itertuples(index=False):
        pictures = () if images is None else tuple(images)
        yield Request(problem_id, template.render(question), (), template.chat, pictures)
