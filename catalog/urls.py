"""Addresses of the catalogue's pages."""

from django.urls import path

from catalog import views

app_name = "catalog"
urlpatterns = [
    path("", views.entities, name="entities"),
    path("problems/", views.problems, name="problems"),
    path("sources/<int:pk>/read/", views.read_again, name="read-source"),
    path("panels/<int:pk>/<str:panel_id>/", views.panel, name="panel"),
    path("<str:kind>/<str:namespace>/<str:name>/", views.entity, name="entity"),
]
