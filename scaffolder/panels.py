"""Panels of an entity's page: what made its repository, what one can do with it, and its runs."""

from typing import Any

from accounts.models import User
from catalog import panels
from catalog.models import Entity
from scaffolder import blocks, offering, services
from scaffolder.models import Lineage, Release, Run

RUNS = 5


def lineage(entity: Entity, user: User) -> dict[str, Any] | None:
    rows = list(
        Lineage.objects.filter(entity_ref=entity.ref).select_related("release", "run__user")
    )
    if not rows:
        return None
    newest = {
        release.block_ref: release
        for kind in ("template", "aspect")
        for release in Release.objects.newest_of_each(kind)
    }
    blocks = [(row, newest.get(row.release.block_ref)) for row in rows]
    return {"blocks": blocks, "answers": rows[0].answers, "run": rows[0].run}


def offers(entity: Entity, user: User) -> dict[str, Any] | None:
    """The golden paths that fit the entity and that the person can see and start."""
    if entity.orphaned_at or not services.may_start(user):
        return None
    seen = Entity.objects.visible_to(user).values("ref")
    releases = [r for r in Release.objects.offered().filter(block_ref__in=seen) if r.startable]
    unknown = services.unknown_groups(releases)
    found = [r for r in releases if r.pk not in unknown and _fits(r, entity)]
    return {"offers": found} if found else None


def _fits(release: Release, entity: Entity) -> bool:
    offer = blocks.golden_path(release).blueprint.offer
    return offer is not None and offering.fits(offer, entity)


def runs(entity: Entity, user: User) -> dict[str, Any] | None:
    """The latest runs that were begun on this page, or that made the entity."""
    seen = Run.objects.visible_to(user).about(entity.ref).select_related("release", "user")
    found = list(seen[: RUNS + 1])
    return {"runs": found[:RUNS], "more": len(found) > RUNS} if found else None


panels.register(panels.Panel("offers", 10, "scaffolder/offers_panel.html", offers))
panels.register(panels.Panel("runs", 35, "scaffolder/runs_panel.html", runs))
panels.register(panels.Panel("lineage", 30, "scaffolder/lineage_panel.html", lineage))
