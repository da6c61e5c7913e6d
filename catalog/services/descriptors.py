"""A descriptor for a repository that has none: a merge request, as an edit is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import Role, User
from catalog import refs
from catalog.editing import CannotEdit, document
from catalog.forges import connect
from catalog.models import Entity, Proposal, lock_until_commit
from catalog.reading import DEFAULT_PATH
from catalog.relations import owner_ref
from catalog.services.proposals import ask, says_so
from forge import Change, ForgeNotFound, Project

NO_PROJECT = "The forge has no project {}."


def bare_project(*, path: str, by: User) -> Project:
    """The forge's project, if the person may describe it. Raises ForgeError, CannotEdit.

    A private one is for platform engineers: to others it is as if it did not exist.
    """
    forge = connect()
    try:
        project = forge.project(path)
    except ForgeNotFound:
        raise ForgeNotFound(NO_PROJECT.format(path)) from None
    if project.visibility == "private" and Role.PLATFORM not in by.roles:
        raise ForgeNotFound(NO_PROJECT.format(path))
    if project.empty or not project.default_branch:
        raise CannotEdit("The project is empty: a descriptor needs a first commit to stand on.")
    try:
        forge.file(project.path, DEFAULT_PATH, project.default_branch)
    except ForgeNotFound:
        return project
    raise CannotEdit(f"The project has a {DEFAULT_PATH} already: edit that one.")


@transaction.atomic
def propose_descriptor(*, project: str, entity: Mapping[str, Any], by: User) -> Proposal:
    """Commits the descriptor to a branch and opens a merge request; safe to repeat.

    For platform engineers, and for members of the group that is to own it.
    Raises ForgeError, CannotEdit.
    """
    if not may_propose(entity, by):
        raise PermissionDenied("Only members of the owning group, or a platform engineer, do this.")
    found = bare_project(path=project, by=by)
    ref = str(refs.of_entity(dict(entity)))
    lock_until_commit(f"descriptor:{found.path}")
    if Entity.objects.filter(ref=ref).exists():
        raise CannotEdit(f"The name {ref} is taken.")
    content = document(entity).encode()
    digest = hashlib.sha256(f"{by.pk}\n".encode() + content).hexdigest()[:10]
    branch = f"bespoke/create-{str(entity['kind']).lower()}-{digest}"
    change = Change("create", DEFAULT_PATH, content)
    title = f"Describe {entity['metadata']['name']} for the catalogue"
    forge = connect()
    if not says_so(forge, found.path, branch, change):
        forge.commit(
            found.path, branch=branch, start_branch=found.default_branch, changes=[change],
            author=(by.display_name, by.email) if by.email else None,
            message=f"{title}\n\nBespoke-Create: {ref} by {by.username}",
        )  # fmt: skip
    return ask(
        project=found.path, path=DEFAULT_PATH, ref=ref, branch=branch, title=title,
        target=found.default_branch, fields="nothing: it adds a descriptor", by=by,
    )  # fmt: skip


def may_propose(entity: Mapping[str, Any], by: User) -> bool:
    owner = owner_ref(dict(entity))
    return Role.PLATFORM in by.roles or owner in by.group_refs | {by.entity_ref}
