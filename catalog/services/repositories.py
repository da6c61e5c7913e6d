"""Reads repositories: the tip of the default branch, compared with what was read last."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from catalog import tasks
from catalog.forges import connect
from catalog.models import Location, Repository, Source, lock_until_commit
from catalog.queueing import on_commit
from catalog.reading import DEFAULT_PATH, Commit, File, read_files
from catalog.services.entities import mark_missing, store_reading
from catalog.services.memberships import rebuild_memberships
from catalog.signals import entities_changed, repository_changed
from forge import Forge, ForgeError, ForgeNotFound, Project

log = structlog.get_logger(__name__)


@transaction.atomic
def register(*, project: str, path: str = DEFAULT_PATH, by: User | None) -> Location:
    """Makes a descriptor file known; it is read as soon as a worker is free, and on every push."""
    repository, _ = Repository.objects.get_or_create(path=project)
    location, created = Location.objects.get_or_create(
        repository=repository,
        path=path.strip("/"),
        defaults={"registered_by": by.username if by else ""},
    )
    if created:
        # The same commit must be read again, for the sake of the new file.
        Repository.objects.filter(pk=repository.pk).update(commit="")
        audit.record(by=by, verb="registered", object_type="location", object_id=str(location))
    on_commit(tasks.read_repository, repository.path)
    return location


def read_repository(*, path: str, source: Source | None = None) -> list[str]:
    """Brings the catalogue up to the repository's newest commit; returns the refs that changed.

    Two workers never read one repository at once, so an older commit never overwrites a newer.
    A forge that does not answer changes nothing but the repository's error; it is raised.
    """
    repository, _ = Repository.objects.get_or_create(path=path, defaults={"source": source})
    try:
        with transaction.atomic():
            lock_until_commit(f"repository:{path}")
            repository.refresh_from_db()
            return _read(connect(), repository)
    except ForgeNotFound:
        Repository.objects.filter(pk=repository.pk, missing_since=None).update(
            missing_since=timezone.now(), error="The forge has no such project (or hides it)."
        )
        return []
    except ForgeError as error:
        Repository.objects.filter(pk=repository.pk).update(error=str(error))
        raise


def _read(forge: Forge, repository: Repository) -> list[str]:
    project = forge.project(repository.path)
    tip = _tip(forge, project)
    if tip == repository.commit and not repository.error:
        _note_read(repository, project, tip)
        return []
    roots = {DEFAULT_PATH, *_registered(repository)} if tip else set()
    files = read_files(Commit(forge, project.path, tip), sorted(roots)) if tip else []
    changed = _store(repository, files) if tip else []
    is_new = tip != repository.commit
    _note_read(repository, project, tip)
    if changed:
        if any(ref.startswith(("group:", "user:")) for ref in changed):
            rebuild_memberships()
        audit.record(by=None, verb="read", object_type="repository", object_id=project.path,
                     commit=tip, changed=changed[:100], count=len(changed))  # fmt: skip
        entities_changed.send(sender=Repository, refs=changed)
        log.info("repository read", repository=project.path, commit=tip[:8], changed=len(changed))
    if tip and is_new:
        repository_changed.send(sender=Repository, repository=repository)
    return changed


def _tip(forge: Forge, project: Project) -> str:
    """The newest commit of the default branch; empty while there is none."""
    if not project.default_branch:
        return ""
    try:
        return forge.tip(project.path, project.default_branch).id
    except ForgeNotFound:
        return ""


def _registered(repository: Repository) -> list[str]:
    return list(repository.locations.filter(parent=None).values_list("path", flat=True))


def _store(repository: Repository, files: list[File]) -> list[str]:
    rows = {location.path: location for location in repository.locations.all()}
    changed: list[str] = []
    for file in files:
        location = rows.get(file.path)
        if file.reading is None:
            changed += mark_missing(location=location) if location else []
            continue
        if location is None:
            parent = rows[file.parent] if file.parent else None
            location = rows[file.path] = repository.locations.create(path=file.path, parent=parent)
        changed += store_reading(location=location, reading=file.reading)
    read = {file.path for file in files}
    for path, location in rows.items():
        if path not in read:  # no file names it any more
            changed += mark_missing(location=location)
    return changed


def _note_read(repository: Repository, project: Project, tip: str) -> None:
    repository.commit = tip
    repository.default_branch = project.default_branch
    repository.last_activity_at = project.last_activity_at
    repository.read_at = timezone.now()
    repository.missing_since = None
    repository.error = ""
    repository.save()
