"""Prompt templates: their file, and how they are rendered."""

from __future__ import annotations

from pathlib import Path

import yaml

from boundary.errors import BoundaryError, unknown_name


def load_template(file: Path, name: str) -> str:
    """The template ``name`` of a prompts.yaml."""
    try:
        templates = yaml.safe_load(file.read_text())
    except OSError as error:
        raise BoundaryError(f"{file}: cannot be read: {error}") from error
    if name not in templates:
        raise BoundaryError(f"{file}: {unknown_name('template', name, templates)}")
    return str(templates[name])


def render(template: str, question: str) -> str:
    """The prompt for a question. Braces in the question are its own and stay as they are."""
    return template.format(question=question)
