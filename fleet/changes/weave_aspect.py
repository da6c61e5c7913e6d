"""Weaves an aspect into every repository that it applies to and that lacks it, also into those
that nobody knows the lineage of."""

from __future__ import annotations

from catalog.models import Entity
from fleet.changes import Candidate, Change, register
from fleet.outcomes import Outcome, Work, remade
from scaffolder import aspects
from scaffolder.models import Lineage, Release


def candidates(release: Release) -> list[Candidate]:
    has_it = Lineage.objects.filter(release__block_ref=release.block_ref).values("repository")
    entities = Entity.objects.filter(kind="component", orphaned_at=None).with_place()
    entities = entities.exclude(location__repository__path__in=has_it).order_by("ref")
    scopes: dict[str | None, set[str]] = {}
    found: dict[str, Candidate] = {}
    for entity in entities:
        if entity.owner_ref not in scopes:
            scopes[entity.owner_ref] = aspects.scopes_of(entity.descriptor)
        if aspects.applies(release, entity.descriptor, scopes[entity.owner_ref]):
            path = entity.location.repository.path
            found.setdefault(path, Candidate(path, entity.ref))
    return list(found.values())


def outcome(work: Work) -> Outcome | None:
    if any(block.block_ref == work.block.block_ref for block in work.blocks):
        return None
    return remade(work, [*work.blocks, work.block])


register(
    Change("weave_aspect", "Weave into everything it applies to", "Weave in", ("aspect",),
           candidates, outcome)
)  # fmt: skip
