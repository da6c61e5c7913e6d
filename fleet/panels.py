"""The fleet's panels on an entity's page: its campaigns, or for a block its releases; and how to
adopt what has no lineage."""

from typing import Any

from accounts.models import User
from catalog import panels
from catalog.models import Entity
from fleet.models import Target
from fleet.services.rights import may_manage
from scaffolder.models import Lineage, Release


def campaigns(entity: Entity, user: User) -> dict[str, Any] | None:
    is_block = entity.kind in ("template", "aspect")
    if is_block:
        known = Release.objects.filter(block_ref=entity.ref).exists()
        return {"block": entity.ref, "targets": []} if known else None
    rows = Target.objects.visible_to(user).filter(entity_ref=entity.ref)
    targets = list(rows.select_related("campaign").order_by("-campaign__created_at")[:5])
    return {"targets": targets} if targets else None


def no_lineage(entity: Entity, user: User) -> dict[str, Any] | None:
    if entity.kind != "component" or not may_manage(user):
        return None
    known = Lineage.objects.filter(repository=entity.location.repository.path).exists()
    return None if known else {"entity": entity}


panels.register(panels.Panel("adopt", 35, "fleet/adopt_panel.html", no_lineage))
panels.register(panels.Panel("campaigns", 40, "fleet/panel.html", campaigns))
