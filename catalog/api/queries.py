"""Lists of entities: GET /entities, and /entities/by-query in both its forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog.api import cursors
from catalog.api.cursors import MAX_ORDER_FIELDS, Cursor, Question
from catalog.api.paging import MAX_PAGE, Page, page
from catalog.api.shapes import (
    ENTITIES,
    FIELDS,
    FILTER,
    InputError,
    Viewer,
    array,
    body,
    chosen_fields,
    json_response,
    listed,
    number,
    strings,
    unchanged,
    whole,
)
from catalog.stitching import dumps

DEFAULT_LIMIT = 200
STREAMED = 1_000
PAGE = {
    "type": "object",
    "required": ["items", "totalItems", "pageInfo"],
    "properties": {
        "items": ENTITIES,
        "totalItems": {"type": "integer"},
        "pageInfo": {
            "type": "object",
            "properties": {
                "nextCursor": {"type": "string"},
                "prevCursor": {"type": "string"},
            },
        },
    },
}
BODY = {"application/json": {"type": "object", "additionalProperties": True}}


def _decoded(text: str) -> Cursor:
    try:
        return cursors.decode(text)
    except cursors.InvalidCursor as error:
        raise InputError(str(error)) from None


def _order(pairs: list[tuple[str, str]]) -> tuple[tuple[str, bool], ...]:
    if len(pairs) > MAX_ORDER_FIELDS:
        raise InputError(f"Invalid order, more than {MAX_ORDER_FIELDS} fields")
    for field, direction in pairs:
        if direction not in ("asc", "desc") or not field or "\0" in field:
            raise InputError("Invalid order field order, must be asc or desc")
    return tuple((field.lower(), direction == "desc") for field, direction in pairs)


def _filters(request: Request) -> tuple[str, ...]:
    texts = request.query_params.getlist("filter")
    if any("\0" in text for text in texts):
        raise InputError("Invalid filter, it has a NUL character")
    return tuple(texts)


class Entities(APIView):
    """GET /entities: a plain array; without a limit, all of them, as a stream."""

    @extend_schema(
        operation_id="entities",
        parameters=[
            FILTER, FIELDS,
            OpenApiParameter("order", str, many=True, description="asc:field or desc:field"),
            OpenApiParameter("limit", int),
            OpenApiParameter("offset", int),
            OpenApiParameter("after", str, description="From the link header of the page before"),
        ],
        responses={200: ENTITIES},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse | StreamingHttpResponse:
        viewer = Viewer(request)
        fields = chosen_fields(request.query_params.getlist("fields"))
        limit = number(request, "limit", minimum=1)
        cursor = self._cursor(request)
        limit = limit or cursor.limit
        if limit is None or limit > MAX_PAGE:
            return _stream(viewer, cursor, limit, fields)
        found = page(viewer, cursor, limit=limit, fields=fields, count=False)
        response = json_response(array(found.items))
        if found.next:
            query = request.query_params.copy()
            query.pop("offset", None)
            query["after"] = found.next.encode()
            query["limit"] = str(limit)
            response["link"] = f'</entities?{query.urlencode()}>; rel="next"'
        return response

    def _cursor(self, request: Request) -> Cursor:
        pairs = []
        for text in request.query_params.getlist("order"):
            direction, colon, field = text.partition(":")
            if not colon or direction not in ("asc", "desc") or not field:
                raise InputError(
                    f"Invalid order parameter “{text}”, expected “<asc or desc>:<field name>”"
                )
            pairs.append((field, direction))
        after = request.query_params.get("after")
        if after == "":
            raise InputError("Invalid after, must not be empty")
        question = Question(filters=_filters(request), order=_order(pairs))
        if after is not None:
            cursor = _decoded(after)
            if cursor.question != question:
                raise InputError("Malformed after cursor: it belongs to another question")
            return cursor
        return Cursor(question, offset=number(request, "offset") or 0)


def _stream(
    viewer: Viewer, cursor: Cursor, limit: int | None, fields: list[str]
) -> HttpResponse | StreamingHttpResponse:
    size = min(limit or STREAMED, STREAMED)
    first = page(viewer, cursor, limit=size, fields=fields, count=False)
    if first.next is None:
        return json_response(array(first.items))

    def parts() -> Iterator[str]:
        found, left = first, limit
        yield "[" + ",".join(found.items)
        while found.next:
            left = left - len(found.items) if left is not None else None
            if left == 0:
                break
            size = STREAMED if left is None else min(left, STREAMED)
            found = page(viewer, found.next, limit=size, fields=fields, count=False)
            if found.items:
                yield "," + ",".join(found.items)
        yield "]"

    return StreamingHttpResponse(parts(), content_type="application/json")


class EntitiesByQuery(APIView):
    """/entities/by-query: pages with cursors and a total."""

    permission_classes = [IsAuthenticated]  # POST only asks: a reading token may

    @extend_schema(
        operation_id="entities_by_query",
        parameters=[
            FILTER, FIELDS,
            OpenApiParameter("orderField", str, many=True, description="field,asc or field,desc"),
            OpenApiParameter("limit", int, description=f"Default {DEFAULT_LIMIT}"),
            OpenApiParameter("offset", int),
            OpenApiParameter("cursor", str),
            OpenApiParameter("totalItems", str, enum=["include", "exclude"]),
            OpenApiParameter("fullTextFilterTerm", str),
            OpenApiParameter("fullTextFilterFields", str, description="Separated by commas"),
        ],
        responses={200: PAGE},
    )  # fmt: skip
    @unchanged
    def get(self, request: Request) -> HttpResponse:
        query = request.query_params
        limit = number(request, "limit")
        fields = chosen_fields(query.getlist("fields"))
        count = _counts(query.get("totalItems"))
        if text := query.get("cursor"):
            return _answer(request, _decoded(text), limit, fields, count)
        pairs = [text.partition(",") for text in query.getlist("orderField")]
        question = Question(
            filters=_filters(request),
            order=_order([(field, order if comma else "asc") for field, comma, order in pairs]),
            text=query.get("fullTextFilterTerm", "").replace("\0", "").strip(),
            text_fields=_lower(listed(query.getlist("fullTextFilterFields"))),
        )
        cursor = Cursor(question, offset=number(request, "offset") or 0)
        return _answer(request, cursor, limit, fields, count)

    @extend_schema(operation_id="entities_by_predicate", request=BODY, responses={200: PAGE})
    def post(self, request: Request) -> HttpResponse:
        data = body(request)
        limit = whole(data["limit"], "limit") if data.get("limit") is not None else None
        fields = chosen_fields(strings(data.get("fields"), "fields"))
        count = _counts(data.get("totalItems"))
        if "cursor" in data:
            return _answer(request, _decoded(str(data["cursor"])), limit, fields, count)
        offset = whole(data["offset"], "offset") if data.get("offset") is not None else 0
        cursor = Cursor(_question(data), offset=offset)
        return _answer(request, cursor, limit, fields, count)


def _question(data: dict[str, Any]) -> Question:
    """The question of a body: query, orderBy and fullTextFilter."""
    query, text = data.get("query"), data.get("fullTextFilter") or {}
    if query is not None and not isinstance(query, dict):
        raise InputError("Query must be an object")
    if not isinstance(text, dict) or not isinstance(text.get("term", ""), str):
        raise InputError("Invalid fullTextFilter, must be an object with a term")
    orders = data.get("orderBy") or []
    if not isinstance(orders, list) or not all(
        isinstance(item, dict) and isinstance(item.get("field"), str) for item in orders
    ):
        raise InputError("Invalid orderBy, must be a list of objects with field and order")
    return Question(
        query=query,
        order=_order([(item["field"], str(item.get("order", "asc"))) for item in orders]),
        text=text.get("term", "").replace("\0", "").strip(),
        text_fields=_lower(strings(text.get("fields"), "fullTextFilter.fields")),
    )


def _lower(names: list[str]) -> tuple[str, ...]:
    return tuple(name.lower().replace("\0", "") for name in names)


def _counts(mode: Any) -> bool:
    if mode not in (None, "include", "exclude"):
        raise InputError(
            f"Invalid totalItems parameter “{mode}”, expected one of: include, exclude"
        )
    return bool(mode != "exclude")


def _answer(
    request: Request, cursor: Cursor, limit: int | None, fields: list[str], count: bool
) -> HttpResponse:
    size = DEFAULT_LIMIT if limit is None else limit
    found: Page = page(Viewer(request), cursor, limit=size, fields=fields, count=count)
    info = {
        **({"nextCursor": found.next.encode()} if found.next else {}),
        **({"prevCursor": found.previous.encode()} if found.previous else {}),
    }
    rest = f',"totalItems":{found.total},"pageInfo":{dumps(info)}}}'
    return json_response('{"items":' + array(found.items) + rest)
