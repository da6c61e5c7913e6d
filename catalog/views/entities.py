"""The list of entities."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog import exports
from catalog.forms import EntityFilter
from catalog.models import Problem
from catalog.services import may_register
from catalog.views.pages import PAGE_SIZE, titles_of


@require_GET
def entities(request: HttpRequest) -> HttpResponse:
    """The list with its facets; htmx asks for the results alone."""
    user = signed_in(request)
    chosen = EntityFilter(request.GET, user)
    pages = Paginator(chosen.entities().without_texts().with_stars(user), PAGE_SIZE)
    pages.count = chosen.count()  # a cached property: it is not asked for again
    page = pages.get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page": page,
        "may_register": may_register(user),
        "facets": chosen.facets(),
        "problem_count": Problem.objects.visible_to(user).count(),
        "titles": titles_of([entity.owner_ref for entity in page], user),
    }
    only = request.headers.get("HX-Request") and not request.headers.get(
        "HX-History-Restore-Request"
    )
    template = "catalog/entities.html#results" if only else "catalog/entities.html"
    return render(request, template, context)


FORMS = {
    "csv": (exports.as_csv, "text/csv; charset=utf-8"),
    "json": (exports.as_json, "application/json"),
}


@require_GET
def export(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """The whole filtered list as a file, sent while it is read."""
    if form not in FORMS:
        raise Http404
    write, media = FORMS[form]
    found = EntityFilter(request.GET, signed_in(request)).entities()
    answer = StreamingHttpResponse(write(found), content_type=media)
    answer["Content-Disposition"] = f'attachment; filename="catalogue.{form}"'
    return answer
