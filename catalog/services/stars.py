"""Stars: what a person wants at hand. Nobody else sees them."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.models import User
from catalog.models import Entity, Star


@transaction.atomic
def set_star(*, entity: Entity, starred: bool, by: User) -> None:
    """Puts a star on, or takes it off; doing so twice is doing it once."""
    if starred:
        _, changed = Star.objects.get_or_create(user=by, ref=entity.ref)
    else:
        changed = bool(Star.objects.filter(user=by, ref=entity.ref).delete()[0])
    if changed:
        verb = "starred" if starred else "unstarred"
        audit.record(by=by, verb=verb, object_type="entity", object_id=entity.ref)
