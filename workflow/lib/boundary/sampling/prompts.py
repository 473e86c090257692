"""Prompt templates: their file, and how they are rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from boundary.data.provenance import text_digest
from boundary.errors import BoundaryError, unknown_name
from boundary.images.placing import PLACEHOLDER


@dataclass(frozen=True)
class Template:
    """How a question is posed: ``text`` with ``{question}``, and how the answer begins and ends.

    ``end`` closes a turn of the template's dialogue, for models whose own end token it is not; None
    leaves it at the model's own. ``begins`` ends the prompt and is the beginning of every response.
    With ``chat`` the text is a user's message, which the model's own chat template lays out
    (boundary.sampling.encoding), and which an endpoint's chat is sent as it is.
    """

    text: str
    end: str | None = None
    begins: str = ""
    chat: bool = False

    def render(self, question: str) -> str:
        """The prompt for a question, or the message. Braces in the question stay as they are."""
        return self.text.format(question=question) + self.begins

    @property
    def shows_picture(self) -> bool:
        """Whether it writes a place for a picture, as models of Qwen-VL's kind read it."""
        return PLACEHOLDER in self.text

    @property
    def digest(self) -> str:
        """SHA-256 of all that a model meets of it."""
        parts = [self.text]
        if self.end is not None or self.begins:
            parts.append(self.end or "")
        if self.begins:
            parts.append(self.begins)
        if self.chat:
            parts += ["", "", "chat"]
        return text_digest("\0".join(parts))


def read_template(entry: Any, place: str) -> Template:
    """The template of an entry of prompts.yaml: its text alone, or ``text`` and other keys.

    Raises BoundaryError, naming the entry's ``place``, for an answer's beginning or end beside ``chat``.
    """
    template = Template(entry) if isinstance(entry, str) else Template(**entry)
    given = [key for key in ("end", "begins") if getattr(template, key)]
    if template.chat and given:
        raise BoundaryError(
            f"{place}: found {' and '.join(given)} beside chat; the model's own chat template begins and "
            "ends the answer. Leave it out, or write the dialogue into `text` and leave out chat"
        )
    return template


def load_template_to_train_with(file: Path, name: str) -> Template:
    """The template ``name``, if responses begin where its prompt ends, and end as the model ends them.

    Raises BoundaryError for one that says otherwise, of which no trainer is told.
    """
    template = load_template(file, name)
    if given := [key for key in ("chat", "end", "begins") if getattr(template, key)]:
        raise BoundaryError(
            f"{file}: {name} has {' and '.join(given)}, which no training is told of; train with a "
            "template that is its text alone"
        )
    return template


def load_template(file: Path, name: str) -> Template:
    """The template ``name`` of a prompts.yaml."""
    try:
        templates = yaml.safe_load(file.read_text())
    except OSError as error:
        raise BoundaryError(f"{file}: cannot be read: {error}") from error
    if name not in templates:
        raise BoundaryError(f"{file}: {unknown_name('template', name, templates)}")
    return read_template(templates[name], f"{file}: {name}")
