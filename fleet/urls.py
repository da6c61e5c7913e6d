"""Addresses of the fleet's pages."""

from django.urls import path

from fleet import views

app_name = "fleet"
urlpatterns = [
    path("campaigns/", views.campaigns, name="campaigns"),
    path("campaigns/adopt/<str:kind>/<str:namespace>/<str:name>/", views.adopt, name="adopt"),
    path("campaigns/new/<int:release>/", views.new, name="new"),
    path("campaigns/change/<str:kind>/", views.new_change, name="new-change"),
    path("campaigns/blocks/<str:kind>/<str:namespace>/<str:name>/", views.block, name="block"),
    path("campaigns/<str:key>/", views.campaign, name="campaign"),
    path("campaigns/<str:key>/targets.csv", views.targets_csv, name="targets-csv"),
    path("campaigns/<str:key>/start/", views.start, name="start"),
    path("campaigns/<str:key>/pause/", views.pause, name="pause"),
    path("campaigns/<str:key>/resume/", views.resume, name="resume"),
    path("campaigns/<str:key>/abort/", views.abort, name="abort"),
    path("campaigns/<str:key>/<int:pk>/", views.target, name="target"),
    path("campaigns/<str:key>/<int:pk>/answer/", views.answer, name="answer"),
    path("campaigns/<str:key>/<int:pk>/decide/", views.decide, name="decide"),
    path("campaigns/<str:key>/<int:pk>/again/", views.again, name="again"),
]
