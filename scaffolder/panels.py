"""The lineage panel of an entity's page: which releases and answers made its repository."""

from typing import Any

from accounts.models import User
from catalog import panels
from catalog.models import Entity
from scaffolder.models import Lineage, Release


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


panels.register(panels.Panel("lineage", 30, "scaffolder/lineage_panel.html", lineage))
