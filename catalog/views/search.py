"""Search: a page that needs no JavaScript, and the answers of the palette that every page has."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in, template_for
from catalog.models import Entity, EntityQuerySet
from catalog.views.pages import PAGE_SIZE, titles_of

MAX_TEXT = 200
IN_PALETTE = 8


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Everything visible that fits the words, best first; `kind` narrows it."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    visible = Entity.objects.visible_to(signed_in(request))
    found = visible.search(text) if text else visible.none()
    if request.headers.get("HX-Target") == "palette-results":
        return _palette(request, text, found)
    kind = request.GET.get("kind", "").lower()
    kinds = found.facets("kind")
    chosen = found.filter(kind=kind) if kind else found
    page = Paginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "text": text,
        "kind": kind,
        "kinds": kinds,
        "total": sum(count for _, count in kinds),
        "page": page,
        "titles": titles_of([row.owner_ref for row in page], signed_in(request)),
    }
    return render(request, template_for(request, "catalog/search.html", "results"), context)


def _palette(request: HttpRequest, text: str, found: EntityQuerySet) -> HttpResponse:
    """The first few; one more is asked for, to know whether there is more to see."""
    rows = list(found[: IN_PALETTE + 1])
    context = {
        "text": text,
        "rows": rows[:IN_PALETTE],
        "more": len(rows) > IN_PALETTE,
        "titles": titles_of([row.owner_ref for row in rows], signed_in(request)),
    }
    return render(request, "ui/palette.html#results", context)
