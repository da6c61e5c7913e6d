"""Conditional parts of a form. `dependencies`, `allOf`, `if`/`then`/`else` and `oneOf` are resolved
for the values given so far into one plain schema, as react-jsonschema-form does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .validator import accepts

_CONDITIONAL = frozenset({"dependencies", "dependentRequired", "dependentSchemas", "allOf", "if",
                          "then", "else", "oneOf", "anyOf"})  # fmt: skip
_DEEPEST = 20
_ROUNDS = 10

Schema = Mapping[str, Any]


def active_schema(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that holds for these values, without conditions in it."""
    return _resolve(schema, values, 0)


def _resolve(schema: Schema, values: Any, depth: int) -> dict[str, Any]:
    result = {key: value for key, value in schema.items() if key not in _conditional(schema)}
    if depth > _DEEPEST:
        return result
    given = values if isinstance(values, Mapping) else {}
    result = _with_properties(result, given, depth)
    for part in _parts(schema, given):
        result = merged(result, _resolve(part, given, depth + 1))
    return result


def _conditional(schema: Schema) -> frozenset[str]:
    """`oneOf` in a field lists its choices; only in an object does it stand for parts."""
    if "properties" in schema or schema.get("type", "object") == "object":
        return _CONDITIONAL
    return frozenset()


def _with_properties(
    schema: dict[str, Any], values: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return schema
    resolved = {
        name: _resolve(part, values.get(name), depth + 1) if _is_object(part) else part
        for name, part in properties.items()
    }
    return {**schema, "properties": resolved}


def _is_object(schema: object) -> bool:
    return isinstance(schema, Mapping) and (
        "properties" in schema or schema.get("type") == "object"
    )


def _parts(schema: Schema, values: Mapping[str, Any]) -> Iterable[Schema]:
    yield from _objects(schema.get("allOf"))
    yield from _branch(schema, values)
    for keyword in ("oneOf", "anyOf"):
        options = _objects(schema.get(keyword)) if keyword in _conditional(schema) else []
        if options:
            yield next((option for option in options if accepts(option, values)), options[0])
    for keyword in ("dependencies", "dependentRequired", "dependentSchemas"):
        dependencies = schema.get(keyword)
        for name, part in dependencies.items() if isinstance(dependencies, Mapping) else ():
            if values.get(name) not in (None, ""):
                yield from _dependent(name, part, values)


def _objects(value: object) -> list[Schema]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _branch(schema: Schema, values: Mapping[str, Any]) -> Iterable[Schema]:
    condition = schema.get("if")
    if isinstance(condition, Mapping):
        branch = schema.get("then" if accepts(condition, values) else "else")
        if isinstance(branch, Mapping):
            yield branch


def _dependent(name: str, part: object, values: Mapping[str, Any]) -> Iterable[Schema]:
    if isinstance(part, list):
        yield {"required": [str(item) for item in part]}
    if not isinstance(part, Mapping):
        return
    yield {key: value for key, value in part.items() if key != "oneOf"}
    for option in _objects(part.get("oneOf")):
        properties = option.get("properties")
        condition = properties.get(name) if isinstance(properties, Mapping) else None
        if isinstance(condition, Mapping) and accepts({"properties": {name: condition}}, values):
            yield {**option, "properties": _without(properties, name)}
            return


def _without(properties: object, name: str) -> dict[str, Any]:
    assert isinstance(properties, Mapping)
    return {key: value for key, value in properties.items() if key != name}


def merged(one: Schema, other: Schema) -> dict[str, Any]:
    """Both schemas in one: names of `required` add up, objects merge, else the other wins."""
    result = dict(one)
    for key, value in other.items():
        mine = result.get(key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            result[key] = merged(mine, value)
        elif key == "required" and isinstance(mine, list) and isinstance(value, list):
            result[key] = [*mine, *(name for name in value if name not in mine)]
        else:
            result[key] = value
    return result


def with_defaults(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the default of every active field that has none yet. A default may bring
    further fields to life, so this goes on until nothing is added."""
    result = dict(values)
    for _ in range(_ROUNDS):
        filled = _filled(active_schema(schema, result), result)
        if filled == result:
            break
        result = filled
    return result


def _filled(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(values)
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(part, Mapping):
            continue
        if name not in result and "default" in part:
            result[name] = part["default"]
        if _is_object(part) and isinstance(result.get(name, {}), Mapping):
            inner = _filled(part, result.get(name, {}))
            result = {**result, name: inner} if inner or name in result else result
    return result


def asked_names(schema: Any, depth: int = 0) -> set[str]:
    """The names of every question that a page can ask, under whatever conditions."""
    if depth > 20:
        return set()
    found: set[str] = set()
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        found |= set(map(str, properties)) if isinstance(properties, Mapping) else set()
        conditional: list[Any] = [schema[key] for key in ("then", "else") if key in schema]
        conditional += [
            one for key in ("allOf", "oneOf", "anyOf") for one in _objects(schema.get(key))
        ]
        for key in ("dependencies", "dependentSchemas"):
            dependencies = schema.get(key)
            conditional += dependencies.values() if isinstance(dependencies, Mapping) else []
        for part in conditional:
            found |= asked_names(part, depth + 1)
    return found
