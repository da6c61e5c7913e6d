"""Everything that is wrong in the catalogue."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Role
from accounts.requests import signed_in
from catalog.models import Entity, Problem, Relation, Repository, Source
from catalog.services.sources import request_reading
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
        "sources": Source.objects.all(),
        "may_read": Role.PLATFORM in user.roles,
    }
    return render(request, "catalog/problems.html", context)


@require_POST
def read_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks a worker to list a source now."""
    source = get_object_or_404(Source, pk=pk)
    request_reading(source=source, by=signed_in(request))
    messages.success(request, "A worker reads the source now.")
    return redirect("catalog:problems")
