"""Everything that is wrong in the catalogue."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog.forms import ProblemFilter
from catalog.models import Source
from catalog.services.orphans import grace
from catalog.views.pages import PAGE_SIZE

LISTS = {
    "errors": "Descriptors",
    "claims": "Names claimed twice",
    "dangling": "References to what does not exist",
    "orphans": "No longer declared",
    "repositories": "Repositories not read",
}


@require_GET
def problems(request: HttpRequest) -> HttpResponse:
    """`?kind=` chooses one of the lists; without it, the first that has anything in it."""
    user = signed_in(request)
    chosen = ProblemFilter(request.GET, user)
    lists = chosen.lists()
    counts = {name: rows.count() for name, rows in lists.items()}
    kind = request.GET.get("kind", "")
    if kind not in lists:
        kind = next((name for name, count in counts.items() if count), "errors")
    pages = Paginator(lists[kind], PAGE_SIZE)
    pages.count = counts[kind]  # a cached property: it is not asked for again
    context = {
        "filter": chosen,
        "kind": kind,
        "kinds": [(name, label, counts[name]) for name, label in LISTS.items()],
        "title": LISTS[kind],
        "page": pages.get_page(request.GET.get("page")),
        "grace": grace(),
        "sources": Source.objects.exclude(error=""),
    }
    return render(request, "catalog/problems.html", context)
