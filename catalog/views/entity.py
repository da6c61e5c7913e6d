"""One entity's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog import forges
from catalog.models import Entity, EntityQuerySet, Problem, Relation, Star
from catalog.panels import panels_for
from catalog.services import may_edit
from catalog.services.locations import may_remove_entity
from catalog.services.orphans import grace
from catalog.views.pages import titles_of
from catalog.views.tabs import tabs_of

# Relations that a panel or a tab of the kind shows, in full or page by page.
ELSEWHERE = {
    "group": ("ownerOf", "hasMember"), "user": ("ownerOf",),
    "system": ("hasPart",), "domain": ("hasPart",),
}  # fmt: skip


@require_GET
def entity(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """One entity: what it is, what it touches, what made it, how good it is, what is wrong."""
    user = signed_in(request)
    visible = Entity.objects.visible_to(user).with_place()
    ref = f"{kind}:{namespace}/{name}".lower()
    row = visible.filter(ref=ref).first()
    if row is None:
        return _never_good(request, ref)
    relations = list(row.relations().exclude(type__in=ELSEWHERE.get(row.kind, ())))
    refs = [relation.target_ref for relation in relations]
    hidden = Entity.objects.filter(ref__in=refs).exclude(pk__in=visible)
    hidden_refs = set(hidden.values_list("ref", flat=True))
    repository = row.location.repository
    found = list(Problem.objects.visible_to(user).about(row))
    context = {
        "entity": row,
        "owner": visible.filter(ref=row.owner_ref).first(),
        "relations": _grouped([r for r in relations if r.target_ref not in hidden_refs]),
        "titles": titles_of(refs, user),
        "problems": [p for p in found if p.location_id == row.location_id],
        "claims": [p for p in found if p.location_id != row.location_id],
        "ancestors": ancestors_of(row, visible),
        "panels": panels_for(row, user),
        "source_url": forges.file_url(
            repository.path, repository.default_branch, row.location.path, row.line
        ),
        "repository_url": forges.project_url(repository.path),
        "raw": row.text,
        "profile": _profile(row),
        "starred": Star.objects.filter(user=user, ref=row.ref).exists(),
        "themselves": row.ref == user.entity_ref,
        "may_edit": may_edit(row, user),
        "orphan": {
            "goes_at": row.orphaned_at and row.orphaned_at + grace(),
            "may_keep": may_remove_entity(row, user),
        },
        "tabs": tabs_of(row, "overview"),
    }
    return render(request, "catalog/entity.html", context)


def ancestors_of(row: Entity, visible: EntityQuerySet) -> list[Entity]:
    """The `Location` entities whose files led to this one's."""
    if row.location.parent_id is None:
        return []
    return list(visible.located_above(row.location_id).without_texts().order_by("ref"))


def _profile(row: Entity) -> dict[str, str]:
    """What a person or a group says about themselves, as far as it is text."""
    profile = row.spec.get("profile")
    given = profile if row.kind in ("group", "user") and isinstance(profile, dict) else {}
    return {key: given[key] for key in ("displayName", "email") if isinstance(given.get(key), str)}


def _grouped(relations: list[Relation]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for relation in relations:
        grouped.setdefault(relation.type, []).append(relation.target_ref)
    return grouped


def _never_good(request: HttpRequest, ref: str) -> HttpResponse:
    """An entity that was never read without an error is visible as such: it has problems only."""
    hidden = Entity.objects.filter(ref=ref).exists()
    problems = Problem.objects.visible_to(signed_in(request)).filter(entity_ref=ref)
    problems = problems.select_related("location__repository")
    if hidden or not problems:
        visible = Entity.objects.visible_to(signed_in(request))
        named = Relation.objects.filter(target_ref=ref, declared_by__in=visible)
        referrers = [] if hidden else sorted(set(named.values_list("source_ref", flat=True)))
        context = {"ref": ref, "referrers": referrers[:50]}
        return render(request, "catalog/unknown.html", context, status=404)
    return render(request, "catalog/never_good.html", {"ref": ref, "problems": problems})


@require_GET
def panel(request: HttpRequest, pk: int, panel_id: str) -> HttpResponse:
    """One panel of an entity's page, for pages that keep it fresh; 204 while nothing changed."""
    user = signed_in(request)
    row = get_object_or_404(Entity.objects.visible_to(user).with_place(), pk=pk)
    for found, context in panels_for(row, user):
        if found.id == panel_id:
            if context.get("version") and context["version"] == request.GET.get("version"):
                return HttpResponse(status=204)
            return render(request, found.template, context | {"entity": row})
    return HttpResponse(status=204)
