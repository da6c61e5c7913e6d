"""What goes in and out: parameters, chosen fields, answers joined from stored JSON, errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, wraps
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from accounts.requests import signed_in
from catalog.counting import audience, kept
from catalog.models import Entity, EntityQuerySet, Revision
from catalog.relations import INVERSE
from catalog.stitching import dumps

ENTITY: dict[str, Any] = {"type": "object", "additionalProperties": True}
ENTITIES: dict[str, Any] = {"type": "array", "items": ENTITY}
ENTITIES_OR_NULL = {"type": "array", "items": {**ENTITY, "nullable": True}}
STRINGS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
FILTER = OpenApiParameter(
    "filter", str, many=True,
    description="`,` is AND, a repeated parameter OR, one key twice IN; `key` exists, "
    "`key=value`, `!key` does not exist, `key!=value` has no such value",
)  # fmt: skip
FIELDS = OpenApiParameter("fields", str, description="Paths to keep, separated by commas")
MAX_FIELDS = 200
TYPES = {name.lower(): name for name in INVERSE}
Row = tuple[Any, ...]
Get = Callable[..., HttpResponse]


class InputError(ParseError):
    """A request that cannot be understood: 400, with a sentence that says why."""


# -- in -----------------------------------------------------------------------------------------
def number(request: Request, name: str, *, minimum: int = 0) -> int | None:
    """A whole number from the query; None when it is not given."""
    text = request.query_params.get(name)
    return None if text is None else whole(text, name, minimum=minimum)


def whole(value: Any, name: str, *, minimum: int = 0) -> int:
    try:
        found = int(value)
    except (TypeError, ValueError):
        raise InputError(f"Invalid {name}, must be a whole number") from None
    if isinstance(value, (bool, float)) or not minimum <= found < 2**31:
        raise InputError(f"Invalid {name}, must be {minimum} or greater")
    return found


def body(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise InputError("Expected the body to be a JSON object")
    return dict(request.data)


def strings(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"Invalid {name}, must be a list of strings")
    return value


def listed(values: Iterable[str]) -> list[str]:
    """Values of a parameter that may be repeated and may hold several, separated by commas."""
    parts = [part.strip() for value in values for part in value.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def chosen_fields(values: Iterable[str]) -> list[str]:
    fields = listed(values)
    if len(fields) > MAX_FIELDS:
        raise InputError(f"Invalid fields, more than {MAX_FIELDS}")
    for name in fields:
        if "[" in name:
            raise InputError(f"Invalid field “{name}”, array type fields are not supported")
    return fields


# -- who asks -----------------------------------------------------------------------------------
class Viewer:
    """Who asks, and what of the hidden entities this person may see all the same."""

    def __init__(self, request: Request) -> None:
        self.user: User = signed_in(request)

    @property
    def entities(self) -> EntityQuerySet:
        return Entity.objects.visible_to(self.user)

    @cached_property
    def private_refs(self) -> frozenset[str]:
        return self.entities.private_refs()

    def sees_like(self, revision: int) -> object:
        return audience(self.user, revision)


def unchanged(get: Get) -> Get:
    """Keeps a GET's answer until an entity changes, for all who see the same entities.

    Read from the database with every request, the revision says whether one did.
    """

    @wraps(get)
    def answer(self: APIView, request: Request, **named: Any) -> HttpResponse:
        asked = getattr(request.auth, "asked_along", None)  # with the token, by the same statement
        revision = Revision.objects.current() if asked is None else asked
        seen = Viewer(request).sees_like(revision)
        key = (revision, seen, request.get_full_path())

        def make() -> bytes:
            return get(self, request, **named).content

        return HttpResponse(kept.get(key, make), content_type="application/json")

    return answer


# -- out ----------------------------------------------------------------------------------------
def texts(rows: Iterable[Row], viewer: Viewer, fields: Sequence[str] = ()) -> list[str]:
    """Rows of (answer, hidden edges, …) as JSON texts, with no more than the viewer may see."""
    return [text(row[0], row[1], viewer, fields) for row in rows]


def text(answer: str, hidden: Sequence[str], viewer: Viewer, fields: Sequence[str]) -> str:
    shown = [edge.split("=", 1) for edge in hidden]
    shown = [edge for edge in shown if edge[1] in viewer.private_refs] if shown else []
    if not shown and not fields:
        return answer
    entity = json.loads(answer)
    if shown:
        added = [{"type": TYPES.get(kind, kind), "targetRef": ref} for kind, ref in shown]
        relations = entity["relations"] + added
        entity["relations"] = sorted(relations, key=lambda r: (r["type"], r["targetRef"]))
    return dumps(pick(entity, fields) if fields else entity)


def pick(entity: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The chosen paths of an entity. A key with dots in it is found as Backstage finds it."""
    picked: dict[str, Any] = {}
    for name in fields:
        found = _path(entity, name)
        if found is None:
            continue
        keys, value = found
        place = picked
        for key in keys[:-1]:
            inner = place.get(key)
            place[key] = place = dict(inner) if isinstance(inner, dict) else {}
        place[keys[-1]] = value
    return picked


def _path(value: Any, name: str) -> tuple[list[str], Any] | None:
    keys: list[str] = []
    key = ""
    for part in name.split("."):
        key = f"{key}.{part}" if key else part
        if isinstance(value, dict) and key in value:
            value = value[key]
            keys.append(key)
            key = ""
    return None if key else (keys, value)


def json_response(content: str, status: int = 200) -> HttpResponse:
    return HttpResponse(content, status=status, content_type="application/json")


def array(items: Iterable[str | None]) -> str:
    return "[" + ",".join("null" if item is None else item for item in items) + "]"
