"""A registered file: what it holds, what is wrong in it, when it was read; taking it out."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import signed_in, template_for
from catalog import forges, services
from catalog.models import Entity, Location
from catalog.services.locations import may_remove_location
from catalog.views.pages import PAGE_SIZE


def _location(request: HttpRequest, pk: int) -> Location:
    visible = Location.objects.visible_to(signed_in(request)).select_related("repository", "parent")
    return get_object_or_404(visible, pk=pk)


@require_GET
def location(request: HttpRequest, pk: int) -> HttpResponse:
    """htmx asks for the state again and again until the file has been read."""
    user = signed_in(request)
    row = _location(request, pk)
    repository = row.repository
    entities = Entity.objects.visible_to(user).filter(location=row).without_texts()
    branch = repository.default_branch or "HEAD"
    context = {
        "location": row,
        "repository": repository,
        "page": Paginator(entities, PAGE_SIZE).get_page(request.GET.get("page")),
        "problems": row.problems.visible_to(user).select_related("location__repository"),
        "children": row.children.visible_to(user).order_by("path")[:100],
        "url": forges.file_url(repository.path, branch, row.path),
        "commit_url": repository.commit and forges.commit_url(repository.path, repository.commit),
        "waits": not forges.is_organisation(repository.path)
        and not row.removed_at
        and not repository.error
        and not repository.commit,
        "may_remove": row.parent is None and may_remove_location(row, user),
        "may_register": services.may_register(user),
    }
    return render(request, template_for(request, "catalog/location.html", "state"), context)


@require_POST
def read(request: HttpRequest, pk: int) -> HttpResponse:
    services.refresh(repository=_location(request, pk).repository, by=signed_in(request))
    return redirect("catalog:location", pk)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the file out; the page that follows offers to put it back."""
    services.remove_location(location=_location(request, pk), by=signed_in(request))
    messages.success(request, "The file is not read any more; its entities are orphans now.")
    return redirect("catalog:location", pk)


@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    row = _location(request, pk)
    services.register(project=row.repository.path, path=row.path, by=signed_in(request))
    return redirect("catalog:location", pk)
