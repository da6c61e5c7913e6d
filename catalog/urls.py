"""Addresses of the catalogue's pages."""

from django.urls import path

from catalog.views.create import create
from catalog.views.definition import definition, raw_definition
from catalog.views.docs import docs, image
from catalog.views.edit import edit
from catalog.views.entities import entities, export
from catalog.views.entity import entity, panel
from catalog.views.history import history
from catalog.views.locations import location, read, remove, restore
from catalog.views.orphans import keep
from catalog.views.ownership import ownership
from catalog.views.people import members, owned
from catalog.views.problems import problems
from catalog.views.register import register
from catalog.views.relations import impact, relations
from catalog.views.sources import change, read_again, sources
from catalog.views.star import star

app_name = "catalog"
urlpatterns = [
    path("", entities, name="entities"),
    path("create/", create, name="create"),
    path("ownership/", ownership, name="ownership"),
    path("export/<str:form>/", export, name="export"),
    path("problems/", problems, name="problems"),
    path("register/", register, name="register"),
    path("locations/<int:pk>/", location, name="location"),
    path("locations/<int:pk>/read/", read, name="read-location"),
    path("locations/<int:pk>/remove/", remove, name="remove-location"),
    path("locations/<int:pk>/restore/", restore, name="restore-location"),
    path("sources/", sources, name="sources"),
    path("sources/<int:pk>/read/", read_again, name="read-source"),
    path("sources/<int:pk>/change/", change, name="change-source"),
    path("orphans/<int:pk>/keep/", keep, name="keep-orphan"),
    path("stars/<int:pk>/", star, name="star"),
    path("panels/<int:pk>/<str:panel_id>/", panel, name="panel"),
    path("<str:kind>/<str:namespace>/<str:name>/", entity, name="entity"),
    path("<str:kind>/<str:namespace>/<str:name>/members/", members, name="members"),
    path("<str:kind>/<str:namespace>/<str:name>/owned/", owned, name="owned"),
    path("<str:kind>/<str:namespace>/<str:name>/edit/", edit, name="edit"),
    path("<str:kind>/<str:namespace>/<str:name>/history/", history, name="history"),
    path("<str:kind>/<str:namespace>/<str:name>/relations/", relations, name="relations"),
    path("<str:kind>/<str:namespace>/<str:name>/docs/", docs, name="docs"),
    path("<str:kind>/<str:namespace>/<str:name>/docs/<path:path>", docs, name="docs-page"),
    path("<str:kind>/<str:namespace>/<str:name>/docs-images/<path:path>", image, name="docs-image"),
    path("<str:kind>/<str:namespace>/<str:name>/definition/", definition, name="definition"),
    path(
        "<str:kind>/<str:namespace>/<str:name>/definition/raw/",
        raw_definition,
        name="raw-definition",
    ),
    path("<str:kind>/<str:namespace>/<str:name>/impact/", impact, name="impact"),
]
