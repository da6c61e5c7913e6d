"""POST /validate-entity: whether a descriptor would be accepted, and why not."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.shapes import ENTITY, body
from catalog.relations import relations_of
from catalog.validators import entity_findings

MADE = frozenset({"relations", "status"})  # by the catalogue: an entity out of it is valid too


class ValidateEntity(APIView):
    """POST /validate-entity"""

    permission_classes = [IsAuthenticated]  # it writes nothing: a reading token may

    @extend_schema(
        operation_id="validate_entity",
        request={
            "application/json": {
                "type": "object",
                "required": ["entity", "location"],
                "properties": {"entity": ENTITY, "location": {"type": "string"}},
            }
        },
        responses={
            200: None,
            400: {
                "type": "object",
                "properties": {"errors": {"type": "array", "items": ENTITY}},
            },
        },
    )
    def post(self, request: Request) -> Response:
        errors = [{"name": "InputError", "message": text} for text in _findings(body(request))]
        return Response({"errors": errors}, status=400) if errors else Response(status=200)


def _findings(data: dict[str, Any]) -> list[str]:
    entity, location = data.get("entity"), data.get("location")
    kind, colon, target = location.partition(":") if isinstance(location, str) else ("", "", "")
    if kind != "url" or not colon or not target:
        return [f"Invalid location ref “{location}”, only 'url:<target>' is supported"]
    if not isinstance(entity, dict):
        return ["The entity must be an object"]
    described = {key: value for key, value in entity.items() if key not in MADE}
    findings = [message for _, message in entity_findings(described)]
    if findings:
        return findings
    return [f"spec.{field}: {message}" for field, message in relations_of(described)[1]]
