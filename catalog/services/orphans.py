"""Orphans: what no file declares any more stays for a time of grace, or while one wants it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import audit
from accounts.models import User
from catalog.models import Entity, Repository
from catalog.services.locations import may_remove_entity, take_out
from catalog.services.memberships import rebuild_memberships
from catalog.signals import entities_changed

BATCH = 200


def grace() -> timedelta:
    return timedelta(days=settings.ORPHAN_GRACE_DAYS)


def keep_orphan(*, entity: Entity, by: User) -> None:
    """The entity stays although no file declares it. For its owners and platform engineers."""
    _set_kept(entity, by, kept=True)


def release_orphan(*, entity: Entity, by: User) -> None:
    """Takes `keep_orphan` back: the entity goes when its time of grace is over."""
    _set_kept(entity, by, kept=False)


@transaction.atomic
def _set_kept(entity: Entity, by: User, *, kept: bool) -> None:
    if not may_remove_entity(entity, by):
        raise PermissionDenied("Only the owners of an entity, or a platform engineer, decide this.")
    rows = Entity.objects.filter(pk=entity.pk, kept=not kept).exclude(orphaned_at=None)
    if rows.update(kept=kept):
        verb = "kept" if kept else "let go"
        audit.record(by=by, verb=verb, object_type="entity", object_id=entity.ref)


def remove_orphans(*, now: datetime) -> list[str]:
    """Removes the orphans whose time of grace is over; returns their refs."""
    gone: list[str] = []
    due = Entity.objects.abandoned(now - grace()).order_by("orphaned_at")
    for pk in list(due.values_list("pk", flat=True)[:BATCH]):
        gone += _remove(pk, now)
    if any(ref.startswith(("group:", "user:")) for ref in gone):
        rebuild_memberships()
    return gone


@transaction.atomic
def _remove(pk: int, now: datetime) -> list[str]:
    """One at a time, and only if it is an orphan still: its file may have come back meanwhile."""
    still = Entity.objects.abandoned(now - grace()).select_for_update(skip_locked=True)
    entity = still.filter(pk=pk).first()
    if entity is None:
        return []
    ref = entity.ref
    take_out(entity=entity, by=None)
    entities_changed.send(sender=Repository, refs=[ref])
    return [ref]
