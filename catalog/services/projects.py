"""What a listing of projects says about repositories: new, changed, renamed, gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import audit
from catalog.forges import connect
from catalog.models import Repository, Source
from catalog.services.entities import stitch_location_entities
from forge import Forge, ForgeNotFound, Project

# GitLab writes last_activity_at at most once an hour: a young one says nothing about later pushes.
STALE_ACTIVITY = timedelta(hours=2)


def note_projects(source: Source, projects: Sequence[Project]) -> list[str]:
    """Makes rows for new projects; returns the paths whose content may be newer than ours."""
    follow(projects)
    known = {
        row.path: row for row in Repository.objects.filter(path__in=[p.path for p in projects])
    }
    Repository.objects.bulk_create(
        [
            Repository(path=p.path, source=source, forge_id=p.id)
            for p in projects
            if p.path not in known
        ],
        ignore_conflicts=True,
    )
    return [p.path for p in projects if _may_differ(known.get(p.path), p)]


def note_gone(source: Source, projects: Sequence[Project]) -> None:
    """What the listing lacks and the forge does not know by name either, or has archived.

    A project that is deleted while pages are listed by offset moves another off its page.
    """
    listed = {project.path for project in projects}
    missing = source.repositories.exclude(path__in=listed).filter(missing_since=None)
    forge = connect()
    paths = [path for path in missing.values_list("path", flat=True) if _is_gone(forge, path)]
    gone = source.repositories.filter(path__in=paths)
    gone.update(missing_since=timezone.now(), error="The source no longer lists this project.")


def _is_gone(forge: Forge, path: str) -> bool:
    try:
        project = forge.project(path)
    except ForgeNotFound:
        return True
    return project.archived or project.path != path


def follow(projects: Sequence[Project]) -> None:
    """Repositories whose project has another path now keep all they hold: the row is renamed."""
    by_id = {project.id: project.path for project in projects}
    for row in Repository.objects.filter(forge_id__in=by_id):
        if row.path != by_id[row.forge_id or 0]:
            _rename(row, by_id[row.forge_id or 0])


@transaction.atomic
def _rename(row: Repository, path: str) -> None:
    """Leaves it alone where the new path holds entities already: then nothing may be merged."""
    other = Repository.objects.filter(path=path)
    if other.filter(locations__isnull=False).exists():
        return
    other.delete()
    Repository.objects.filter(pk=row.pk).update(path=path, missing_since=None, commit="")
    audit.record(by=None, verb="renamed", object_type="repository", object_id=path, before=row.path)
    stitch_location_entities(locations=row.locations.all())


def _may_differ(row: Repository | None, project: Project) -> bool:
    return (
        row is None
        or bool(row.error)
        or row.missing_since is not None
        or row.last_activity_at != project.last_activity_at
        or project.last_activity_at > timezone.now() - STALE_ACTIVITY
    )
