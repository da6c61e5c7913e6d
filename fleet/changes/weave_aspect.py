"""Weaves an aspect into every repository with lineage that it applies to and that lacks it."""

from __future__ import annotations

from catalog.models import Entity
from fleet.changes import Candidate, Change, register
from scaffolder import aspects
from scaffolder.models import Lineage, Release


def candidates(release: Release) -> list[Candidate]:
    made = Lineage.objects.filter(release__kind="template").exclude(entity_ref="")
    has_it = Lineage.objects.filter(release__block_ref=release.block_ref).values("repository")
    repositories = dict(made.exclude(repository__in=has_it).values_list("entity_ref", "repository"))
    entities = Entity.objects.filter(ref__in=repositories, orphaned_at=None).order_by("ref")
    scopes: dict[str | None, set[str]] = {}
    found = []
    for entity in entities:
        if entity.owner_ref not in scopes:
            scopes[entity.owner_ref] = aspects.scopes_of(entity.descriptor)
        if aspects.applies(release, entity.descriptor, scopes[entity.owner_ref]):
            found.append(Candidate(repositories[entity.ref], entity.ref))
    return found


def releases(release: Release, lineage: list[Lineage]) -> list[Release] | None:
    blocks = [row.release for row in lineage]
    if any(block.block_ref == release.block_ref for block in blocks):
        return None
    return [*blocks, release]


register(
    Change("weave_aspect", "Weave into everything it applies to", "Weave in", ("aspect",),
           candidates, releases)
)  # fmt: skip
