"""Addresses of the catalogue's REST API."""

from django.urls import path

from catalog import api

NAMED = "<str:kind>/<str:namespace>/<str:name>"

urlpatterns = [
    path("entities", api.Entities.as_view()),
    path("entities/by-query", api.EntitiesByQuery.as_view()),
    path("entities/by-refs", api.EntitiesByRefs.as_view()),
    path("entities/by-uid/<uuid:uid>", api.EntityByUid.as_view()),
    path(f"entities/by-name/{NAMED}", api.EntityByName.as_view()),
    path(f"entities/by-name/{NAMED}/ancestry", api.EntityAncestry.as_view()),
    path("entity-facets", api.EntityFacets.as_view()),
    path(f"graph/{NAMED}", api.Neighbourhood.as_view()),
    path(f"graph/{NAMED}/dependents", api.Dependents.as_view()),
    path(f"graph/{NAMED}/dependencies", api.Dependencies.as_view()),
    path("refresh", api.Refresh.as_view()),
    path("locations", api.Locations.as_view()),
    path("locations/by-query", api.LocationsByQuery.as_view()),
    path("locations/<str:location_id>", api.LocationById.as_view()),
    path(f"locations/by-entity/{NAMED}", api.LocationByEntity.as_view()),
    path("analyze-location", api.AnalyzeLocation.as_view()),
    path("validate-entity", api.ValidateEntity.as_view()),
]
