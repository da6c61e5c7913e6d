"""The actions that steps may use, and the fields and filters that templates may: from their own
schemas, so that this page cannot be out of date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from scaffolder.actions import Action, actions
from scaffolder.fields import field_types
from scaffolder.services.preview import example
from scaffolder.weave.dialect import known_filters


@require_GET
def actions_page(request: HttpRequest) -> HttpResponse:
    """Every action; `?q=` looks in names, descriptions and inputs."""
    words = request.GET.get("q", "").lower().split()
    found = [action for action in actions().values() if _fits(action, words)]
    context = {
        "query": request.GET.get("q", ""),
        "rows": [_row(action) for action in found],
        "fields": [name for name in field_types() if name and _all_in(name, words)],
        "filters": [name for name in sorted(known_filters()) if _all_in(name, words)],
    }
    return render(request, "scaffolder/actions.html", context)


@require_GET
def action_page(request: HttpRequest, name: str) -> HttpResponse:
    action = actions().get(name)
    if action is None:
        raise Http404("There is no such action.")
    context = _row(action) | {
        "inputs": list(_properties(action.input_schema)),
        "outputs": list(_properties(action.output_schema)),
        "example": _example(action),
    }
    return render(request, "scaffolder/action.html", context)


def _all_in(text: str, words: list[str]) -> bool:
    return all(word in text.lower() for word in words)


def _fits(action: Action, words: list[str]) -> bool:
    names = " ".join(action.input_schema["properties"])
    return _all_in(f"{action.id} {action.title} {action.notes} {names}", words)


def _row(action: Action) -> dict[str, Any]:
    return {"action": action, "refusal": action.refusal()}


def _properties(schema: Mapping[str, Any], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Every property of a schema as a row of a table; those of objects follow theirs."""
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        yield {
            "name": f"{prefix}{name}",
            "type": _type(part),
            "required": name in required,
            "description": part.get("description", ""),
            "choices": part.get("enum", ()),
        }
        items = part.get("items") or {}
        inner, end = (items, "[].") if "properties" in items else (part, ".")
        yield from _properties({**inner, "properties": inner.get("properties", {})},
                               f"{prefix}{name}{end}")  # fmt: skip


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema.get('items') or {})}"
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind is None:
        return "choice" if "enum" in schema else "anything"
    return str(kind)


def _example(action: Action) -> str:
    """A step as one would write it: with what is required, or with the first inputs."""
    properties = action.input_schema["properties"]
    names = action.input_schema["required"] or list(properties)[:2]
    given = {name: _value(properties[name], name) for name in names}
    step = {"id": action.id.rpartition(":")[2], "action": action.id}
    return yaml.safe_dump([step | ({"input": given} if given else {})], sort_keys=False)


def _value(schema: Mapping[str, Any], name: str) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    if name == "repoUrl":
        return "${{ parameters.repoUrl }}"
    return example(schema, name)
