"""Locations: registered descriptor files; a dry run shows what one would bring."""

from __future__ import annotations

import posixpath
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from catalog import forges, services
from catalog.api.cursors import InvalidCursor, pack, unpack
from catalog.api.filters import InvalidFilter, parse_query
from catalog.api.shapes import ENTITIES, ENTITY, InputError, Viewer, body, json_response, whole
from catalog.models import Location
from catalog.predicates import All, Predicate, holds
from catalog.reading import DEFAULT_PATH
from catalog.services.locations import Preview, answer_of
from catalog.stitching import dumps
from forge import ForgeError

LOCATION = {
    "type": "object",
    "required": ["id", "type", "target"],
    "properties": {
        "id": {"type": "string"},
        "type": {"type": "string"},
        "target": {"type": "string"},
        "entityRef": {"type": "string"},
    },
}
INPUT = {
    "type": "object",
    "required": ["type", "target"],
    "properties": {"type": {"type": "string", "enum": ["url"]}, "target": {"type": "string"}},
}
DEFAULT_LIMIT = 1_000
Shape = dict[str, Any]


class ForgeFails(APIException):
    status_code = 503
    default_code = "forge_unavailable"


def _preview(project: str, path: str, by: User) -> Preview:
    try:
        return services.preview(project=project, path=path, by=by)
    except ForgeError as error:
        raise ForgeFails(str(error)) from None


class Conflict(APIException):
    status_code = 409
    default_code = "conflict"


def as_json(location: Location) -> Shape:
    repository = location.repository
    ref = repository.default_branch or "HEAD"
    target = forges.file_url(repository.path, ref, location.path)
    return {"id": str(location.pk), "type": "url", "target": target}


def _file(data: Any) -> tuple[str, str, str]:
    """The project, the path and the address that a {type, target} means."""
    if not isinstance(data, dict) or not isinstance(data.get("target"), str):
        raise InputError("Malformed request: a location has a type and a target")
    if data.get("type", "url") != "url":
        raise InputError('Registered locations must be of an allowed type ["url"]')
    try:
        project, path = forges.parse_target(data["target"])
    except ValueError as error:
        raise InputError(str(error)) from None
    return project, path, data["target"].strip().removeprefix("url:")


class Locations(APIView):
    """/locations: registered files"""

    @extend_schema(
        operation_id="locations",
        responses={
            200: {"type": "array", "items": {"type": "object", "properties": {"data": LOCATION}}}
        },
    )
    def get(self, request: Request) -> Response:
        found = Location.objects.visible_to(Viewer(request).user).registered()
        return Response([{"data": as_json(location)} for location in found])

    @extend_schema(
        operation_id="add_location",
        parameters=[
            OpenApiParameter("dryRun", bool, description="Shows what would come; writes nothing"),
            OpenApiParameter("onConflict", str, enum=["reject", "refresh"]),
        ],
        request={"application/json": INPUT},
        responses={
            201: {
                "type": "object",
                "properties": {
                    "location": LOCATION,
                    "entities": ENTITIES,
                    "exists": {"type": "boolean"},
                },
            }
        },
    )
    def post(self, request: Request) -> HttpResponse | Response:
        viewer = Viewer(request)
        project, path, target = _file(body(request))
        path = path or DEFAULT_PATH
        known = Location.objects.visible_to(viewer.user).registered()
        existing = known.filter(repository__path=project, path=path).first()
        if request.query_params.get("dryRun", "").lower() in ("true", "1", "yes"):
            return _dry_run(viewer, project, path, target, existing is not None)
        if existing is not None:
            if request.query_params.get("onConflict") != "refresh":
                raise Conflict(f"Location url:{target} already exists")
            services.refresh(repository=existing.repository, by=viewer.user)
            return Response({"location": as_json(existing), "entities": []}, status=201)
        found = _readable(viewer, project, path, target)
        location = services.register(
            project=project, path=path, branch=found.branch, by=viewer.user
        )
        return Response({"location": as_json(location), "entities": []}, status=201)


def _readable(viewer: Viewer, project: str, path: str, target: str) -> Preview:
    found = _preview(project, path, viewer.user)
    if not found.found:
        raise InputError(f"Unable to read url, {target}: no such file, or nobody may read it")
    return found


def _dry_run(viewer: Viewer, project: str, path: str, target: str, exists: bool) -> HttpResponse:
    found = _readable(viewer, project, path, target)
    if found.problems:
        raise InputError(", ".join(_sentence(problem) for problem in found.problems[:20]))
    answer = {
        "exists": exists,
        "location": {"id": f"url:{target}", "type": "url", "target": target},
        "entities": [answer_of(parsed, target) for parsed in found.entities],
    }
    return json_response(dumps(answer), status=201)


def _sentence(problem: Any) -> str:
    place = f" (line {problem.line})" if problem.line else ""
    return f"{problem.message}{place}"


class LocationById(APIView):
    """/locations/{id}"""

    def _location(self, request: Request, location_id: str) -> Location:
        found = Location.objects.visible_to(Viewer(request).user).registered()
        number = int(location_id) if location_id.isascii() and location_id.isdigit() else 0
        location = found.filter(pk=number).first() if 0 < number < 2**63 else None
        if location is None:
            raise NotFound(f"Found no location with ID {location_id}")
        return location

    @extend_schema(operation_id="location", responses={200: LOCATION})
    def get(self, request: Request, location_id: str) -> Response:
        return Response(as_json(self._location(request, location_id)))

    @extend_schema(
        operation_id="update_location",
        request={"application/json": INPUT},
        responses={200: LOCATION},
    )
    def put(self, request: Request, location_id: str) -> Response:
        """Another file in this one's stead; what follows is known under an id of its own."""
        viewer, location = Viewer(request), self._location(request, location_id)
        project, path, target = _file(body(request))
        path = path or DEFAULT_PATH
        if (project, path) == (location.repository.path, location.path):
            return Response(as_json(location))
        if Location.objects.registered().filter(repository__path=project, path=path).exists():
            raise Conflict(f"Location url:{target} already exists")
        found = _readable(viewer, project, path, target)
        moved = services.move_location(
            location=location, project=project, path=path, branch=found.branch, by=viewer.user
        )
        return Response(as_json(moved))

    @extend_schema(operation_id="remove_location", request=None, responses={204: None})
    def delete(self, request: Request, location_id: str) -> Response:
        location = self._location(request, location_id)
        services.remove_location(location=location, by=Viewer(request).user)
        return Response(status=204)


class LocationsByQuery(APIView):
    """POST /locations/by-query: pages of registered files, filtered by a predicate"""

    permission_classes = [IsAuthenticated]  # POST only asks: a reading token may

    @extend_schema(
        operation_id="locations_by_query",
        request={
            "application/json": {
                "type": "object",
                "properties": {
                    "query": ENTITY,
                    "limit": {"type": "integer"},
                    "cursor": {"type": "string"},
                },
            }
        },
        responses={
            200: {
                "type": "object",
                "properties": {
                    "items": {"type": "array", "items": LOCATION},
                    "totalItems": {"type": "integer"},
                    "pageInfo": {
                        "type": "object",
                        "properties": {"nextCursor": {"type": "string"}},
                    },
                },
            }
        },
    )
    def post(self, request: Request) -> Response:
        asked = _asked(body(request))
        limit = whole(asked.get("limit", DEFAULT_LIMIT), "limit", minimum=1)
        after = whole(asked.get("after", 0), "cursor")
        predicate = _predicate(asked.get("query"))
        found = Location.objects.visible_to(Viewer(request).user).registered().order_by("pk")
        wanted = [item for item in map(as_json, found) if holds(predicate, _values(item))]
        rest = [item for item in wanted if int(item["id"]) > after]
        follows = asked | {"limit": limit, "after": rest[limit - 1]["id"]} if rest[limit:] else None
        info = {"nextCursor": pack(follows)} if follows else {}
        return Response({"items": rest[:limit], "totalItems": len(wanted), "pageInfo": info})


def _asked(data: Shape) -> Shape:
    """The question of a body, or of its cursor; the limit may change from page to page."""
    if "cursor" not in data:
        return {key: data[key] for key in ("query", "limit") if data.get(key) is not None}
    try:
        asked = unpack(str(data["cursor"]))
    except InvalidCursor as error:
        raise InputError(str(error)) from None
    return asked | ({"limit": data["limit"]} if data.get("limit") is not None else {})


def _predicate(query: Any) -> Predicate:
    try:
        return All() if query is None else parse_query(query)
    except InvalidFilter as error:
        raise InputError(str(error)) from None


def _values(location: Shape) -> dict[str, list[str]]:
    return {key: [str(value).lower()] for key, value in location.items()}


class LocationByEntity(APIView):
    """GET /locations/by-entity/{kind}/{namespace}/{name}: the file that an entity comes from"""

    @extend_schema(operation_id="location_by_entity", responses={200: LOCATION})
    def get(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        ref = f"{kind}:{namespace}/{name}".lower().replace("\0", "")
        visible = Viewer(request).entities.filter(ref=ref).exists()
        location = Location.objects.of_entity(ref).first() if visible else None
        if location is None:
            raise NotFound(f"found no location for ref {ref}")
        return Response(as_json(location))


class AnalyzeLocation(APIView):
    """POST /analyze-location: the entities of a repository, or a first descriptor for it"""

    @extend_schema(
        operation_id="analyze_location",
        request={
            "application/json": {
                "type": "object",
                "required": ["location"],
                "properties": {"location": INPUT, "catalogFilename": {"type": "string"}},
            }
        },
        responses={
            200: {
                "type": "object",
                "properties": {
                    "existingEntityFiles": {"type": "array", "items": ENTITY},
                    "generateEntities": {"type": "array", "items": ENTITY},
                },
            }
        },
    )
    def post(self, request: Request) -> HttpResponse:
        data, viewer = body(request), Viewer(request)
        project, path, _ = _file(data.get("location"))
        name = posixpath.basename(str(data.get("catalogFilename") or DEFAULT_PATH))
        path = path if path.endswith((".yaml", ".yml")) else posixpath.join(path, name)
        found = _preview(project, path, viewer.user)
        url = forges.file_url(project, "HEAD", path)
        registered = Location.objects.filter(repository__path=project, path=path, removed_at=None)
        known = registered.exists()
        existing = [
            {
                "location": {"type": "url", "target": url},
                "isRegistered": known,
                "entity": answer_of(parsed, url),
            }
            for parsed in found.entities
        ]
        made = [] if existing else [_first_descriptor(project)]
        return json_response(dumps({"existingEntityFiles": existing, "generateEntities": made}))


def _first_descriptor(project: str) -> Shape:
    name = project.rpartition("/")[2]
    entity = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name, "annotations": {"gitlab.com/project-slug": project}},
        "spec": {"type": "other", "lifecycle": "unknown"},
    }
    return {"entity": entity, "fields": []}
