"""Everything that is wrong in the catalogue."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog.models import Entity, Problem, Relation, Repository, Source
from catalog.views.pages import PAGE_SIZE


@require_GET
def problems(request: HttpRequest) -> HttpResponse:
    """Everything that is wrong in the catalogue: descriptors, dangling references, repositories."""
    user = signed_in(request)
    visible = Entity.objects.visible_to(user)
    found = Problem.objects.visible_to(user).select_related("location__repository")
    dangling = Relation.objects.dangling().filter(declared_by__in=visible).order_by("source_ref")
    context = {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "dangling": dangling[:100],
        "dangling_count": dangling.count(),
        "orphans": visible.exclude(orphaned_at=None)[:100],
        "repositories": Repository.objects.exclude(error="")[:100],
        "sources": Source.objects.exclude(error=""),
    }
    return render(request, "catalog/problems.html", context)
