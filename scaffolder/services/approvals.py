"""The verbs of approvals: ask, look at, decide, remind, let expire.

A run that waits is a row and nothing else: no worker has it. A decision queues it again; its step
is then done with (approved) or has failed with the reason (refused, expired), as any other step.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from catalog.models import Entity
from catalog.queueing import on_commit
from scaffolder import approving, blocks, tasks
from scaffolder.blueprint import Blueprint
from scaffolder.models import Approval, Release, Run, RunLog, RunStep
from scaffolder.services.telling import tell_approvers, tell_the_decision

REMINDED_EVERY = timedelta(days=1)


def unknown_groups(releases: Iterable[Release]) -> dict[int, list[str]]:
    """Sentences by release about groups that approve and that the catalogue does not have."""
    named = {release.pk: approving.group_refs(_blueprint(release)) for release in releases
             if release.kind == "template" and release.startable}  # fmt: skip
    wanted = {ref for refs in named.values() for ref in refs}
    if not wanted:
        return {}
    alive = Entity.objects.filter(ref__in=wanted, orphaned_at=None)
    unknown = wanted - set(alive.values_list("ref", flat=True))
    return {
        pk: [f"Nobody can approve: the catalogue has no {ref}." for ref in sorted(refs & unknown)]
        for pk, refs in named.items()
        if refs & unknown
    }


def _blueprint(release: Release) -> Blueprint:
    return blocks.golden_path(release).blueprint


@transaction.atomic
def ask(
    *, run_id: uuid.UUID, group_ref: str, title: str, condition: str, seconds: int | None
) -> Approval:
    """Puts the request to everybody in the group."""
    run = Run.objects.select_related("release", "user").get(pk=run_id)
    now = timezone.now()
    lasts = timedelta(seconds=seconds) if seconds else timedelta(days=approving.DAYS)
    approval = Approval.objects.create(
        run=run, group_ref=group_ref, title=title, condition=condition, requester=run.user,
        expires_at=now + lasts, remind_at=now + REMINDED_EVERY,
    )  # fmt: skip
    people = tell_approvers(approval=approval)
    text = f"Waiting for an approval by {group_ref}"
    if not people:
        text += ", which has nobody else in it who can sign in"
    RunLog.objects.create(run=run, text=text)
    audit.record(by=run.user, verb="asked for approval", object_type="run", object_id=run.pk,
                 label=str(approval), group=group_ref)  # fmt: skip
    return approval


@transaction.atomic
def park(*, run: Run) -> None:
    """Puts a run aside until somebody has decided (who may have been quicker than this)."""
    approval = Approval.objects.select_for_update().filter(run=run).order_by("-pk")[0]
    parked = Run.objects.filter(pk=run.pk, lease=run.lease)
    if not parked.update(status=Run.Status.WAITING, lease=None):
        return  # another worker has taken over: it will come to the same step
    run.steps.filter(status=RunStep.Status.RUNNING).update(
        status=RunStep.Status.WAITING, attempts=0
    )
    if approval.status != Approval.Status.WAITING:
        _go_on(approval)


def may_decide(approval: Approval, user: User) -> bool:
    """Members of the group, never on their own request."""
    return approval.group_ref in user.group_refs and user.pk != approval.requester_id


def look_at(*, approval: Approval, by: User) -> None:
    """Notes when somebody who may decide first looked at a request."""
    if may_decide(approval, by):
        fresh = Approval.objects.filter(pk=approval.pk, started_at=None, finished_at=None)
        fresh.update(started_at=timezone.now())


@transaction.atomic
def decide(*, approval: Approval, approve: bool, reason: str, by: User) -> Approval:
    """Approves or refuses; a refusal says why. Raises PermissionDenied or ValidationError."""
    if not may_decide(approval, by):
        raise PermissionDenied("Only others in the group that is asked can decide this.")
    reason = reason.strip().replace("\0", "")
    if not approve and not reason:
        raise ValidationError({"reason": "Say why, so that it can be put right."})
    status = Approval.Status.APPROVED if approve else Approval.Status.REFUSED
    return _end(approval, status, reason=reason, by=by)


def _end(
    approval: Approval, status: Approval.Status, *, reason: str = "", by: User | None = None
) -> Approval:
    now = timezone.now()
    waiting = Approval.objects.filter(pk=approval.pk, status=Approval.Status.WAITING)
    changes = {"status": status, "reason": reason, "decided_by": by, "finished_at": now}
    if not waiting.update(**changes):
        raise ValidationError("This has been decided already.")
    Approval.objects.filter(pk=approval.pk, started_at=None).update(started_at=now)
    approval.refresh_from_db()
    audit.record(by=by, verb=status.value, object_type="run", object_id=approval.run_id,
                 label=str(approval), reason=reason, approval=approval.pk)  # fmt: skip
    RunLog.objects.create(run_id=approval.run_id, text=outcome(approval))
    tell_the_decision(approval=approval)
    _go_on(approval)
    return approval


def outcome(approval: Approval) -> str:
    """What was decided, in a sentence."""
    said = f": {approval.reason}" if approval.reason else ""
    who = approval.decided_by.display_name if approval.decided_by else ""
    if approval.status == Approval.Status.EXPIRED:
        return f"Nobody in {approval.group_ref} decided in time."
    return f"{approval.get_status_display()} by {who}{said}"


def _go_on(approval: Approval) -> None:
    """Queues the run, if it is parked, with what the decision makes of its step."""
    parked = Run.objects.filter(pk=approval.run_id, status=Run.Status.WAITING)
    if not parked.update(status=Run.Status.QUEUED, queued_at=timezone.now(), resume_at=None):
        return
    step = RunStep.objects.filter(run=approval.run_id, status=RunStep.Status.WAITING)
    if approval.status == Approval.Status.APPROVED:
        step.update(status=RunStep.Status.PENDING)
    else:
        failed = {"status": RunStep.Status.FAILED, "finished_at": timezone.now()}
        step.update(**failed, error=outcome(approval))
    on_commit(tasks.execute_run, str(approval.run_id))


def withdraw(*, run: Run) -> None:
    """What a cancelled run asked for is asked no more."""
    Approval.objects.filter(run=run, status=Approval.Status.WAITING).update(
        status=Approval.Status.CANCELLED, finished_at=timezone.now()
    )
    run.steps.filter(status=RunStep.Status.WAITING).update(status=RunStep.Status.PENDING)


def look_after_approvals() -> None:
    """Ends what nobody decided in time, and reminds of the rest once a day."""
    now = timezone.now()
    for approval in Approval.objects.expired(now).select_related("run__release", "requester"):
        try:
            with transaction.atomic():
                _end(approval, Approval.Status.EXPIRED)
        except ValidationError:
            continue  # decided in this very moment
    due = Approval.objects.to_be_reminded(now).select_related("run__release", "requester")
    for approval in due:
        claimed = Approval.objects.to_be_reminded(now).filter(pk=approval.pk)
        with transaction.atomic():
            if claimed.update(remind_at=now + REMINDED_EVERY):
                tell_approvers(approval=approval, again=True)
