"""Addresses of the scorecards' REST API."""

from django.urls import path

from scorecards import api

urlpatterns = [
    path("entities/<str:kind>/<str:namespace>/<str:name>", api.EntityScorecards.as_view()),
]
