"""Answers of a form against its pages: what is wrong with which field, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .conditions import active_schema
from .model import Page
from .validator import messages

Values = Mapping[str, Any]


def validate(
    pages: Page | Mapping[str, Any] | Iterable[Page | Mapping[str, Any]], values: Values
) -> dict[str, list[str]]:
    """Sentences by dotted field path (`db.size`, `hosts.0`); empty when everything is fine. A page
    looks at its own fields only, but its conditions see the values of all pages."""
    several = [pages] if isinstance(pages, (Page, Mapping)) else pages
    found: dict[str, list[str]] = {}
    for page in several:
        schema = page.schema if isinstance(page, Page) else page
        active = active_schema(schema, values)
        active.pop("additionalProperties", None)
        for path, sentences in messages(active, given(active, values)).items():
            found.setdefault(path, []).extend(sentences)
    return found


def given(schema: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """The values without what a form sends for an empty field: it counts as not answered."""
    properties = schema.get("properties")
    fields = properties if isinstance(properties, Mapping) else {}
    result = {}
    for name, value in values.items():
        field = fields.get(name)
        field = field if isinstance(field, Mapping) else {}
        if isinstance(value, Mapping):
            value = given(field, value)
        if value not in (None, "") or _allows(field, value):
            result[name] = value
    return result


def _allows(field: Mapping[str, Any], empty: Any) -> bool:
    choices = field.get("enum")
    kinds = field.get("type")
    named = isinstance(choices, list) and empty in choices
    return named or (empty is None and isinstance(kinds, list) and "null" in kinds)
