"""Locations by hand: what a file would bring, taking one out, reading again, removing an entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
from catalog import forges, rules, tasks
from catalog.descriptor import Parsed, Problem, Reading
from catalog.forges import connect
from catalog.models import (
    STITCHING,
    Entity,
    Location,
    Relation,
    Repository,
    Revision,
    lock_until_commit,
)
from catalog.queueing import on_commit
from catalog.reading import DEFAULT_PATH, Commit, File, is_trusted, read_files
from catalog.services.entities import mark_missing, stitch_neighbours
from catalog.services.history import note_removal
from catalog.services.repositories import register
from catalog.signals import entities_changed
from forge import ForgeNotFound


@dataclass(frozen=True, slots=True)
class Preview:
    """What registering a file would bring; nothing is written."""

    found: bool
    branch: str = ""
    files: tuple[File, ...] = ()

    @property
    def readings(self) -> list[tuple[str, Reading]]:
        return [(file.path, file.reading) for file in self.files if file.reading is not None]

    @property
    def entities(self) -> list[Parsed]:
        return [parsed for _, reading in self.readings for parsed in reading.entities]

    @property
    def problems(self) -> list[Problem]:
        return [problem for _, reading in self.readings for problem in reading.problems]


def preview(*, project: str, path: str, by: User) -> Preview:
    """Reads a file, and what it leads to, at the tip of the default branch. Raises ForgeError."""
    forge = connect()
    try:
        about = forge.project(project)
        if not may_see_project(about.visibility, by) or not about.default_branch:
            return Preview(found=False)
        tip = forge.tip(about.path, about.default_branch).id
    except ForgeNotFound:
        return Preview(found=False)
    trusted = is_trusted(about.path, settings.TRUSTED_REPOSITORIES)
    files = read_files(
        Commit(forge, about.path, tip), [path or DEFAULT_PATH], trusted=trusted,
        allow=rules.parse(settings.CATALOG_RULES), branch=about.default_branch,
    )  # fmt: skip
    found = any(file.reading is not None for file in files)
    return Preview(found=found, branch=about.default_branch, files=tuple(files))


def may_see_project(visibility: str, by: User) -> bool:
    """The portal's token sees more than people do: private projects are for those who run it."""
    return visibility != "private" or by.sees_everything


def may_remove_location(location: Location, by: User) -> bool:
    in_a_file = not forges.is_organisation(location.repository.path)
    return in_a_file and (Role.PLATFORM in by.roles or location.registered_by == by.username)


def may_remove_entity(entity: Entity, by: User) -> bool:
    return Role.PLATFORM in by.roles or entity.owner_ref in by.group_refs | {by.entity_ref}


@transaction.atomic
def remove_location(*, location: Location, by: User) -> list[str]:
    """Takes a file out: it is not read any more, and its entities become orphans.

    Registering the file again brings them back. For who registered it and platform engineers.
    """
    if not may_remove_location(location, by):
        raise PermissionDenied(
            "Only who registered a location, or a platform engineer, removes it."
        )
    changed: list[str] = []
    todo = [location]
    while todo:
        file = todo.pop()
        todo += file.children.select_related("repository")
        changed += mark_missing(location=file)
    Location.objects.filter(pk=location.pk).update(removed_at=timezone.now())
    audit.record(by=by, verb="removed", object_type="location", object_id=str(location),
                 entities=changed[:100])  # fmt: skip
    if changed:
        entities_changed.send(sender=Repository, refs=changed)
    return changed


@transaction.atomic
def move_location(
    *, location: Location, project: str, path: str, branch: str = "", by: User
) -> Location:
    """Takes a file out and registers another one in its stead."""
    remove_location(location=location, by=by)
    return register(project=project, path=path, branch=branch, by=by)


@transaction.atomic
def remove_entity(*, entity: Entity, by: User) -> None:
    """Removes an entity at once; if its file still describes it, reading brings it back."""
    if not may_remove_entity(entity, by):
        raise PermissionDenied("Only the owners of an entity, or a platform engineer, remove it.")
    location = entity.location
    take_out(entity=entity, by=by)
    Location.objects.filter(pk=location.pk).update(digest="")
    refresh(repository=location.repository, by=by)


def take_out(*, entity: Entity, by: User | None) -> None:
    """Deletes the row, and makes its neighbours' answers anew. Call it in a transaction."""
    lock_until_commit(STITCHING)
    edges = Relation.objects.filter(declared_by=entity).values_list("source_ref", flat=True)
    neighbours = set(edges) - {entity.ref}
    hiding = Relation.objects.filter(target_ref=entity.ref) if entity.private else None
    neighbours |= set(hiding.values_list("source_ref", flat=True)) if hiding else set()
    audit.record(by=by, verb="removed", object_type="entity", object_id=entity.ref,
                 descriptor=entity.descriptor)  # fmt: skip
    note_removal(entity=entity, by=by)
    entity.delete()
    stitch_neighbours(refs=neighbours)
    Revision.objects.advance()


@transaction.atomic
def refresh(*, repository: Repository, by: User | None) -> None:
    """Has a repository read again, although its commit may be known."""
    Repository.objects.filter(pk=repository.pk).update(commit="")
    audit.record(by=by, verb="asked to read", object_type="repository", object_id=repository.path)
    on_commit(tasks.read_repository, repository.path)


def answer_of(parsed: Parsed, url: str) -> dict[str, Any]:
    """An entity that is not stored, as the API shows it in a dry run."""
    metadata = dict(parsed.entity["metadata"])
    metadata.setdefault("namespace", "default")
    metadata["annotations"] = {
        "backstage.io/managed-by-location": f"url:{url}",
        "backstage.io/managed-by-origin-location": f"url:{url}",
        **(metadata.get("annotations") or {}),
    }
    return {**parsed.entity, "metadata": metadata}
