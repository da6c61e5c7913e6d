"""Addresses of the scaffolder."""

from django.urls import path

from scaffolder import views

app_name = "scaffolder"
urlpatterns = [
    path("create/", views.golden_paths, name="golden-paths"),
    path("create/import/", views.import_page, name="import"),
    path("create/<str:namespace>/<str:name>/", views.form, name="form"),
    path("create/<str:namespace>/<str:name>/begin/", views.begin, name="begin"),
    path("create/<str:namespace>/<str:name>/<int:number>/", views.form, name="form-page"),
    path("create/<str:namespace>/<str:name>/<int:number>/choices/", views.choices, name="choices"),
    path("create/<str:namespace>/<str:name>/review/", views.review, name="review"),
    path("create/<str:namespace>/<str:name>/discard/", views.discard, name="discard"),
    path("actions/", views.actions_page, name="actions"),
    path("actions/<str:name>/", views.action_page, name="action"),
    path("approvals/", views.approvals, name="approvals"),
    path("approvals/<int:pk>/", views.approval, name="approval"),
    path("approvals/<int:pk>/decide/", views.decide, name="decide"),
    path("runs/", views.runs, name="runs"),
    path("runs/<uuid:pk>/", views.run, name="run"),
    path("runs/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("runs/<uuid:pk>/retry/", views.retry, name="retry"),
    path("runs/<uuid:pk>/again/", views.again, name="again"),
]
