"""Fields out of a JSON schema with its `ui:` keys, as react-jsonschema-form reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import Field


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a plain schema (see active_schema), ordered by `ui:order` if it has one."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return ()
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    names = _ordered(list(properties), schema.get("ui:order"))
    return tuple(
        field_of(name, properties[name], required=name in needed)
        for name in names
        if isinstance(properties[name], Mapping)
    )


def _ordered(names: list[str], order: object) -> list[str]:
    """`ui:order`, its `*` standing for all names it does not list."""
    if not isinstance(order, list):
        return names
    listed = [name for name in order if name in names]
    rest = [name for name in names if name not in listed]
    if "*" not in order:
        return listed + rest
    star = order.index("*")
    before = [name for name in order[:star] if name in names]
    return before + rest + [name for name in listed if name not in before]


def field_of(name: str, schema: Mapping[str, Any], *, required: bool = False) -> Field:
    """One field. Keys of the wrong type count as absent: the report names them."""
    ui = _ui(schema)
    items = schema.get("items")
    enum = schema.get("enum")
    choices = tuple(enum) if isinstance(enum, list) else _constants(schema)
    return Field(
        name=name,
        title=_text(ui.get("title")) or _text(schema.get("title")) or name,
        description=_text(ui.get("description")) or _text(schema.get("description")),
        type=_type(schema),
        required=required,
        has_default="default" in schema,
        default=schema.get("default"),
        enum=choices,
        enum_names=_names(schema, ui),
        ui_field=_text(ui.get("field")),
        widget=_text(ui.get("widget")),
        options=ui["options"],
        help=_text(ui.get("help")),
        placeholder=_text(ui.get("placeholder")),
        autofocus=ui.get("autofocus") is True,
        disabled=ui.get("disabled") is True,
        readonly=ui.get("readonly") is True or schema.get("readOnly") is True,
        pattern=_text(schema.get("pattern")),
        format=_text(schema.get("format")),
        minimum=_number(schema.get("minimum")),
        maximum=_number(schema.get("maximum")),
        min_length=_whole(schema.get("minLength")),
        max_length=_whole(schema.get("maxLength")),
        items=field_of(name, items) if isinstance(items, Mapping) else None,
        fields=fields_of(schema),
        schema=schema,
    )


def _ui(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`ui:x` keys by their bare name; `ui:options` may hold any of them too."""
    options = schema.get("ui:options")
    found: dict[str, Any] = dict(options) if isinstance(options, Mapping) else {}
    bare = {key[3:]: value for key, value in schema.items() if key.startswith("ui:")}
    plain = options if isinstance(options, Mapping) else {}
    return {**found, **bare, "options": plain}


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), None)
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    options = schema.get("oneOf") or schema.get("anyOf")
    if isinstance(options, list) and all(isinstance(x, Mapping) and "const" in x for x in options):
        return options
    return []


def _constants(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """`oneOf: [{const, title}]` is the other way to write choices with labels."""
    return tuple(option["const"] for option in _alternatives(schema))


def _names(schema: Mapping[str, Any], ui: Mapping[str, Any]) -> tuple[str, ...]:
    given = schema.get("enumNames") or ui.get("enumNames")
    if isinstance(given, list):
        return tuple(str(name) for name in given)
    return tuple(str(x.get("title", x["const"])) for x in _alternatives(schema))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
