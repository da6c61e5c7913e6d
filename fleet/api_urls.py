"""Addresses of the fleet's REST API."""

from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view

from fleet import api


def _verb(name: str) -> type[api.CampaignVerb]:
    made = type(f"{name.title()}Campaign", (api.CampaignVerb,), {"verb": name})
    return extend_schema_view(post=extend_schema(operation_id=f"{name}_campaign"))(made)


one = "campaigns/<str:key>"
urlpatterns = [
    path("campaigns", api.Campaigns.as_view()),
    path(one, api.OneCampaign.as_view()),
    *(path(f"{one}/{v}", _verb(v).as_view()) for v in ("start", "pause", "resume", "abort")),
    path(f"{one}/targets", api.Targets.as_view()),
    path(f"{one}/targets.csv", api.TargetsCsv.as_view()),
    path(f"{one}/targets/<int:pk>", api.OneTarget.as_view()),
    path(f"{one}/targets/<int:pk>/postpone", api.Postpone.as_view()),
    path(f"{one}/targets/<int:pk>/plan-again", api.PlanAgain.as_view()),
]
