"""Sources: where the catalogue looks for entities; see catalog.sources for what each kind does."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
from catalog import tasks
from catalog.forges import connect
from catalog.models import Source, try_lock_until_commit
from catalog.queueing import on_commit
from catalog.services.projects import STALE_ACTIVITY, note_projects
from catalog.sources import kinds
from forge import ForgeError

log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=10)  # as in CELERY_BEAT_SCHEDULE


def may_manage_sources(user: User) -> bool:
    return Role.PLATFORM in user.roles


def _check(by: User | None) -> None:
    if by is not None and not may_manage_sources(by):
        raise PermissionDenied("Only platform engineers manage sources.")


def _note(by: User | None, verb: str, source: Source) -> None:
    audit.record(by=by, verb=verb, object_type="source", object_id=source.group, kind=source.kind)


@transaction.atomic
def add_source(*, group: str, kind: str = "group", by: User | None) -> Source:
    """Makes a place a source and reads it at once. Raises ValueError for what is no place."""
    _check(by)
    place = kinds()[kind].tidy(group)
    source, created = Source.objects.get_or_create(group=place, kind=kind)
    if created:
        _note(by, "added", source)
    on_commit(tasks.read_source, source.pk)
    on_commit(tasks.connect_hooks)
    return source


@transaction.atomic
def request_reading(*, source: Source, by: User) -> None:
    """Has a worker read the source now."""
    _check(by)
    _note(by, "asked to read", source)
    on_commit(tasks.read_source, source.pk)


@transaction.atomic
def pause_source(*, source: Source, by: User, paused: bool) -> None:
    """A paused source is not read; what came from it stays, and pushes to it are still read."""
    _check(by)
    rows = Source.objects.filter(pk=source.pk, paused_at__isnull=paused)
    if rows.update(paused_at=timezone.now() if paused else None):
        _note(by, "paused" if paused else "resumed", source)
        if not paused:
            on_commit(tasks.read_source, source.pk)


@transaction.atomic
def remove_source(*, source: Source, by: User) -> None:
    """Nothing more is looked for there. What came from it stays; adding it again is the undo."""
    _check(by)
    _note(by, "removed", source)
    Source.objects.filter(pk=source.pk).delete()


def read_source(*, source: Source, wait: bool = False) -> list[str]:
    """Reads the place and has its changed repositories read; returns their paths.

    A question to the forge that has no answer changes nothing but the source's error. With `wait`
    the repositories are read here, one after the other, instead of by tasks.
    """
    with transaction.atomic():
        if not try_lock_until_commit(f"source:{source.pk}"):
            return []
        try:
            with transaction.atomic():
                changed = kinds()[source.kind].read(source)
        except ForgeError as error:
            Source.objects.filter(pk=source.pk).update(error=str(error))
            return []
        Source.objects.filter(pk=source.pk).update(read_at=timezone.now(), error="")
        if not wait:
            for path in changed:
                on_commit(tasks.read_repository, path)
    if wait:
        from catalog.services.repositories import read_repository

        for path in changed:
            read_repository(path=path)
    return changed


def read_changes() -> list[str]:
    """Has the lately changed projects of all sources read; returns their paths.

    Sources that were never listed in full are left to `read_source`, as is what is gone.
    """
    changed: set[str] = set()
    for source in Source.objects.active().filter(kind="group", error="").exclude(read_at=None):
        try:
            since = timezone.now() - STALE_ACTIVITY
            projects = list(connect().changed_projects(source.group, since))
        except ForgeError as error:
            log.warning("the forge does not tell what changed", reason=str(error))
            continue
        changed.update(note_projects(source, projects))
    for path in sorted(changed):
        on_commit(tasks.read_repository, path)
    return sorted(changed)


def connect_hooks() -> list[str]:
    """Asks the forge to tell the portal of pushes and merge requests; returns what failed."""
    failed = []
    for source in Source.objects.active().filter(kind="group"):
        try:
            connect().ensure_group_hook(
                source.group,
                url=f"{settings.PUBLIC_URL}/webhooks/gitlab/",
                signing_token=settings.WEBHOOK_SECRET,
            )
        except ForgeError as error:
            failed.append(str(error))
    return failed
