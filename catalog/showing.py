"""The catalogue's own panels of an entity's page, and gaps of what a group owns."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from catalog import panels
from catalog.models import Entity, Proposal

MOST_PARTS = 200


def proposals(entity: Entity, user: User) -> dict[str, Any] | None:
    found = list(Proposal.objects.open().of_entity(entity))
    return {"proposals": found} if found else None


def parts(entity: Entity, user: User) -> dict[str, Any] | None:
    """What a system or a domain consists of, by kind."""
    if entity.kind not in ("system", "domain"):
        return None
    found = Entity.objects.visible_to(user).parts_of(entity.ref).without_texts()
    rows = list(found.order_by("kind", "name")[: MOST_PARTS + 1])
    owners = Entity.objects.visible_to(user).filter(ref__in={row.owner_ref for row in rows})
    titles = dict(owners.values_list("ref", "title"))
    return {"parts": rows[:MOST_PARTS], "more": len(rows) > MOST_PARTS, "titles": titles}


panels.register(panels.Panel("proposals", 5, "catalog/proposals_panel.html", proposals))
panels.register(panels.Panel("parts", 10, "catalog/parts_panel.html", parts))

for gap in (
    panels.Gap("problems", 10, "Problems", lambda found, user: found.with_problems(user)),
    panels.Gap("dangling", 20, "Unknown names", lambda found, _: found.naming_unknown()),
    panels.Gap("orphans", 30, "No longer declared", lambda found, _: found.orphans()),
    panels.Gap("undescribed", 40, "No description", lambda found, _: found.filter(description="")),
):
    panels.register_gap(gap)
