"""Reading configuration files: YAML without repeated keys, checked and defaulted by a schema.

Every complaint is one BoundaryError that names the file, the key, what was found and what is allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

import boundary
from boundary.errors import BoundaryError, suggest, unknown_name

SCHEMAS = Path(boundary.__file__).parents[2] / "schemas"


class _UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys and says nothing; this loader refuses them.

    A date is a text, with or without quotes.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  # it is PyYAML's own
        first: [(tag, form) for tag, form in forms if tag != "tag:yaml.org,2002:timestamp"]
        for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Construct a mapping whose keys are texts that stand once each."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"a key must be a text, found {key!r}; quote it",
                    key_node.start_mark,
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _fill_defaults(
    validator: Any, properties: dict[str, Any], instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name, subschema in properties.items():
            if "default" in subschema:
                instance.setdefault(name, _copy(subschema["default"]))
    yield from Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


def _copy(default: Any) -> Any:
    return dict(default) if isinstance(default, dict) else default


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"properties": _fill_defaults},
    # Draft 2020-12 takes 256.0 for an integer; as a part of a path it is not.
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ).redefine(
        "number",
        lambda _, value: (
            isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        ),
    ),
)


def load_document(path: Path, schema: Path) -> dict[str, Any]:
    """Read the YAML file at ``path``, check it against ``schema`` and fill in its defaults."""
    if not path.is_file():
        others = [file.stem for file in path.parent.glob("*.yaml")]
        raise BoundaryError(f"{path}: there is no such file. {suggest(path.stem, others)}")
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)
    except (yaml.YAMLError, ValueError) as error:  # no YAML, no UTF-8
        raise BoundaryError(f"{path}: not valid YAML: {error}") from error
    return check_document({} if document is None else document, path, schema)


def check_document(document: Any, path: Path, schema: Path) -> dict[str, Any]:
    """Check a document that came from ``path`` against ``schema`` and fill in its defaults."""
    return _check(document, str(path), yaml.safe_load(schema.read_text()))


def check_entry_part(part: Any, key: str, schema: Path) -> dict[str, Any]:
    """Check what stands at ``key`` of a catalogue's entry, given by itself and not in a file."""
    catalogue = yaml.safe_load(schema.read_text())
    described = catalogue["additionalProperties"]["properties"][key]
    return _check(part, key, described | {"$defs": catalogue["$defs"]})


def _check(document: Any, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    validator = _Validator(schema)
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
    if errors:
        raise BoundaryError("\n".join(dict.fromkeys(_explain(error, place) for error in errors)))
    return document


def _explain(error: Any, place: str) -> str:
    key = ".".join(map(str, error.absolute_path)) or "top level"
    if error.schema.get("writeOnly"):  # what was put there may be a secret
        return f"{place}: {key}: expected: {error.schema['description']}"
    return f"{place}: {key}: {_complaint(error)}"


def _complaint(error: Any) -> str:
    found, allowed = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties" if allowed is False:
            properties = error.schema["properties"]
            return "\n  ".join(
                unknown_name("key", name, properties) for name in found if name not in properties
            )
        case "enum":
            return unknown_name("value", found, map(str, allowed))
        case "required":
            missing = [name for name in allowed if name not in found]
            return f"missing the key {' and '.join(map(repr, missing))}."
        case "type":
            hint = ""
            if allowed in ("number", "integer") and isinstance(found, str):
                hint = " YAML reads 1e-3 as text: write 0.001."
                hint = hint if re.fullmatch(r"[-+]?\d+e[-+]?\d+", found) else ""
            return f"found {found!r}; expected {allowed}.{hint}"
        case "oneOf":
            ways = [" with ".join(map(repr, way["required"])) for way in allowed]
            return f"needs exactly one of {', '.join(ways)}."
        case "pattern" if error.schema.get("description"):
            return f"found {found!r}; expected: {error.schema['description']}"
        case _:
            return f"{error.message}."
