"""Addresses of the scorecards' pages."""

from django.urls import path

from scorecards import views

app_name = "scorecards"
urlpatterns = [
    path("", views.scorecards, name="scorecards"),
    path("<str:namespace>/<str:name>/", views.scorecard, name="scorecard"),
]
