"""The graph around an entity, drawn and as a table; and what breaks when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.requests import signed_in, template_for
from catalog import graph
from catalog.models import Entity
from catalog.neighbourhoods import Found, dependents, reached
from catalog.refs import EntityRef, parse
from catalog.views.pages import PAGE_SIZE, titles_of
from catalog.views.tabs import tabs_of

MOST_DRAWN = 60
MOST_CONCERNED = 1_000
FEWER = "Take fewer steps, or choose kinds and relations."
DEPTHS = ("1", "2", "3", "4")
PARTS_NAMED = 50
PEOPLE = ("ownedBy", "childOf", "memberOf")


@dataclass(frozen=True, slots=True)
class Choice:
    """The form above the graph. Ownership connects everything with everything: asked for only."""

    depth: int
    types: list[str]
    kinds: list[str]

    @classmethod
    def of(cls, request: HttpRequest, entity: Entity) -> Choice:
        people = entity.kind in ("group", "user")
        usual = PEOPLE if people else [t for t in graph.FORWARD if t not in PEOPLE]
        given = [t for t in request.GET.getlist("relation") if t in graph.FORWARD]
        depth = request.GET.get("depth")
        return cls(
            depth=int(depth) if depth in DEPTHS else 1,
            types=given or list(usual),
            kinds=[kind for kind in request.GET.getlist("kind") if kind.isalnum()],
        )


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the drawing, and what its link leads to."""

    box: graph.Box
    entity: Entity
    url: str


@require_GET
def relations(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """What is around an entity; every box leads to the graph around itself."""
    user = signed_in(request)
    row = _entity(user, kind, namespace, name)
    choice = Choice.of(request, row)
    types = graph.both_ways(choice.types)
    found = reached(
        [row.ref], user, types=types, kinds=choice.kinds, depth=choice.depth, most=MOST_DRAWN
    )
    edges = found.forward
    drawing = graph.draw(row.ref, found.rows, edges)
    context = {
        "entity": row,
        "choice": choice,
        "depths": [int(depth) for depth in DEPTHS],
        "types": graph.FORWARD,
        "kinds": sorted({e.kind for e in found.rows.values()} | {*choice.kinds} - {row.kind}),
        "cut": found.cut and f"Only the nearest {MOST_DRAWN} entities are shown. {FEWER}",
        "found": found,
        "page": Paginator(edges, PAGE_SIZE).get_page(request.GET.get("page")),
        "drawing": drawing,
        "nodes": _nodes(request, drawing, found),
        "labelled": len(edges) <= 24,
        "titles": {ref: entity.label for ref, entity in found.rows.items()},
        "tabs": tabs_of(row, "relations"),
    }
    return render(request, template_for(request, "catalog/relations.html", "graph"), context)


def _entity(user: User, kind: str, namespace: str, name: str) -> Entity:
    ref = f"{kind}:{namespace}/{name}".lower()
    return get_object_or_404(Entity.objects.visible_to(user).with_place(), ref=ref)


def _nodes(request: HttpRequest, drawing: graph.Drawing, found: Found) -> list[Node]:
    asked = urlencode({k: v for k, v in request.GET.lists() if k != "page"}, doseq=True)
    return [
        Node(box, found.rows[box.ref], f"{_address(parse(box.ref))}?{asked}".rstrip("?"))
        for box in drawing.boxes
    ]


def _address(ref: EntityRef) -> str:
    return reverse("catalog:relations", args=[ref.kind, ref.namespace, ref.name])


@require_GET
def impact(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """What cannot work without an entity, whom to tell, and circles among these."""
    user = signed_in(request)
    row = _entity(user, kind, namespace, name)
    found = dependents(row, user, most=MOST_CONCERNED)
    page = Paginator(found.steps, PAGE_SIZE).get_page(request.GET.get("page"))
    named = {ref for owner in found.owners for ref in (owner.ref, *owner.above)}
    context = {
        "entity": row,
        "impact": found,
        "page": page,
        "cut": found.cut and f"Only the nearest {MOST_CONCERNED} entities are shown.",
        "parts": [found.rows[ref] for ref in found.parts[:PARTS_NAMED] if ref in found.rows],
        "direct": sum(step.depth == 1 for step in found.steps),
        "titles": titles_of(sorted(named), user)
        | {ref: entity.label for ref, entity in found.rows.items()},
        "tabs": tabs_of(row, "impact"),
    }
    return render(request, "catalog/impact.html", context)
