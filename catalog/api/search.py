"""GET /api/search/query: Backstage's search, for programs; people have a page and a palette."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog.api.cursors import InvalidCursor, pack, unpack
from catalog.api.shapes import InputError, Viewer, json_response, number, unchanged, whole
from catalog.models import Entity
from catalog.stitching import dumps

TYPE = "software-catalog"
DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, MAX_TERM = 25, 100, 10_000, 200
FILTERS = {"kind": "kind", "type": "type", "lifecycle": "lifecycle", "owner": "owner_ref",
           "namespace": "namespace"}  # fmt: skip
FOUND = {
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "rank": {"type": "integer"},
                    "document": {"type": "object", "additionalProperties": True},
                },
            },
        },
        "numberOfResults": {"type": "integer"},
        "nextPageCursor": {"type": "string"},
        "previousPageCursor": {"type": "string"},
    },
}


class SearchQuery(APIView):
    """GET /api/search/query"""

    @extend_schema(
        operation_id="search",
        parameters=[
            OpenApiParameter("term", str),
            OpenApiParameter("types", str, many=True, enum=[TYPE]),
            OpenApiParameter("filters[kind]", str, description="Also type, lifecycle, owner"),
            OpenApiParameter("pageLimit", int, description=f"At most {MAX_LIMIT}"),
            OpenApiParameter("pageCursor", str),
        ],
        responses={200: FOUND},
    )
    @unchanged
    def get(self, request: Request) -> HttpResponse:
        term = request.query_params.get("term", "").replace("\0", "")[:MAX_TERM]
        limit = min(number(request, "pageLimit", minimum=1) or DEFAULT_LIMIT, MAX_LIMIT)
        offset = _offset(request.query_params.get("pageCursor", ""))
        found = Viewer(request).entities.search(term).filter(**_filters(request))
        if not set(_repeated(request, "types")) <= {TYPE}:
            found = found.none()
        rows = list(found.for_search()[offset : offset + limit + 1])
        answer: dict[str, Any] = {
            "results": [_result(row, offset + i) for i, row in enumerate(rows[:limit], 1)],
            "numberOfResults": found.order_by().count(),
        }
        if len(rows) > limit:
            answer["nextPageCursor"] = pack({"offset": offset + limit})
        if offset:
            answer["previousPageCursor"] = pack({"offset": max(0, offset - limit)})
        return json_response(dumps(answer))


def _offset(cursor: str) -> int:
    try:
        offset = whole(unpack(cursor).get("offset"), "pageCursor") if cursor else 0
    except InvalidCursor as error:
        raise InputError(str(error)) from None
    if offset > MAX_OFFSET:
        raise InputError(f"Invalid pageCursor, only the first {MAX_OFFSET:,} results have pages")
    return offset


def _repeated(request: Request, name: str) -> list[str]:
    """Values of name=, name[]= and name[0]=, as clients write lists."""
    pattern = re.compile(re.escape(name) + r"(\[\d*\])?")
    return [value for key, values in request.query_params.lists() if pattern.fullmatch(key)
            for value in values]  # fmt: skip


def _filters(request: Request) -> dict[str, list[str]]:
    """One of the values of each; a filter that is not known is refused instead of left out."""
    wanted: dict[str, list[str]] = {}
    for key in request.query_params:
        if not key.startswith("filters"):
            continue
        name = key.removeprefix("filters[").partition("]")[0]
        if name not in FILTERS:
            raise InputError(f"Invalid filter “{name}”, expected one of: {', '.join(FILTERS)}")
        values = [value.replace("\0", "") for value in _repeated(request, f"filters[{name}]")]
        if name == "kind":
            values = [value.lower() for value in values]
        wanted[f"{FILTERS[name]}__in"] = values
    return wanted


def _result(entity: Entity, rank: int) -> dict[str, Any]:
    page = reverse("catalog:entity", args=[entity.kind, entity.namespace, entity.name])
    document = {
        "title": entity.label,
        "text": entity.description,
        "location": page,
        "kind": entity.kind_label,
        "namespace": entity.namespace,
        "name": entity.name,
        "type": entity.type,
        "componentType": entity.type or "other",
        "lifecycle": entity.lifecycle,
        "owner": entity.owner_label,
        "entityRef": entity.ref,
        "authorization": {"resourceRef": entity.ref},
    }
    return {"type": TYPE, "document": document, "rank": rank}
