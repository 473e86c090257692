"""A digest of a benchmark's problems that does not depend on the file they came from or are written to."""

from __future__ import annotations

import hashlib
import json

from boundary.benchmarks.problem import Problem


class ProblemsDigest:
    """SHA-256 over problems in their order, one JSON object a line.

    An object has the keys problem_id, domain, question, gold, tests, images (the SHA-256 of each, or null)
    and meta, sorted; no blanks between its parts; characters beyond ASCII are escaped.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def update(self, problem: Problem, domain: str) -> None:
        """Take in the next problem."""
        images = problem.images
        shown = vars(problem) | {
            "domain": domain,
            "images": images and [hashlib.sha256(image).hexdigest() for image in images],
        }
        line = json.dumps(shown, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        self._sha256.update(line.encode() + b"\n")

    def hexdigest(self) -> str:
        """The digest of all problems so far, in hexadecimal."""
        return self._sha256.hexdigest()
