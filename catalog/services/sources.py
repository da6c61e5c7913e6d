"""Sources: the forge groups in which the catalogue looks for repositories."""

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
from catalog.models import Repository, Source, try_lock_until_commit
from catalog.queueing import on_commit
from forge import Forge, ForgeError, ForgeNotFound, Project

log = structlog.get_logger(__name__)

# GitLab writes last_activity_at at most once an hour: a young one says nothing about later pushes.
STALE_ACTIVITY = timedelta(hours=2)


@transaction.atomic
def add_source(*, group: str, by: User | None) -> Source:
    """Makes a forge group a source and reads it at once. For platform engineers."""
    if by is not None and Role.PLATFORM not in by.roles:
        raise PermissionDenied("Only platform engineers can add a source.")
    source, created = Source.objects.get_or_create(group=group.strip("/"))
    if created:
        audit.record(by=by, verb="added", object_type="source", object_id=source.group)
    on_commit(tasks.read_source, source.pk)
    on_commit(tasks.connect_hooks)
    return source


def request_reading(*, source: Source, by: User) -> None:
    """Has a worker list the source now. For platform engineers."""
    if Role.PLATFORM not in by.roles:
        raise PermissionDenied("Only platform engineers can have a source read.")
    audit.record(by=by, verb="asked to read", object_type="source", object_id=source.group)
    on_commit(tasks.read_source, source.pk)


def read_source(*, source: Source, wait: bool = False) -> list[str]:
    """Lists the group's projects and has the changed ones read; returns their paths.

    A listing that breaks off changes nothing but the source's error. With `wait` the
    repositories are read here, one after the other, instead of by tasks.
    """
    with transaction.atomic():
        if not try_lock_until_commit(f"source:{source.pk}"):
            return []
        try:
            projects = list(connect().group_projects(source.group))
        except ForgeError as error:
            Source.objects.filter(pk=source.pk).update(error=str(error))
            return []
        changed = _note_projects(source, projects)
        try:
            _note_gone(source, _really_gone(source, projects))
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
    for source in Source.objects.filter(error="").exclude(read_at=None):
        try:
            since = timezone.now() - STALE_ACTIVITY
            projects = list(connect().changed_projects(source.group, since))
        except ForgeError as error:
            log.warning("the forge does not tell what changed", reason=str(error))
            continue
        changed.update(_note_projects(source, projects))
    for path in sorted(changed):
        on_commit(tasks.read_repository, path)
    return sorted(changed)


def _note_projects(source: Source, projects: list[Project]) -> list[str]:
    """Makes rows for new projects; returns the paths whose content may be newer than ours."""
    known = {
        row.path: row for row in Repository.objects.filter(path__in=[p.path for p in projects])
    }
    Repository.objects.bulk_create(
        [Repository(path=p.path, source=source) for p in projects if p.path not in known],
        ignore_conflicts=True,
    )
    return [p.path for p in projects if _may_differ(known.get(p.path), p)]


def _really_gone(source: Source, projects: list[Project]) -> list[str]:
    """What the listing lacks and the forge does not know by name either, or has archived.

    A project that is deleted while pages are listed by offset moves another off its page.
    """
    listed = {project.path for project in projects}
    missing = source.repositories.exclude(path__in=listed).filter(missing_since=None)
    forge = connect()
    return [path for path in missing.values_list("path", flat=True) if _is_gone(forge, path)]


def _is_gone(forge: Forge, path: str) -> bool:
    try:
        project = forge.project(path)
    except ForgeNotFound:
        return True
    return project.archived or project.path != path


def _note_gone(source: Source, paths: list[str]) -> None:
    gone = source.repositories.filter(path__in=paths)
    gone.update(missing_since=timezone.now(), error="The source no longer lists this project.")


def _may_differ(row: Repository | None, project: Project) -> bool:
    return (
        row is None
        or bool(row.error)
        or row.missing_since is not None
        or row.last_activity_at != project.last_activity_at
        or project.last_activity_at > timezone.now() - STALE_ACTIVITY
    )


def connect_hooks() -> list[str]:
    """Asks the forge to tell the portal of pushes and merge requests; returns what failed."""
    failed = []
    for source in Source.objects.all():
        try:
            connect().ensure_group_hook(
                source.group,
                url=f"{settings.PUBLIC_URL}/webhooks/gitlab/",
                signing_token=settings.WEBHOOK_SECRET,
            )
        except ForgeError as error:
            failed.append(str(error))
    return failed
