"""The verbs of the catalogue: every write to repositories, locations, entities and deliveries."""

from catalog.services.deliveries import handle_delivery, receive_delivery
from catalog.services.memberships import rebuild_memberships
from catalog.services.repositories import read_repository, register
from catalog.services.sources import add_source, read_source

__all__ = [
    "add_source",
    "handle_delivery",
    "read_repository",
    "read_source",
    "rebuild_memberships",
    "receive_delivery",
    "register",
]
