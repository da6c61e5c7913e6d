"""Who answers for what, and where nobody does."""

from __future__ import annotations

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.requests import signed_in
from catalog.exports import csv_lines
from catalog.models import Entity, EntityQuerySet
from catalog.views.pages import PAGE_SIZE, titles_of

MONTHS = (3, 6, 12, 24)
GAPS = {
    "unowned": ("Without an owner", "Every one of these names an owner."),
    "dangling": ("Owner unknown", "Every owner that is named is in the catalogue."),
    "empty": ("Owner without members", "Every owning group has somebody in it."),
    "stale": ("Stale", "All of it was changed, or worked on, lately."),
}
COLUMNS = {
    "entity": "ref",
    "title": "title",
    "owner": "owner_ref",
    "lifecycle": "lifecycle",
    "changed": "updated_at",
    "repository": "location__repository__path",
}


@require_GET
def ownership(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """`?gap=` chooses one of the lists, `?months=` what is stale, `?format=csv` the whole list."""
    user = signed_in(request)
    given = request.GET.get("months", "")
    months = int(given) if given in map(str, MONTHS) else 6
    lists = gaps(user, months)
    chosen = request.GET.get("gap", "")
    gap = chosen if chosen in lists else "unowned"
    if request.GET.get("format") == "csv":
        return _csv(lists[gap], f"{gap}.csv")
    page = Paginator(lists[gap].with_place(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "gap": gap,
        "gaps": [(name, GAPS[name][0], found.count()) for name, found in lists.items()],
        "title": GAPS[gap][0],
        "nothing": GAPS[gap][1],
        "months": months,
        "all_months": MONTHS,
        "page": page,
        "titles": titles_of([row.owner_ref for row in page], user),
    }
    return render(request, "catalog/ownership.html", context)


def gaps(user: User, months: int) -> dict[str, EntityQuerySet]:
    """The lists by name, of what the person may see."""
    found = Entity.objects.visible_to(user).ownable()
    return {
        "unowned": found.unowned(),
        "dangling": found.owner_unknown(),
        "empty": found.owner_without_members(),
        "stale": found.stale(timezone.now() - timedelta(days=30 * months)),
    }


def _csv(rows: EntityQuerySet, name: str) -> StreamingHttpResponse:
    lines = csv_lines(COLUMNS, rows.values_list(*COLUMNS.values()).iterator(chunk_size=2_000))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
