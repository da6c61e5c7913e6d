"""Stores groups and people that the forge itself knows, beside those that descriptors define."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import audit
from catalog import forges
from catalog.descriptor import Reading
from catalog.models import Repository, Source, lock_until_commit
from catalog.services.entities import store_reading
from catalog.services.memberships import rebuild_memberships
from catalog.signals import entities_changed


@transaction.atomic
def store_organisation(*, source: Source, reading: Reading) -> list[str]:
    """Brings the source's entities up to what the forge said; who left becomes an orphan.

    One that is not valid keeps its last good version, but does not keep the others from leaving.
    """
    path = forges.organisation_path(source.group)
    lock_until_commit(f"repository:{path}")
    repository, _ = Repository.objects.get_or_create(path=path, defaults={"source": source})
    location, _ = repository.locations.get_or_create(path=forges.MEMBERS_PAGE)
    changed = store_reading(location=location, reading=reading)
    Repository.objects.filter(pk=repository.pk).update(
        source=source, read_at=timezone.now(), error="", missing_since=None
    )
    if changed:
        rebuild_memberships()
        audit.record(by=None, verb="read", object_type="repository", object_id=path,
                     changed=changed[:100], count=len(changed))  # fmt: skip
        entities_changed.send(sender=Repository, refs=changed)
    return changed
