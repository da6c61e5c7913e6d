"""What happens to an open merge request without people: it follows its default branch, and where
the campaign says so it is merged. Never over a person's commits: as soon as somebody committed to
the branch, it is theirs."""

from __future__ import annotations

import copy

import structlog
from django.db import transaction

from accounts import audit
from catalog.forges import connect
from fleet.models import Campaign, Target
from fleet.services.describing import description, title
from fleet.services.following import finish_if_done, note_merge_request
from fleet.services.opening import push
from fleet.services.planning import plan
from forge import Desk, Forge, ForgeError, ForgeUnavailable, MergeRequest
from scaffolder.services.compositions import Composer

log = structlog.get_logger(__name__)
State = Target.State
PLANNED = ("commit", "releases", "answers", "base", "ground", "before", "after", "findings",
           "summary", "shape", "planned_at")  # fmt: skip


def refresh_target(*, pk: int) -> None:
    """Merges the default branch into the branch of an open merge request, if that changes it."""
    with transaction.atomic():
        target = _open_one(pk)
        if target is None:
            return
        try:
            _refresh(target)
        except ForgeUnavailable:
            raise
        except ForgeError as error:
            target.problem = str(error)
        target.save()
    finish_if_done(target.campaign_id)


def _open_one(pk: int) -> Target | None:
    rows = Target.objects.select_for_update(skip_locked=True, of=("self",)).open()
    rows = rows.select_related("campaign__release", "campaign__created_by")
    found = rows.filter(pk=pk).first()
    return None if found is None or found.campaign.is_over else found


def _refresh(target: Target) -> None:
    forge = connect()
    request = forge.merge_request(target.repository, target.merge_request_iid or 0)
    if request.state != "opened" or not target.pushed or request.sha != target.pushed:
        return
    if forge.tip(target.repository, request.target_branch).id == target.commit:
        return
    fresh = copy.copy(target)
    plan(fresh, Composer())
    if fresh.state in (State.NO_OP, State.SUPERSEDED):
        _end(forge, target, fresh, request)
    elif fresh.state in Target.STUCK:
        target.problem = fresh.problem
    else:
        _bring(forge, target, fresh)


def _end(forge: Forge, target: Target, fresh: Target, request: MergeRequest) -> None:
    reason = "The default branch has everything of this by now."
    forge.close_merge_request(target.repository, request.iid, reason)
    _take_over(target, fresh)
    target.state, target.finished_at = State(fresh.state), fresh.finished_at
    _record(target, "closed", reason=reason)


def _bring(forge: Forge, target: Target, fresh: Target) -> None:
    same = (fresh.before, fresh.after) == (target.before, target.after)
    _take_over(target, fresh)
    if same:  # Git merges that by itself
        return
    target.pushed = push(target, merged_into=target.pushed)
    fields = {"title": title(target), "description": description(target)}
    Desk(forge).update_merge_request(target.repository, target.merge_request_iid or 0, fields)
    target.state = State.OPEN
    _record(target, "brought up to date", commit=target.pushed)


def _take_over(target: Target, fresh: Target) -> None:
    for name in PLANNED:
        setattr(target, name, getattr(fresh, name))
    target.problem = ""


def merge_target(*, pk: int) -> None:
    """Merges what the campaign's policy lets through: clean, green, and nobody's but ours."""
    with transaction.atomic():
        target = _open_one(pk)
        if target is None or not may_merge_itself(target):
            return
        request = connect().merge_request(target.repository, target.merge_request_iid or 0)
        ours = target.pushed and request.sha == target.pushed
        if request.state != "opened" or request.pipeline != "success" or not ours:
            return
        try:
            connect().merge(target.repository, request.iid, sha=target.pushed)
        except ForgeUnavailable:
            raise
        except ForgeError as error:  # an approval is missing, say: people will merge it
            target.problem = f"It could not be merged by itself: {error}"
            target.save(update_fields=["problem"])
            return
    note_merge_request(repository=target.repository, iid=request.iid, state="merged")


def may_merge_itself(target: Target) -> bool:
    policy = target.campaign.auto_merge
    if target.campaign.status != Campaign.Status.RUNNING or target.conflicts or target.problem:
        return False
    everything = policy == Campaign.AutoMerge.EVERYTHING
    return everything or (policy == Campaign.AutoMerge.NOT_PRODUCTION and not target.risky)


def refresh_repository(*, repository: str, commit: str) -> list[int]:
    """Targets that a new commit of the default branch concerns; their tasks are the caller's."""
    rows = Target.objects.open().filter(repository=repository).exclude(commit=commit)
    return list(rows.values_list("pk", flat=True))


def _record(target: Target, verb: str, **data: str) -> None:
    audit.record(by=None, verb=verb, object_type="campaign target", object_id=target.pk,
                 label=str(target), **data)  # fmt: skip
