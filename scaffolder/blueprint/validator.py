"""JSON Schema (draft 7) over form values, with sentences for people. Schemas come from users: a
keyword that makes no sense is ignored here and named by the report, and no `$ref` leaves the
schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_KINDS = {
    "string": "a text", "number": "a number", "integer": "a whole number",
    "boolean": "true or false", "array": "a list", "object": "a group of values", "null": "empty",
}  # fmt: skip
_FORMATS = {
    "email": "an e-mail address", "uri": "a web address", "url": "a web address",
    "date": "a date such as 2026-01-31", "date-time": "a date and time", "hostname": "a host name",
    "ipv4": "an IPv4 address", "ipv6": "an IPv6 address", "regex": "a regular expression",
    "time": "a time of day",
}  # fmt: skip

_formats = FormatChecker(("email", "date", "ipv4", "ipv6", "regex"))


@_formats.checks("uri")
@_formats.checks("url")
def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and " " not in value


@lru_cache(maxsize=1_000)
def expression(pattern: str) -> re.Pattern[str] | None:
    """A JavaScript pattern for Python; None when Python cannot read it. `$` means the very end."""
    source = pattern.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
    source = re.sub(r"(?<!\\)\$(?=$|\)|\|)", r"\\Z", source)
    try:
        return re.compile(source, re.ASCII)
    except (re.error, RecursionError, OverflowError):
        return None


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    compiled = expression(pattern)
    if isinstance(value, str) and compiled and not compiled.search(value):
        yield ValidationError(f"must match the pattern {pattern}")


_Validator = extend(Draft7Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _errors(schema: Mapping[str, Any], values: Any) -> list[ValidationError]:
    validator = _Validator(_sound(schema), format_checker=_formats, registry=Registry())
    try:
        return list(validator.iter_errors(values))
    except (Unresolvable, RecursionError):
        return []


def accepts(schema: Mapping[str, Any], values: Any) -> bool:
    """Whether the values fit the schema."""
    return not _errors(schema, values)


_LISTS = frozenset({"allOf", "anyOf", "oneOf"})
_SCHEMAS = frozenset({"if", "then", "else", "not", "contains", "propertyNames", "items",
                      "additionalItems", "additionalProperties"})  # fmt: skip
_NAMED = frozenset({"properties", "patternProperties", "definitions"})
_COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties",
                     "maxProperties"})  # fmt: skip
_LIMITS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


def _sound(schema: Any, depth: int = 0) -> Any:
    """The schema without keywords whose values are of the wrong kind."""
    if isinstance(schema, bool) or depth > 50:
        return schema is not False
    if not isinstance(schema, Mapping):
        return True
    return {key: _clean(key, value, depth) for key, value in schema.items() if _valid(key, value)}


def _clean(key: str, value: Any, depth: int) -> Any:
    if key in _LISTS or (key == "items" and isinstance(value, list)):
        return [_sound(part, depth + 1) for part in value]
    if key in _SCHEMAS:
        return value if isinstance(value, bool) else _sound(value, depth + 1)
    if key in _NAMED:
        return {name: _sound(part, depth + 1) for name, part in value.items()}
    return value


_RULES: dict[str, Callable[[Any], bool]] = {
    "type": lambda value: set(value if isinstance(value, list) else [value]) <= _TYPES,
    "required": lambda value: all(isinstance(name, str) for name in value),
    "enum": lambda value: bool(value),
    "uniqueItems": lambda value: isinstance(value, bool),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "format": lambda value: isinstance(value, str),
    "$ref": lambda value: isinstance(value, str) and value.startswith("#"),
    "$id": lambda value: False,
    "$schema": lambda value: False,
    "id": lambda value: False,
    "dependencies": lambda value: False,
}


def _valid(key: str, value: Any) -> bool:
    try:
        if key in _RULES:
            expected = list if key in ("required", "enum") else object
            return isinstance(value, expected) and _RULES[key](value)
        if key in _COUNTS:
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if key in _LIMITS:
            return _is_number(value)
        if key in _LISTS:
            return isinstance(value, list) and bool(value)
        return not (key in _NAMED or key == "pattern") or isinstance(
            value, str if key == "pattern" else Mapping
        )
    except TypeError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def messages(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Sentences by dotted field path; conditions in the schema are resolved by the caller."""
    found: dict[str, list[str]] = {}
    for error in _errors(schema, values):
        for path, sentence in _explained(error):
            sentences = found.setdefault(path, [])
            if sentence not in sentences:
                sentences.append(sentence)
    return found


def _explained(error: ValidationError) -> Iterable[tuple[str, str]]:
    path = [str(part) for part in error.absolute_path]
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "required" and isinstance(error.instance, Mapping):
        properties = schema.get("properties")
        needed: Any = error.validator_value
        for name in needed:
            if name not in error.instance and f"'{name}'" in error.message:
                field = properties.get(name) if isinstance(properties, Mapping) else None
                own = _own_text(field, "required") if isinstance(field, Mapping) else ""
                yield ".".join([*path, name]), own or "This field is required."
        return
    sentence = _own_text(schema, str(error.validator)) or _sentence(error, schema)
    yield ".".join(path), sentence


def _own_text(schema: Mapping[str, Any], keyword: str) -> str:
    """`errorMessage`, for all keywords or by keyword (ajv-errors)."""
    text = schema.get("errorMessage")
    text = text.get(keyword) if isinstance(text, Mapping) else text
    return text if isinstance(text, str) else ""


def _sentence(error: ValidationError, schema: Mapping[str, Any]) -> str:
    limit: Any = error.validator_value
    sentences: dict[str, Callable[[], str]] = {
        "type": lambda: f"This must be {_kinds(limit)}.",
        "pattern": lambda: f"This must match the pattern {limit}.",
        "enum": lambda: f"This must be one of: {', '.join(map(_shown, limit))}.",
        "const": lambda: f"This must be {_shown(limit)}.",
        "minLength": lambda: f"This must have at least {_count(limit, 'character')}.",
        "maxLength": lambda: f"This must have at most {_count(limit, 'character')}.",
        "minItems": lambda: f"Choose at least {_count(limit, 'value')}.",
        "maxItems": lambda: f"Choose at most {_count(limit, 'value')}.",
        "uniqueItems": lambda: "The same value must not appear twice.",
        "minimum": lambda: f"This must be {limit} or more.",
        "maximum": lambda: f"This must be {limit} or less.",
        "exclusiveMinimum": lambda: f"This must be more than {limit}.",
        "exclusiveMaximum": lambda: f"This must be less than {limit}.",
        "multipleOf": lambda: f"This must be a multiple of {limit}.",
        "format": lambda: f"This must be {_FORMATS.get(limit, limit)}.",
        "additionalProperties": lambda: "There is a value here that nobody asked for.",
    }
    write = sentences.get(str(error.validator), lambda: "This does not have an allowed form.")
    help_text = schema.get("ui:help")
    if error.validator == "pattern" and isinstance(help_text, str):
        return f"This has another form than is asked for. {help_text}"
    return write()


def _kinds(kinds: Any) -> str:
    names = kinds if isinstance(kinds, list) else [kinds]
    return " or ".join(_KINDS.get(name, str(name)) for name in names)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else str(value)
