"""The golden paths, and the forms that one has begun."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import signed_in
from catalog.models import Entity
from scaffolder import services
from scaffolder.models import Draft, Release


@require_GET
def golden_paths(request: HttpRequest) -> HttpResponse:
    """Every golden path that the person can see, those with problems too."""
    user = signed_in(request)
    visible = Entity.objects.visible_to(user).filter(kind="template", orphaned_at=None)
    found = visible.search(text) if (text := request.GET.get("q", "").strip()) else visible
    page = Paginator(found, 24).get_page(request.GET.get("page"))
    releases = {r.block_ref: r for r in Release.objects.newest_of_each("template")}
    for pk, sentences in services.unknown_groups(releases.values()).items():
        for release in releases.values():
            if release.pk == pk:
                release.problems = sentences
    context = {
        "page": page,
        "rows": [(entity, releases.get(entity.ref)) for entity in page],
        "drafts": Draft.objects.listed_for(user, {ref: r.title for ref, r in releases.items()}),
        "query": text,
        "may_start": services.may_start(user),
    }
    return render(request, "scaffolder/golden_paths.html", context)


@require_POST
def discard(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    ref = f"template:{namespace}/{name}".lower()
    services.discard_draft(user=signed_in(request), template_ref=ref)
    messages.success(request, "The draft is gone.")
    return redirect("scaffolder:golden-paths")
