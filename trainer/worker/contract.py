"""Checks values against the JSON Schemas of `contract/` and says in words what is wrong where."""

import functools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

ABSENT = object()
Problem = tuple[str, str, Any]
_FOLDER = Path(__file__).resolve().parent.parent / "contract"
# What a pattern of the contract means in words.
_PATTERN_WORDS = (
    (r"^datasets\/[0-9a-f]{64}\.jsonl$", "datasets/<sha256>.jsonl"),
    (r"^[0-9a-f]{64}$", "64 hexadecimal digits in lower case"),
    (r"^[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9._-]+$", "organisation/name"),
    (r"^[A-Za-z0-9+/]*={0,2}$", "base64"),
    (r"^(?:datasets|runs)\/", "a key below datasets/ or runs/ without special characters"),
)


@functools.cache
def _validator(name: str) -> Any:
    """The compiled schema; stricter than the library where Python differs from the app's JavaScript."""
    base = jsonschema.Draft202012Validator
    kinds = base.TYPE_CHECKER.redefine_many({"number": _is_number, "integer": _is_integer, "string": _is_text})
    strict = jsonschema.validators.extend(base, {"pattern": _pattern, "anyOf": _any_of, "oneOf": _any_of}, type_checker=kinds)
    return strict(json.loads((_FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")))


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(_: Any, value: Any) -> bool:
    return _is_number(_, value) and int(value) == value


def _is_text(_: Any, value: Any) -> bool:
    """Half a surrogate pair is no text: it could be neither hashed nor stored."""
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value))


def _pattern(_: Any, pattern: str, value: Any, schema: dict[str, Any]) -> Iterator[Any]:
    # In Python `$` would also match before a line break at the end.
    exact = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    if isinstance(value, str) and re.search(exact, value) is None:
        yield jsonschema.ValidationError("pattern")


def _any_of(validator: Any, options: list[dict[str, Any]], value: Any, schema: dict[str, Any]) -> Iterator[Any]:
    """One alternative of several; objects are told apart by their `kind`, which is quick and names the field."""
    kinds = {option["properties"]["kind"]["const"]: option for option in options if "kind" in option.get("properties", {})}
    objects = [option for option in options if option.get("type") == "object"]
    if len(kinds) == len(options) and isinstance(value, dict):
        kind = value.get("kind", ABSENT)
        if isinstance(kind, str) and kind in kinds:
            yield from validator.descend(value, kinds[kind])
        else:
            yield jsonschema.ValidationError("kind", validator="enum", path=["kind"], instance=kind, schema={"enum": list(kinds)})
    elif len(objects) == 1 and isinstance(value, dict):
        yield from validator.descend(value, objects[0])
    elif not any(validator.evolve(schema=option).is_valid(value) for option in options):
        yield jsonschema.ValidationError("anyOf")


def first_problem(name: str, value: Any) -> Problem | None:
    """Where the value first breaks a schema, what was expected there and what came."""
    error = next(_validator(name).iter_errors(value), None)
    if error is None:
        return None
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{where}.{missing}", _expected(error.schema["properties"][missing]), ABSENT
    if error.validator == "additionalProperties":
        surplus = next(key for key in error.instance if key not in error.schema.get("properties", {}))
        return f"{where}.{str(surplus)[:60]}", "no such field", error.instance[surplus]
    return where, _expected(error.schema), error.instance


def _expected(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(dict.fromkeys(_expected(option) for option in options))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_expected({**schema, "type": single}) for single in kind)
    words = {"object": "an object", "boolean": "true or false", "null": "null"}
    if kind in words:
        return words[kind]
    described = {"string": _text_words, "array": _list_words}.get(str(kind), _number_words)
    return described(schema)


def _text_words(schema: dict[str, Any]) -> str:
    if schema.get("format") == "uuid":
        return "a UUID"
    for pattern, described in _PATTERN_WORDS:
        if schema.get("pattern", "").startswith(pattern):
            return described
    if "maxLength" in schema:
        return f"a text of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    return "a text"


def _list_words(schema: dict[str, Any]) -> str:
    return f"a list of at most {schema['maxItems']} entries" if "maxItems" in schema else "a list"


def _number_words(schema: dict[str, Any]) -> str:
    name = "a whole number" if schema.get("type") == "integer" else "a number"
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1 if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum")
    if low is None:
        return name
    return f"{name} from {low:g} up" if high is None or high > 10**15 else f"{name} from {_plain(low)} to {_plain(high)}"


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def shown(value: Any) -> str:
    """A value as an error message quotes it."""
    if value is ABSENT:
        return "nothing"
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."
