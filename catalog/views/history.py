"""What an entity was: its versions, and what differs from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog import forges
from catalog.difference import Change, difference
from catalog.models import Entity, Version, VersionQuerySet
from catalog.views.pages import PAGE_SIZE
from catalog.views.tabs import tabs_of


@dataclass(frozen=True, slots=True)
class Row:
    version: Version
    changes: tuple[Change, ...]
    commit_url: str


@require_GET
def history(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    user = signed_in(request)
    ref = f"{kind}:{namespace}/{name}".lower()
    row = get_object_or_404(Entity.objects.visible_to(user), ref=ref)
    versions = Version.objects.of_entity(row, user)
    page = Paginator(versions, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "entity": row,
        "page": page,
        "rows": _rows(list(page), versions),
        "tabs": tabs_of(row, "history"),
    }
    return render(request, "catalog/history.html", context)


def _rows(shown: Sequence[Version], versions: VersionQuerySet) -> list[Row]:
    """Each version beside the newest older one that has content."""
    if not shown:
        return []
    older = versions.with_content().filter(number__lt=shown[-1].number).first()
    rows = []
    for version in reversed(shown):
        changes: tuple[Change, ...] = ()
        if version.descriptor is not None:
            if older is not None and older.descriptor is not None:
                changes = difference(older.descriptor, version.descriptor)
            older = version
        url = forges.commit_url(version.project, version.commit) if version.commit else ""
        rows.append(Row(version, changes, url))
    return rows[::-1]
