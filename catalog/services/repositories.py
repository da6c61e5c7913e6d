"""Reads repositories: the tip of the default branch, compared with what was read last."""

from __future__ import annotations

from functools import cache

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
from catalog import forges, rules, tasks
from catalog.forges import connect
from catalog.models import Location, Repository, Source, lock_until_commit
from catalog.queueing import on_commit
from catalog.reading import DEFAULT_PATH, Commit, File, is_trusted, read_files
from catalog.services.entities import mark_missing, stitch_location_entities, store_readings
from catalog.services.history import CommitOf
from catalog.services.memberships import rebuild_memberships
from catalog.services.projects import follow
from catalog.signals import entities_changed, repository_changed
from forge import Commit as ForgeCommit
from forge import Forge, ForgeError, ForgeNotFound, Project

log = structlog.get_logger(__name__)
MAX_ASKED = 20
MISSING = "The forge has no such project, or hides it. Its entities are kept."


def may_register(user: User) -> bool:
    return not user.roles.isdisjoint({Role.DEVELOPER, Role.PLATFORM})


@transaction.atomic
def register(
    *, project: str, path: str = DEFAULT_PATH, branch: str = "", by: User | None
) -> Location:
    """Makes a descriptor file known; it is read as soon as a worker is free, and on every push.

    `branch`: the default one, where it is known; the file's address names it.
    """
    if by is not None and not may_register(by):
        raise PermissionDenied("Only developers and platform engineers register files.")
    repository, _ = Repository.objects.get_or_create(
        path=project, defaults={"default_branch": branch}
    )
    location, created = Location.objects.get_or_create(
        repository=repository,
        path=path.strip("/"),
        defaults={"registered_by": by.username if by else ""},
    )
    if location.removed_at:
        Location.objects.filter(pk=location.pk).update(removed_at=None, digest="")
    if created or location.removed_at:
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
    if forges.is_organisation(path):
        _read_organisation(path)
        return []
    repository, _ = Repository.objects.get_or_create(path=path, defaults={"source": source})
    row = Repository.objects.filter(pk=repository.pk)
    forge = connect()
    try:
        with transaction.atomic():
            lock_until_commit(f"repository:{path}")
            repository.refresh_from_db()
            try:
                project = forge.project(path)
            except ForgeNotFound:
                if moved_to := _moved_to(forge, repository):
                    follow([moved_to])
                    on_commit(tasks.read_repository, moved_to.path)
                    return []
                row.update(error=MISSING)
                row.filter(missing_since=None).update(missing_since=timezone.now())
                return []
            if project.path != path:  # the forge leads from the old path to the new one
                follow([project])
                on_commit(tasks.read_repository, project.path)
                return []
            return _read(forge, repository, project)
    except ForgeError as error:
        row.update(error=str(error))
        raise
    except Exception as error:
        row.update(error=f"Unexpected error while reading ({type(error).__name__}); see the log.")
        raise


def _moved_to(forge: Forge, repository: Repository) -> Project | None:
    """The project under the path that it has now, if the forge still has it."""
    if repository.forge_id is None:
        return None
    try:
        found = forge.project(repository.forge_id)
    except ForgeNotFound:
        return None
    return found if found.path != repository.path else None


def _read_organisation(path: str) -> None:
    from catalog.services.sources import read_source

    for source in Source.objects.active().filter(repositories__path=path):
        read_source(source=source)


def _read(forge: Forge, repository: Repository, project: Project) -> list[str]:
    tip = _tip(forge, project)
    if tip == repository.commit and not repository.error:
        _note_read(repository, project, tip)
        return []
    roots = _roots(repository) if tip else set()
    trusted = is_trusted(project.path, settings.TRUSTED_REPOSITORIES)
    commit = Commit(forge, project.path, tip)
    known = repository.locations.text_digests()
    files = read_files(
        commit, sorted(roots), trusted=trusted, known=known,
        allow=rules.parse(settings.CATALOG_RULES), branch=project.default_branch,
    ) if tip else []  # fmt: skip
    moved = bool(repository.default_branch) and repository.default_branch != project.default_branch
    repository.default_branch = project.default_branch  # the addresses of files name it
    changed = _store(repository, files, _commit_of(forge, repository, tip)) if tip else []
    if moved:
        stitch_location_entities(locations=repository.locations.all())
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


def _roots(repository: Repository) -> set[str]:
    """The files to begin at: the usual one and those that were registered, but none taken out."""
    paths = dict(repository.locations.filter(parent=None).values_list("path", "removed_at"))
    return {path for path in {DEFAULT_PATH, *paths} if paths.get(path) is None}


def _commit_of(forge: Forge, repository: Repository, tip: str) -> CommitOf:
    """Asks which commit made a file what it is: the forge is asked only for files that changed.

    It is not asked for each of hundreds: the tip stands for them then, as it does the first time.
    """
    newest = cache(lambda: forge.commit_of(repository.path, tip))
    turns = iter(range(MAX_ASKED if repository.commit else 0))

    def find(location: Location) -> ForgeCommit | None:
        if next(turns, None) is None:
            return newest()
        return forge.last_commit(repository.path, location.path, tip) or newest()

    return find


def _store(repository: Repository, files: list[File], commit_of: CommitOf) -> list[str]:
    rows = {location.path: location for location in repository.locations.all()}
    found = {file.path for file in files if file.reading or file.unchanged}
    changed: list[str] = []
    broken = {file.path for file in files if file.reading and file.reading.problems}
    for path, location in rows.items():
        if _is_below(location, broken):
            continue  # a file that cannot be read may name it still
        if path not in found:  # it is gone, or no file names it any more
            changed += mark_missing(location=location, commit_of=commit_of)
    readings = []
    for file in files:
        if file.reading is None:
            continue
        if file.path not in rows:
            parent = rows[file.parent] if file.parent else None
            rows[file.path] = repository.locations.create(path=file.path, parent=parent)
        rows[file.path].text_digest = file.text_digest
        readings.append((rows[file.path], file.reading))
    Location.objects.filter(pk__in=[rows[f.path].pk for f in files if f.unchanged]).update(
        read_at=timezone.now()
    )
    changed += store_readings(readings=readings, commit_of=commit_of)
    return list(dict.fromkeys(changed))


def _is_below(location: Location, broken: set[str]) -> bool:
    parent = location.parent
    return parent is not None and (parent.path in broken or _is_below(parent, broken))


def _note_read(repository: Repository, project: Project, tip: str) -> None:
    repository.commit, repository.forge_id = tip, project.id
    repository.default_branch = project.default_branch
    repository.last_activity_at = project.last_activity_at
    repository.read_at = timezone.now()
    repository.missing_since = None
    repository.error = ""
    repository.save()
