"""facts.catalogue: what the catalogue itself knows about an entity and its owner."""

from typing import Any

from catalog.models import Entity, Relation
from scorecards.facts import collector


@collector("catalogue")
def catalogue(entity: Entity) -> dict[str, Any]:
    owner = Entity.objects.filter(ref=entity.owner_ref, orphaned_at=None).first()
    members = Relation.objects.filter(source_ref=entity.owner_ref, type="hasMember")
    relations = Relation.objects.filter(source_ref=entity.ref).distinct_edges()
    return {
        "owner": entity.owner_ref,
        "ownerExists": owner is not None,
        "ownerMembers": len(set(members.values_list("target_ref", flat=True))),
        "relations": sorted({relation.type for relation in relations}),
    }
