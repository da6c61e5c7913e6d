"""The verbs of the catalogue: every write to repositories, locations, entities and deliveries."""

from catalog.services.deliveries import handle_delivery, receive_delivery
from catalog.services.entities import stitch_everything
from catalog.services.locations import (
    move_location,
    preview,
    refresh,
    remove_entity,
    remove_location,
)
from catalog.services.memberships import rebuild_memberships
from catalog.services.orphans import keep_orphan, release_orphan, remove_orphans
from catalog.services.proposals import (
    check_proposals,
    may_edit,
    propose_edit,
    read_draft,
)
from catalog.services.repositories import may_register, read_repository, register
from catalog.services.sources import (
    add_source,
    may_manage_sources,
    pause_source,
    read_source,
    remove_source,
)

__all__ = [
    "add_source",
    "check_proposals",
    "handle_delivery",
    "keep_orphan",
    "may_edit",
    "may_manage_sources",
    "may_register",
    "move_location",
    "pause_source",
    "preview",
    "propose_edit",
    "read_draft",
    "read_repository",
    "read_source",
    "rebuild_memberships",
    "receive_delivery",
    "refresh",
    "register",
    "release_orphan",
    "remove_entity",
    "remove_location",
    "remove_orphans",
    "remove_source",
    "stitch_everything",
]
