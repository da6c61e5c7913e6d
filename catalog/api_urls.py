"""Addresses of the catalogue's REST API."""

from django.urls import path

from catalog import api

urlpatterns = [
    path("entities", api.Entities.as_view()),
    path("entities/by-name/<str:kind>/<str:namespace>/<str:name>", api.EntityByName.as_view()),
    path("entity-facets", api.EntityFacets.as_view()),
]
