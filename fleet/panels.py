"""The fleet's panel on an entity's page: its campaigns, or for a block its releases."""

from typing import Any

from accounts.models import User
from catalog import panels
from catalog.models import Entity
from fleet.models import Target
from scaffolder.models import Release


def campaigns(entity: Entity, user: User) -> dict[str, Any] | None:
    is_block = entity.kind in ("template", "aspect")
    if is_block:
        known = Release.objects.filter(block_ref=entity.ref).exists()
        return {"block": entity.ref, "targets": []} if known else None
    rows = Target.objects.visible_to(user).filter(entity_ref=entity.ref)
    targets = list(rows.select_related("campaign").order_by("-campaign__created_at")[:5])
    return {"targets": targets} if targets else None


panels.register(panels.Panel("campaigns", 40, "fleet/panel.html", campaigns))
