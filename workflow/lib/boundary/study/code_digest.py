"""A digest of the code that a stage runs, so that a changed module reruns exactly its dependants."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code_digest(*modules: str) -> str:
    """Digest of ``modules`` (as in ``boundary.stages.verify``) and all they import of this package.

    Comments and layout do not count, and neither does a change while this process runs. Imports inside
    functions do: that is where the heavy ones are.
    """
    seen: set[str] = set()
    pending = list(modules)
    while pending:
        name = pending.pop()
        if name not in seen and _file(name) is not None:
            seen.add(name)
            pending += _imports(name)
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name} {_syntax(name)}\n".encode())
    return digest.hexdigest()[:16]


def _file(module: str) -> Path | None:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    inside = module.split(".")[0] == PACKAGE.name
    return next((file for file in candidates if inside and file.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    assert file is not None
    return ast.parse(file.read_text())


@cache
def _syntax(module: str) -> str:
    return ast.dump(_tree(module))


@cache
def _imports(module: str) -> list[str]:
    found = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module:
            # ``from .x`` is what runs in the sandbox, where this package has another name.
            package = module.split(".")[: -node.level] if node.level else []
            source = ".".join([*package, node.module])
            found += [source, *(f"{source}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found
