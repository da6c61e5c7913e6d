"""Changes of descriptors that people ask for in a form: each becomes a merge request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import audit
from accounts.models import Role, User
from catalog import forges
from catalog.editing import CannotEdit, Path, edit
from catalog.forges import connect
from catalog.models import Entity, Proposal, lock_until_commit
from forge import Change, Forge, ForgeConflict, ForgeNotFound, ForgeRefused, ForgeUnavailable

CHECKED_AT_ONCE = 50
MEANWHILE = "The descriptor has changed meanwhile: open the form again, it shows what is new."


class Outdated(CannotEdit):
    """Somebody else changed the file since the form was opened."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The file that a form edits: of the default branch, or of the person's open proposal."""

    text: str
    last_commit: str
    target: str
    proposal: Proposal | None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def may_edit(entity: Entity, by: User) -> bool:
    mine = entity.owner_ref in by.group_refs | {by.entity_ref}
    in_a_file = not forges.is_organisation(entity.location.repository.path)
    return entity.orphaned_at is None and in_a_file and (mine or Role.PLATFORM in by.roles)


def _check(entity: Entity, by: User) -> None:
    if not may_edit(entity, by):
        raise PermissionDenied("Only the owners of an entity, or a platform engineer, edit it.")


def read_draft(*, entity: Entity, by: User) -> Draft:
    """Reads the file as it is now. Raises ForgeError, CannotEdit."""
    _check(entity, by)
    forge, location = connect(), entity.location
    project, path = location.repository.path, location.path
    target = forge.project(project).default_branch
    proposal = _open_proposal(forge, entity, by)
    file = forge.file(project, path, proposal.branch if proposal else target)
    try:
        text = file.content.decode()
    except UnicodeDecodeError:
        raise CannotEdit("The file is no UTF-8 text: change it in the forge instead.") from None
    return Draft(text, file.last_commit, target, proposal)


def _open_proposal(forge: Forge, entity: Entity, by: User) -> Proposal | None:
    """The person's own merge request for this entity, if the forge too says that it is open."""
    place = {"project": entity.location.repository.path, "path": entity.location.path}
    found = Proposal.objects.open().of_entity(entity).filter(user=by, **place).first()
    if found is None or _state(forge, found) != "opened":
        return None
    return found


@transaction.atomic
def propose_edit(*, entity: Entity, changes: Mapping[Path, Any], digest: str, by: User) -> Proposal:
    """Commits the edit to a branch and opens a merge request, or adds to the person's open one.

    `digest` is of the file that the person saw. Safe to repeat: the same edit of the same file has
    the same branch. Raises ForgeError, CannotEdit.
    """
    _check(entity, by)
    lock_until_commit(f"proposal:{entity.location_id}")
    draft = read_draft(entity=entity, by=by)
    if draft.digest != digest:
        raise Outdated(MEANWHILE)
    content = edit(draft.text, entity.ref, changes)
    title = f"Change {entity.label} in the catalogue"
    branch = draft.proposal.branch if draft.proposal else _branch(entity, content, by)
    if content != draft.text:
        change = Change("update", entity.location.path, content.encode(),
                        last_commit=draft.last_commit)  # fmt: skip
        _commit(entity, draft, change, branch=branch, message=title, by=by)
    fields = ", ".join(".".join(path) for path in changes)
    return _open(entity, branch, draft.target, title, fields, by)


def _branch(entity: Entity, content: str, by: User) -> str:
    digest = hashlib.sha256(f"{by.pk}\n{content}".encode()).hexdigest()[:10]
    return f"bespoke/edit-{entity.kind}-{entity.name.lower()}-{digest}"


def _commit(
    entity: Entity, draft: Draft, change: Change, *, branch: str, message: str, by: User
) -> None:
    forge, project = connect(), entity.location.repository.path
    start = None if draft.proposal else draft.target
    if start and says_so(forge, project, branch, change):
        return
    author = (by.display_name, by.email) if by.email else None
    try:
        forge.commit(
            project, branch=branch, start_branch=start, changes=[change], author=author,
            message=f"{message}\n\nBespoke-Edit: {entity.ref} by {by.username}",
        )  # fmt: skip
    except (ForgeConflict, ForgeRefused) as error:
        if "has changed since" in str(error):
            raise Outdated(MEANWHILE) from error
        raise


def says_so(forge: Forge, project: str, branch: str, change: Change) -> bool:
    """Whether an attempt that broke off has made the branch, with this very content."""
    try:
        return forge.read_file(project, change.path, branch) == change.content
    except ForgeNotFound:
        return False


def _open(entity: Entity, branch: str, target: str, title: str, fields: str, by: User) -> Proposal:
    return ask(
        project=entity.location.repository.path, path=entity.location.path, ref=entity.ref,
        branch=branch, target=target, title=title, fields=fields, by=by,
    )  # fmt: skip


def ask(
    *, project: str, path: str, ref: str, branch: str, target: str, title: str, fields: str,
    by: User,
) -> Proposal:  # fmt: skip
    """The merge request of a branch, and what the catalogue remembers of it."""
    request = connect().ensure_merge_request(
        project, source_branch=branch, target_branch=target, title=title,
        description=f"{by.display_name} asks for this in the portal. It changes {fields}.",
        remove_source_branch=True,
    )  # fmt: skip
    proposal, _ = Proposal.objects.update_or_create(
        project=project,
        iid=request.iid,
        defaults={
            "ref": ref, "path": path, "branch": branch,
            "url": request.web_url, "state": request.state, "user": by,
        },
    )  # fmt: skip
    audit.record(by=by, verb="proposed a change", object_type="entity", object_id=ref,
                 fields=fields, merge_request=request.web_url)  # fmt: skip
    return proposal


# -- afterwards ---------------------------------------------------------------------------------
def note_merge_request(*, payload: Mapping[str, Any]) -> None:
    """What a webhook says about a merge request that may be one of ours."""
    project = (payload.get("project") or {}).get("path_with_namespace")
    told = payload.get("object_attributes") or {}
    if project and told.get("iid") and told.get("state"):
        Proposal.objects.filter(project=project, iid=told["iid"]).update(state=told["state"])


def check_proposals() -> None:
    """Asks the forge about merge requests that we believe open, the newest first."""
    forge = connect()
    for proposal in Proposal.objects.open()[:CHECKED_AT_ONCE]:
        try:
            _state(forge, proposal)
        except ForgeUnavailable:
            return  # the next turn asks again


def _state(forge: Forge, proposal: Proposal) -> str:
    try:
        state = forge.merge_request(proposal.project, proposal.iid).state
    except ForgeNotFound:
        state = "gone"
    if state != proposal.state:
        Proposal.objects.filter(pk=proposal.pk).update(state=state)
    return state
