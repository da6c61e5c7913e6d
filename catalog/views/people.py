"""Pages of groups and people: who is in a group, and what somebody owns, with its gaps."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.models import Membership, User
from accounts.requests import signed_in, template_for
from catalog import graph
from catalog.models import Entity, Relation
from catalog.panels import gaps
from catalog.views.pages import PAGE_SIZE, titles_of
from catalog.views.tabs import tabs_of

MOST_GROUPS = 300


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of the group tree; `level` is how far it is indented, as portal.css knows it."""

    ref: str
    level: int
    members: int
    owned: int


def _row(user: User, *kinds: str, kind: str, namespace: str, name: str) -> Entity:
    people = Entity.objects.visible_to(user).with_place().filter(kind__in=kinds)
    return get_object_or_404(people, ref=f"{kind}:{namespace}/{name}".lower())


def _below(ref: str, user: User) -> tuple[list[str], bool]:
    """The group and those below it."""
    visible = Entity.objects.visible_to(user)
    found, cut = visible.reached(
        [ref], types=["parentOf"], kinds=["group"], depth=50, most=MOST_GROUPS
    )
    return list(found), cut


@require_GET
def members(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Who is in a group, directly or through one below it, and where it stands in the tree."""
    user = signed_in(request)
    row = _row(user, "group", kind=kind, namespace=namespace, name=name)
    below, cut = _below(row.ref, user)
    hidden = Entity.objects.filter(kind="user").hidden_from(user)
    found = Membership.objects.filter(group_ref=row.ref).exclude(user_ref__in=hidden.values("ref"))
    page = Paginator(found.order_by("-direct", "user_ref"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    through: dict[str, list[str]] = {}
    inherited = [member.user_ref for member in page if not member.direct]
    direct = Membership.objects.filter(user_ref__in=inherited, group_ref__in=below, direct=True)
    for person, group in direct.order_by("group_ref").values_list("user_ref", "group_ref"):
        through.setdefault(person, []).append(group)
    tree = _tree(row, below, user)
    refs = [member.user_ref for member in page] + [branch.ref for branch in tree]
    context = {
        "entity": row,
        "page": page,
        "through": through,
        "tree": tree,
        "cut": cut and f"Only {MOST_GROUPS} groups are shown.",
        "titles": titles_of(refs, user),
        "tabs": tabs_of(row, "members"),
    }
    return render(request, "catalog/members.html", context)


def _tree(row: Entity, below: list[str], user: User) -> list[Branch]:
    """From the groups above, through this one, to those below it."""
    visible = Entity.objects.visible_to(user)
    above, _ = visible.reached(
        [row.ref], types=["childOf"], kinds=["group"], depth=50, most=MOST_GROUPS
    )
    refs = {*above, *below}
    edges = [graph.Edge(*edge) for edge in Relation.objects.among(refs, ["parentOf"])]
    tops = refs - {edge.target for edge in edges} or {row.ref}
    counts = visible.filter(orphaned_at=None, owner_ref__in=refs).owned_counts()
    people = Membership.objects.counts(refs)
    return [
        Branch(ref, min(depth, 8), people.get(ref, 0), counts.get(ref, 0))
        for ref, depth in graph.tree(edges, tops)
    ]


@require_GET
def owned(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Everything a group or a person owns: `?scope=direct` narrows it, `?kind=` and `?gap=` too."""
    user = signed_in(request)
    row = _row(user, "group", "user", kind=kind, namespace=namespace, name=name)
    direct = request.GET.get("scope") == "direct"
    owners = [row.ref] if direct else _owners(row, user)
    visible = Entity.objects.visible_to(user).without_texts()
    everything = visible.filter(owner_ref__in=owners)
    kinds = everything.facets("kind")
    chosen = request.GET.get("kind", "") if request.GET.get("kind") in dict(kinds) else ""
    found = everything.filter(kind=chosen) if chosen else everything
    counted = [(gap, gap.choose(found, user).order_by().count()) for gap in gaps()]
    gap = next((gap for gap in gaps() if gap.id == request.GET.get("gap")), None)
    if gap:
        found = gap.choose(found, user)
    page = Paginator(found.order_by("kind", "name", "ref"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "entity": row,
        "direct": direct,
        "kinds": kinds,
        "kind": chosen,
        "gaps": counted,
        "gap": gap,
        "total": sum(count for _, count in kinds),
        "page": page,
        "titles": titles_of([one.owner_ref for one in page], user),
        "tabs": tabs_of(row, "owned"),
    }
    return render(request, template_for(request, "catalog/owned.html", "owned"), context)


def _owners(row: Entity, user: User) -> list[str]:
    """A group with those below it; a person with the groups they are in, or that are above."""
    if row.kind == "group":
        return _below(row.ref, user)[0]
    groups = Membership.objects.filter(user_ref=row.ref).values_list("group_ref", flat=True)
    return [row.ref, *groups]
