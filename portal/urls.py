"""Every address of the portal."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from catalog.api import SearchQuery
from catalog.views.search import search
from catalog.views.webhook import gitlab_webhook
from portal import views

# One way in: with its pause after wrong passwords, and its audit row.
admin.site.login = login_not_required(  # type: ignore[method-assign,assignment]
    RedirectView.as_view(pattern_name="accounts:login", query_string=True)
)

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("api/catalog/", include("catalog.api_urls")),  # early: programs ask it most
    path("ui/", views.components, name="components"),
    path("theme/", views.set_theme, name="theme"),
    path("webhooks/gitlab/", gitlab_webhook, name="gitlab-webhook"),
    path("search/", search, name="search"),
    path("", include("accounts.urls")),
    path("catalog/", include("catalog.urls")),
    path("", include("scaffolder.urls")),
    path("scorecards/", include("scorecards.urls")),
    path("", include("fleet.urls")),
    path("api/search/query", SearchQuery.as_view()),
    path("api/scaffolder/", include("scaffolder.api_urls")),
    path("api/scorecards/", include("scorecards.api_urls")),
    path("api/fleet/", include("fleet.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="api-docs"),
    path("admin/", admin.site.urls),
]
handler400 = "portal.views.bad_request"
handler403 = "portal.views.permission_denied"
handler404 = "portal.views.page_not_found"
handler500 = "portal.views.server_error"
