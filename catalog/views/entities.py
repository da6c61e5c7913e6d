"""The list of entities."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog.forms import EntityFilter
from catalog.models import Entity, Problem
from catalog.views.pages import PAGE_SIZE, titles_of


@require_GET
def entities(request: HttpRequest) -> HttpResponse:
    """The list with its facets; htmx asks for the results alone."""
    user = signed_in(request)
    chosen = EntityFilter(request.GET, Entity.objects.visible_to(user))
    page = Paginator(chosen.entities(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page": page,
        "facets": chosen.facets(),
        "problem_count": Problem.objects.visible_to(user).count(),
        "titles": titles_of([entity.owner_ref for entity in page], user),
    }
    only = request.headers.get("HX-Request") and not request.headers.get(
        "HX-History-Restore-Request"
    )
    template = "catalog/entities.html#results" if only else "catalog/entities.html"
    return render(request, template, context)
