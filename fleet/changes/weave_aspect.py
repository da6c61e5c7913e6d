"""Weaves an aspect into every repository with lineage that it applies to and that lacks it."""

from __future__ import annotations

from typing import Any

from catalog import refs, relations, selectors
from catalog.groups import with_ancestors
from catalog.models import Entity
from fleet.changes import Candidate, Change, register
from scaffolder.models import Lineage, Release

ORGANISATION = "organisation"


def candidates(release: Release) -> list[Candidate]:
    made = Lineage.objects.filter(release__kind="template").exclude(entity_ref="")
    has_it = Lineage.objects.filter(release__block_ref=release.block_ref).values("repository")
    repositories = dict(made.exclude(repository__in=has_it).values_list("entity_ref", "repository"))
    entities = Entity.objects.filter(ref__in=repositories, orphaned_at=None).order_by("ref")
    spec = release.descriptor["spec"]
    return [Candidate(repositories[e.ref], e.ref) for e in entities if _applies(spec, e.descriptor)]


def _applies(spec: dict[str, Any], entity: dict[str, Any]) -> bool:
    condition = spec.get("appliesTo")
    if condition and not selectors.matches(condition, entity=entity):
        return False
    scope = spec.get("scope", ORGANISATION)
    owner = relations.owner_ref(entity)
    if scope == ORGANISATION or not owner:
        return bool(scope == ORGANISATION)
    return str(refs.parse(scope, default_kind="group")) in with_ancestors([owner])


def releases(release: Release, lineage: list[Lineage]) -> list[Release] | None:
    blocks = [row.release for row in lineage]
    if any(block.block_ref == release.block_ref for block in blocks):
        return None
    return [*blocks, release]


register(
    Change("weave_aspect", "Weave into everything it applies to", "Weave in", ("aspect",),
           candidates, releases)
)  # fmt: skip
