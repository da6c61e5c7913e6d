"""Single entities, several by reference, their values counted, and what can be done to them."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import refs, services
from catalog.api.cursors import Question
from catalog.api.paging import find, predicate_of
from catalog.api.shapes import (
    ENTITIES_OR_NULL,
    ENTITY,
    FIELDS,
    FILTER,
    STRINGS,
    InputError,
    Row,
    Viewer,
    array,
    body,
    chosen_fields,
    json_response,
    strings,
    text,
    texts,
    unchanged,
)
from catalog.counting import kept
from catalog.models import Revision
from catalog.predicates import Predicate, mentions_relations
from catalog.stitching import dumps

MAX_REFS = 10_000
MAX_FACETS = 50
FACETS = {
    "type": "object",
    "properties": {
        "facets": {
            "type": "object",
            "additionalProperties": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"value": {"type": "string"}, "count": {"type": "integer"}},
                },
            },
        }
    },
}


def _one(viewer: Viewer, missing: str, *columns: str, **lookup: Any) -> Row:
    row = viewer.entities.filter(**lookup).answers(*columns).first()
    if row is None:
        raise NotFound(missing)
    return row


def _named(kind: str, namespace: str, name: str) -> tuple[str, str]:
    """The reference, and what is said when there is no such entity."""
    missing = f"No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'"
    return f"{kind}:{namespace}/{name}".lower().replace("\0", ""), missing


class EntityByUid(APIView):
    """/entities/by-uid/{uid}"""

    @extend_schema(operation_id="entity_by_uid", responses={200: ENTITY})
    @unchanged
    def get(self, request: Request, uid: UUID) -> HttpResponse:
        viewer = Viewer(request)
        answer, hidden = _one(viewer, f"No entity with uid {uid}", uid=uid)
        return json_response(text(answer, hidden, viewer, ()))

    @extend_schema(operation_id="remove_entity", request=None, responses={204: None})
    def delete(self, request: Request, uid: UUID) -> Response:
        viewer = Viewer(request)
        entity = viewer.entities.with_place().filter(uid=uid).first()
        if entity is None:
            raise NotFound(f"No entity with uid {uid}")
        services.remove_entity(entity=entity, by=viewer.user)
        return Response(status=204)


class EntityByName(APIView):
    """GET /entities/by-name/{kind}/{namespace}/{name}"""

    @extend_schema(operation_id="entity_by_name", responses={200: ENTITY})
    @unchanged
    def get(self, request: Request, kind: str, namespace: str, name: str) -> HttpResponse:
        viewer = Viewer(request)
        ref, missing = _named(kind, namespace, name)
        answer, hidden = _one(viewer, missing, ref=ref)
        return json_response(text(answer, hidden, viewer, ()))


class EntityAncestry(APIView):
    """GET /entities/by-name/…/ancestry: the `Location` entities that led to the entity"""

    @extend_schema(
        operation_id="entity_ancestry",
        responses={
            200: {
                "type": "object",
                "properties": {
                    "rootEntityRef": {"type": "string"},
                    "items": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"entity": ENTITY, "parentEntityRefs": STRINGS},
                        },
                    },
                },
            }
        },
    )
    @unchanged
    def get(self, request: Request, kind: str, namespace: str, name: str) -> HttpResponse:
        viewer = Viewer(request)
        ref, missing = _named(kind, namespace, name)
        row = _one(viewer, missing, "location_id", "location__parent_id", ref=ref)
        above: dict[int, list[Row]] = {}
        if row[3] is not None:
            found = viewer.entities.located_above(row[2])
            for parent in found.answers("location_id", "location__parent_id", "ref"):
                above.setdefault(parent[2], []).append(parent)
        items = _lineage(viewer, row, above)
        return json_response(f'{{"rootEntityRef":{dumps(ref)},"items":{array(items)}}}')


def _lineage(viewer: Viewer, row: Row, above: dict[int, list[Row]]) -> list[str]:
    items: list[str] = []
    level, file, seen = [row], row[3], set[int]()
    while level:
        parents = above.get(file, []) if file not in seen else []
        seen.add(file)
        names = dumps([parent[4] for parent in parents])
        for item in level:
            entity = text(item[0], item[1], viewer, ())
            items.append(f'{{"entity":{entity},"parentEntityRefs":{names}}}')
        level, file = parents, parents[0][3] if parents else None
    return items


class EntitiesByRefs(APIView):
    """POST /entities/by-refs: in the order asked for, null for what is missing or hidden"""

    permission_classes = [IsAuthenticated]  # POST only asks: a reading token may

    @extend_schema(
        operation_id="entities_by_refs",
        parameters=[FILTER, FIELDS],
        request={
            "application/json": {
                "type": "object",
                "required": ["entityRefs"],
                "properties": {"entityRefs": STRINGS, "fields": STRINGS, "query": ENTITY},
            }
        },
        responses={200: {"type": "object", "properties": {"items": ENTITIES_OR_NULL}}},
    )
    def post(self, request: Request) -> HttpResponse:
        data, viewer = body(request), Viewer(request)
        if "entityRefs" not in data:
            raise InputError("Malformed request body, entityRefs is required")
        wanted = [ref.lower() for ref in strings(data["entityRefs"], "entityRefs")]
        if len(wanted) > MAX_REFS or any("\0" in ref for ref in wanted):
            raise InputError(f"Invalid entityRefs, at most {MAX_REFS:,}")
        fields = chosen_fields(
            [*strings(data.get("fields"), "fields"), *request.query_params.getlist("fields")]
        )
        found = find(viewer, _predicate(request, data.get("query"))).filter(ref__in=wanted)
        rows = list(found.answers("ref"))
        by_ref = dict(zip((row[2] for row in rows), texts(rows, viewer, fields), strict=True))
        return json_response(f'{{"items":{array(by_ref.get(ref) for ref in wanted)}}}')


def _predicate(request: Request, query: Any) -> Predicate:
    if query is not None and not isinstance(query, dict):
        raise InputError("Query must be an object")
    filters = tuple(request.query_params.getlist("filter"))
    return predicate_of(Question(filters=filters, query=query))


class EntityFacets(APIView):
    """/entity-facets: counts of values"""

    permission_classes = [IsAuthenticated]  # POST only asks: a reading token may

    @extend_schema(
        operation_id="entity_facets",
        parameters=[OpenApiParameter("facet", str, many=True, required=True), FILTER],
        responses={200: FACETS},
    )
    @unchanged
    def get(self, request: Request) -> HttpResponse:
        names = [name for name in request.query_params.getlist("facet") if name]
        return self._answer(request, names, _predicate(request, None))

    @extend_schema(
        operation_id="entity_facets_by_predicate",
        request={
            "application/json": {
                "type": "object",
                "required": ["facets"],
                "properties": {"facets": STRINGS, "query": ENTITY},
            }
        },
        responses={200: FACETS},
    )
    def post(self, request: Request) -> HttpResponse:
        data = body(request)
        names = [name for name in strings(data.get("facets"), "facets") if name]
        return self._answer(request, names, _predicate(request, data.get("query")))

    def _answer(self, request: Request, names: list[str], predicate: Predicate) -> HttpResponse:
        if not names:
            raise InputError("Missing facet parameter")
        if len(names) > MAX_FACETS or any("\0" in name for name in names):
            raise InputError(f"At most {MAX_FACETS} facets can be asked for at once")
        viewer, revision = Viewer(request), Revision.objects.current()
        who: object = viewer.sees_like(revision)
        if mentions_relations(predicate):
            who = (who, viewer.private_refs)

        def counted(name: str) -> str:
            counts = find(viewer, predicate).counts(name)
            return dumps([{"value": value, "count": count} for value, count in counts])

        facets = {
            name: kept.get((revision, who, predicate, name.lower()), partial(counted, name.lower()))
            for name in names
        }
        inner = ",".join(f"{dumps(name)}:{counts}" for name, counts in facets.items())
        return json_response('{"facets":{' + inner + "}}")


class Refresh(APIView):
    """POST /refresh: the entity's repository is read again as soon as a worker is free"""

    @extend_schema(
        operation_id="refresh_entity",
        request={
            "application/json": {
                "type": "object",
                "required": ["entityRef"],
                "properties": {"entityRef": {"type": "string"}},
            }
        },
        responses={200: None},
    )
    def post(self, request: Request) -> Response:
        data, viewer = body(request), Viewer(request)
        try:
            ref = str(refs.parse(str(data.get("entityRef", "")).replace("\0", "")))
        except refs.InvalidRef as error:
            raise InputError(str(error)) from None
        entity = viewer.entities.with_place().filter(ref=ref).first()
        if entity is None:
            raise NotFound(f"No such entity {ref}")
        services.refresh(repository=entity.location.repository, by=viewer.user)
        return Response(status=200)
