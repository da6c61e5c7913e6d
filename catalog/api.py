"""The catalogue's REST API, in Backstage's shapes."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import signed_in
from catalog import forges
from catalog.models import Entity, EntityQuerySet, Relation

MAX_LIMIT = 1_000
COLUMNS = {
    "kind": "kind",
    "metadata.namespace": "namespace",
    "metadata.name": "name",
    "spec.type": "type",
    "spec.lifecycle": "lifecycle",
    "relations.ownedby": "owner_ref",
}
ENTITY = {"type": "object", "additionalProperties": True}


def as_json(entity: Entity, relations: list[Relation]) -> dict[str, Any]:
    """An entity as Backstage prints it: with uid, etag, its place and its relations."""
    metadata = entity.metadata
    repository = entity.location.repository
    url = forges.file_url(repository.path, repository.default_branch, entity.location.path)
    metadata["uid"] = str(entity.uid)
    metadata["etag"] = entity.digest[:40]
    metadata["namespace"] = entity.namespace
    metadata["annotations"] = {
        "backstage.io/managed-by-location": f"url:{url}",
        "backstage.io/managed-by-origin-location": f"url:{url}",
        **entity.annotations,
        **({"backstage.io/orphan": "true"} if entity.orphaned_at else {}),
    }
    edges = [{"type": edge.type, "targetRef": edge.target_ref} for edge in relations]
    return dict(entity.descriptor) | {"metadata": metadata, "relations": edges}


def many_as_json(entities: list[Entity]) -> list[dict[str, Any]]:
    edges: dict[str, list[Relation]] = {entity.ref: [] for entity in entities}
    for edge in Relation.objects.filter(source_ref__in=edges).distinct_edges():
        edges[edge.source_ref].append(edge)
    return [as_json(entity, edges[entity.ref]) for entity in entities]


def filtered(entities: EntityQuerySet, filters: list[str]) -> EntityQuerySet:
    """Backstage's dialect: `,` is AND, a repeated parameter OR, the same key twice IN."""
    if not filters:
        return entities
    any_of = Q()
    for text in filters:
        any_of |= _all_of(text)
    return entities.filter(any_of)


def _all_of(text: str) -> Q:
    wanted: dict[str, list[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        values = wanted.setdefault(key.strip(), [])
        if equals:
            values.append(value.strip())
    found = Q()
    for key, values in wanted.items():
        found &= _condition(key, values)
    return found


def _condition(key: str, values: list[str]) -> Q:
    if key == "metadata.tags":
        return Q(tags__overlap=[value.lower() for value in values]) if values else ~Q(tags=[])
    lookup = COLUMNS.get(key.lower()) or COLUMNS.get(key)
    if lookup is None:
        lookup = "descriptor__" + key.replace(".", "__")
        if not values:
            return Q(**{f"{lookup}__isnull": False})
    elif not values:
        return ~Q(**{lookup: ""})
    any_of = Q()
    for value in values:
        any_of |= Q(**{f"{lookup}__iexact": value})
    return any_of


def _number(request: Request, name: str, default: int, maximum: int) -> int:
    try:
        value = int(request.query_params.get(name, default))
    except ValueError:
        raise ValidationError({name: ["This must be a whole number."]}) from None
    if not 0 <= value <= maximum:
        raise ValidationError({name: [f"This must be between 0 and {maximum}."]})
    return value


class Entities(APIView):
    """GET /entities"""

    @extend_schema(
        operation_id="entities",
        parameters=[
            OpenApiParameter("filter", str, many=True, description="kind=component,spec.type=x"),
            OpenApiParameter("limit", int),
            OpenApiParameter("offset", int),
        ],
        responses={200: {"type": "array", "items": ENTITY}},
    )
    def get(self, request: Request) -> Response:
        visible = Entity.objects.visible_to(signed_in(request)).with_place()
        found = filtered(visible, request.query_params.getlist("filter"))
        offset = _number(request, "offset", 0, 10_000_000)
        limit = _number(request, "limit", MAX_LIMIT, MAX_LIMIT)
        return Response(many_as_json(list(found[offset : offset + limit])))


class EntityByName(APIView):
    """GET /entities/by-name/{kind}/{namespace}/{name}"""

    @extend_schema(operation_id="entity_by_name", responses={200: ENTITY})
    def get(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        visible = Entity.objects.visible_to(signed_in(request)).with_place()
        entity = get_object_or_404(visible, ref=f"{kind}:{namespace}/{name}".lower())
        return Response(as_json(entity, list(entity.relations())))


class EntityFacets(APIView):
    """GET /entity-facets: counts of values, for one or more `facet` parameters"""

    @extend_schema(
        operation_id="entity_facets",
        parameters=[
            OpenApiParameter("facet", str, many=True, required=True),
            OpenApiParameter("filter", str, many=True),
        ],
        responses={200: {"type": "object"}},
    )
    def get(self, request: Request) -> Response:
        visible = Entity.objects.visible_to(signed_in(request))
        found = filtered(visible, request.query_params.getlist("filter"))
        facets = {name: _facet(found, name) for name in request.query_params.getlist("facet")}
        if not facets:
            raise ValidationError({"facet": ["At least one facet is needed."]})
        return Response({"facets": facets})


def _facet(found: EntityQuerySet, name: str) -> list[dict[str, Any]]:
    if name == "metadata.tags":
        counts = found.tag_facets()
    elif name in COLUMNS:
        counts = found.facets(COLUMNS[name])
    else:
        counts = found.facets("descriptor__" + name.replace(".", "__"))
    return [{"value": value, "count": count} for value, count in counts]
