"""The catalogue's REST API: Backstage's, so that its clients work unchanged; see docs/api.md."""

from catalog.api.entities import (
    EntitiesByRefs,
    EntityAncestry,
    EntityByName,
    EntityByUid,
    EntityFacets,
    Refresh,
)
from catalog.api.graph import Dependencies, Dependents, Neighbourhood
from catalog.api.locations import (
    AnalyzeLocation,
    LocationByEntity,
    LocationById,
    Locations,
    LocationsByQuery,
)
from catalog.api.queries import Entities, EntitiesByQuery
from catalog.api.search import SearchQuery
from catalog.api.validation import ValidateEntity

__all__ = [
    "AnalyzeLocation",
    "Dependencies",
    "Dependents",
    "Entities",
    "EntitiesByQuery",
    "EntitiesByRefs",
    "EntityAncestry",
    "EntityByName",
    "EntityByUid",
    "EntityFacets",
    "LocationByEntity",
    "LocationById",
    "Locations",
    "LocationsByQuery",
    "Neighbourhood",
    "Refresh",
    "SearchQuery",
    "ValidateEntity",
]
