"""Questions about the graph as JSON: what is near, what depends on a thing, what it depends on."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import signed_in
from catalog import graph, neighbourhoods
from catalog.api.shapes import InputError
from catalog.models import Entity

MOST = 1_000
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
REFS = {"type": "array", "items": TEXT}
NODE = {
    "type": "object",
    "properties": {"entityRef": TEXT, "kind": TEXT, "title": TEXT, "owner": TEXT},
}
EDGE = {
    "type": "object",
    "properties": {"sourceRef": TEXT, "type": TEXT, "targetRef": TEXT},
}
GRAPH = {
    "type": "object",
    "properties": {
        "rootEntityRef": TEXT,
        "nodes": {"type": "array", "items": NODE},
        "edges": {"type": "array", "items": EDGE},
        "truncated": {"type": "boolean"},
    },
}
STEP = {
    "type": "object",
    "properties": {"entityRef": TEXT, "depth": WHOLE, "owner": TEXT, "over": EDGE},
}
OWNER = {"type": "object", "properties": {"entityRef": TEXT, "above": REFS, "owns": REFS}}
FOLLOWED = {
    "type": "object",
    "properties": {
        "rootEntityRef": TEXT,
        "items": {"type": "array", "items": STEP},
        "owners": {"type": "array", "items": OWNER},
        "cycles": {"type": "array", "items": REFS},
        "truncated": {"type": "boolean"},
    },
}
DEPTH = OpenApiParameter("depth", int, description=f"1 to {neighbourhoods.MOST_DEPTH}")


def _root(request: Request, kind: str, namespace: str, name: str) -> Entity:
    ref = f"{kind}:{namespace}/{name}".lower().replace("\0", "")
    row = Entity.objects.visible_to(signed_in(request)).filter(ref=ref).first()
    if row is None:
        raise NotFound(f"No such entity {ref}")
    return row


def _depth(request: Request, usual: int) -> int:
    text = request.query_params.get("depth", str(usual))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= neighbourhoods.MOST_DEPTH:
        raise InputError(f"Invalid depth, a number from 1 to {neighbourhoods.MOST_DEPTH}")
    return int(text)


def _types(request: Request) -> list[str]:
    given = request.query_params.getlist("relation")
    unknown = [type_ for type_ in given if type_ not in graph.FORWARD]
    if unknown:
        known = ", ".join(graph.FORWARD)
        raise InputError(f"Unknown relation {unknown[0]!r}, there are {known}")
    return given or list(graph.FORWARD)


def _edge(edge: graph.Edge) -> dict[str, str]:
    return {"sourceRef": edge.source, "type": edge.type, "targetRef": edge.target}


class Neighbourhood(APIView):
    """GET /graph/{kind}/{namespace}/{name}: what is around an entity"""

    @extend_schema(
        operation_id="graph",
        parameters=[
            DEPTH,
            OpenApiParameter("relation", str, many=True, enum=graph.FORWARD),
            OpenApiParameter("kind", str, many=True),
        ],
        responses={200: GRAPH},
    )
    def get(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        root = _root(request, kind, namespace, name)
        found = neighbourhoods.reached(
            [root.ref],
            signed_in(request),
            types=graph.both_ways(_types(request)),
            kinds=[k.lower().replace("\0", "") for k in request.query_params.getlist("kind")],
            depth=_depth(request, 1),
            most=MOST,
        )
        nodes = [
            {"entityRef": ref, "kind": row.kind_label, "title": row.label, "owner": row.owner_ref}
            for ref, row in sorted(found.rows.items())
        ]
        edges = [_edge(edge) for edge in found.forward]
        return Response(
            {"rootEntityRef": root.ref, "nodes": nodes, "edges": edges, "truncated": found.cut}
        )


def _answer(root: Entity, impact: neighbourhoods.Impact) -> dict[str, Any]:
    items = [
        {
            "entityRef": step.ref,
            "depth": step.depth,
            "owner": impact.rows[step.ref].owner_ref,
            "over": _edge(step.edge) if step.edge else None,
        }
        for step in impact.steps
    ]
    owners = [
        {"entityRef": owner.ref, "above": owner.above, "owns": owner.owns}
        for owner in impact.owners
    ]
    return {
        "rootEntityRef": root.ref,
        "items": items,
        "owners": owners,
        "cycles": impact.cycles,
        "truncated": impact.cut,
    }


class Dependents(APIView):
    """GET /graph/…/dependents: what breaks if it stops, transitively, and who must be told"""

    @extend_schema(operation_id="graph_dependents", parameters=[DEPTH], responses={200: FOLLOWED})
    def get(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        root = _root(request, kind, namespace, name)
        depth = _depth(request, neighbourhoods.MOST_DEPTH)
        found = neighbourhoods.dependents(root, signed_in(request), depth=depth, most=MOST)
        return Response(_answer(root, found))


class Dependencies(APIView):
    """GET /graph/…/dependencies: what it cannot work without, transitively"""

    @extend_schema(operation_id="graph_dependencies", parameters=[DEPTH], responses={200: FOLLOWED})
    def get(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        root = _root(request, kind, namespace, name)
        depth = _depth(request, neighbourhoods.MOST_DEPTH)
        found = neighbourhoods.dependencies(root, signed_in(request), depth=depth, most=MOST)
        return Response(_answer(root, found))
