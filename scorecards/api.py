"""The scorecards' REST API."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import signed_in
from catalog.models import Entity
from scorecards.models import Standing, Verdict


class EntityScorecards(APIView):
    """GET /entities/{kind}/{namespace}/{name}: levels and verdicts of one entity"""

    @extend_schema(
        operation_id="entity_scorecards",
        responses={200: {"type": "array", "items": {"type": "object"}}},
    )
    def get(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        visible = Entity.objects.visible_to(signed_in(request))
        entity = get_object_or_404(visible, ref=f"{kind}:{namespace}/{name}".lower())
        user = signed_in(request)
        verdicts = list(Verdict.objects.visible_to(user).filter(entity=entity))
        standings = (
            Standing.objects.visible_to(user).filter(entity=entity).order_by("scorecard_ref")
        )
        return Response([_as_json(standing, verdicts) for standing in standings])


def _as_json(standing: Standing, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "scorecard": standing.scorecard_ref,
        "level": standing.level or None,
        "nextLevel": standing.next_level or None,
        "passed": standing.passed,
        "total": standing.total,
        "evaluatedAt": standing.evaluated_at,
        "checks": [
            {"id": v.check_id, "title": v.title, "level": v.level, "verdict": v.verdict,
             "message": v.message, "why": v.why, "remedy": v.remedy}
            for v in verdicts
            if v.scorecard_ref == standing.scorecard_ref
        ],
    }  # fmt: skip
