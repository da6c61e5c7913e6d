"""What an API entity defines: operations and types, or the raw text; who provides and uses it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.requests import signed_in
from catalog import definitions
from catalog.models import Entity
from catalog.views.pages import titles_of
from catalog.views.tabs import tabs_of

MOST_NAMED = 100
MAX_RAW = 200_000


def _api(user: User, kind: str, namespace: str, name: str) -> Entity:
    """Other kinds have no definition, and no such page."""
    apis = Entity.objects.visible_to(user).with_place().filter(kind="api")
    return get_object_or_404(apis, ref=f"{kind}:{namespace}/{name}".lower())


def _text_of(entity: Entity) -> str:
    text = entity.spec.get("definition")
    return text if isinstance(text, str) else ""


@require_GET
def definition(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The definition, drawn by the server alone: nothing in it is ever run."""
    user = signed_in(request)
    row = _api(user, kind, namespace, name)
    text = _text_of(row)
    edges = row.relations().filter(type__in=["apiProvidedBy", "apiConsumedBy"])
    named = list(edges.values_list("type", "target_ref")[: MOST_NAMED * 2])
    titles = titles_of([ref for _, ref in named], user)
    visible = [(type_, ref) for type_, ref in named if ref in titles]
    context = {
        "entity": row,
        "found": definitions.read(row.type.lower(), text),
        "text": text[:MAX_RAW],
        "raw_is_cut": len(text) > MAX_RAW,
        "providers": [ref for type_, ref in visible if type_ == "apiProvidedBy"],
        "consumers": [ref for type_, ref in visible if type_ == "apiConsumedBy"],
        "titles": titles,
        "tabs": tabs_of(row, "definition"),
    }
    return render(request, "catalog/definition.html", context)


@require_GET
def raw_definition(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The text as it is, to save."""
    row = _api(signed_in(request), kind, namespace, name)
    answer = HttpResponse(_text_of(row), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{row.name}.txt"'
    return answer
