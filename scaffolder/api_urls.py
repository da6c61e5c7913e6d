"""Addresses of the scaffolder's REST API."""

from django.urls import path

from scaffolder import api, api_dry_run, api_events

urlpatterns = [
    path(
        "v2/templates/<str:namespace>/<str:kind>/<str:name>/parameter-schema",
        api.ParameterSchema.as_view(),
    ),
    path("v2/actions", api.Actions.as_view()),
    path("v2/templating-extensions", api.TemplatingExtensions.as_view()),
    path("v2/dry-run", api_dry_run.DryRun.as_view()),
    path("v2/tasks", api.Tasks.as_view()),
    path("v2/tasks/<uuid:pk>", api.Task.as_view()),
    path("v2/tasks/<uuid:pk>/events", api_events.TaskEvents.as_view()),
    path("v2/tasks/<uuid:pk>/eventstream", api_events.TaskEventStream.as_view()),
    path("v2/tasks/<uuid:pk>/cancel", api.CancelTask.as_view()),
    path("v2/tasks/<uuid:pk>/retry", api.RetryTask.as_view()),
]
