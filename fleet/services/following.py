"""What became of merge requests: by webhook, and by asking for what a webhook did not tell."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from catalog.forges import connect
from catalog.queueing import on_commit
from fleet import tasks
from fleet.changes import changes
from fleet.models import Campaign, Target, TargetQuerySet, top_groups
from fleet.services.asking import remind
from fleet.services.planning import releases_of
from forge import ForgeError, ForgeNotFound, ForgeUnavailable
from scaffolder.services import record_upgrade

log = structlog.get_logger(__name__)
State = Target.State
ASKED_AT_ONCE = 50
OVERLAP = timedelta(minutes=5)
RESULTS = {
    "success": State.GREEN, "failed": State.RED, "running": State.OPEN, "pending": State.OPEN,
    "created": State.OPEN,
}  # fmt: skip


def note_merge_request(*, repository: str, iid: int, state: str, action: str = "") -> None:
    """Keeps what became of a merge request, if it is one of ours."""
    rows = Target.objects.filter(repository=repository, merge_request_iid=iid)
    if action in ("approved", "unapproved"):
        rows.open().update(approved=action == "approved")
        _show_approvals(rows)
    for pk in rows.values_list("pk", flat=True):
        _note(pk, state)


def _note(pk: int, state: str) -> None:
    with transaction.atomic():
        rows = Target.objects.select_for_update(of=("self",)).select_related("campaign__release")
        target = rows.get(pk=pk)
        if state == "merged" and target.state != State.MERGED:
            target.state, target.finished_at = State.MERGED, timezone.now()
            _record_lineage(target)
        elif state == "closed" and target.state in Target.OPEN:
            target.state, target.finished_at = State.CLOSED, timezone.now()
        elif state == "opened" and target.state == State.CLOSED and not target.campaign.is_over:
            target.state, target.finished_at = State.OPEN, None
        else:
            return
        target.save()
        audit.record(by=None, verb=target.state, object_type="campaign target",
                     object_id=target.pk, label=str(target))  # fmt: skip
    finish_if_done(target.campaign_id)


def _record_lineage(target: Target) -> None:
    campaign = target.campaign
    if campaign.release is None:
        return
    taken_out = campaign.release.block_ref if changes()[campaign.kind].takes_out else ""
    record_upgrade(
        repository=target.repository, releases=releases_of(target), answers=target.answers,
        base=target.base, ground=target.ground, entity_ref=target.entity_ref, taken_out=taken_out,
    )  # fmt: skip


def note_pipeline(*, repository: str, branch: str, iid: int | None, status: str) -> None:
    """Keeps the result of a pipeline of one of our merge requests."""
    if status not in RESULTS:
        return
    rows = Target.objects.open().filter(repository=repository)
    for target in rows.select_related("campaign__release"):
        if target.merge_request_iid == iid or target.campaign.branch == branch:
            _keep_result(rows.filter(pk=target.pk), status)


def _keep_result(rows: TargetQuerySet, pipeline: str) -> None:
    rows.update(state=RESULTS[pipeline])
    _show_approvals(rows)


def _show_approvals(rows: TargetQuerySet) -> None:
    """Approved is shown over open and green, never over red."""
    rows.filter(approved=True, state__in=[State.OPEN, State.GREEN]).update(state=State.APPROVED)
    rows.filter(approved=False, state=State.APPROVED).update(state=State.OPEN)


def finish_if_done(campaign_id: int) -> None:
    """Ends a running campaign that waits for nothing any more."""
    with transaction.atomic():
        rows = Campaign.objects.select_for_update()
        campaign = rows.filter(pk=campaign_id, status=Campaign.Status.RUNNING).first()
        if campaign is None or campaign.targets.active().exists():
            return
        campaign.status, campaign.finished_at = Campaign.Status.FINISHED, timezone.now()
        campaign.waiting_for = ""
        campaign.save(update_fields=["status", "finished_at", "waiting_for"])
        audit.record(by=None, verb="finished", object_type="campaign", object_id=campaign.key,
                     label=campaign.title)  # fmt: skip


def settle_no_ops(campaign: Campaign) -> None:
    """Repositories that the change leaves as they are count as made of the new release."""
    rows = campaign.targets.filter(state=State.NO_OP, finished_at=None)
    for target in rows[:200]:
        with transaction.atomic():
            if rows.filter(pk=target.pk).update(finished_at=timezone.now()):
                _record_lineage(target)


def follow() -> None:
    """Asks the forge: one listing a group for merges and closings, then single merge requests for
    their pipelines, those asked about longest ago first."""
    waiting = Target.objects.open().values("campaign")
    for campaign in Campaign.objects.filter(pk__in=waiting):
        try:
            _list(campaign)
            _ask(campaign.targets.unlisted()[:ASKED_AT_ONCE])
        except ForgeUnavailable as error:
            log.warning("campaign not followed: the next turn asks again", reason=str(error))
            return
    remind(timezone.now())


def _list(campaign: Campaign) -> None:
    begun = timezone.now()
    since = campaign.listed_at - OVERLAP if campaign.listed_at else None
    targets = {
        (row.project_id, row.merge_request_iid): row
        for row in campaign.targets.open().only("project_id", "merge_request_iid", "repository")
    }
    for group in top_groups(target.repository for target in targets.values()):
        try:
            listed = connect().group_merge_requests(
                group, labels=campaign.label, updated_after=since
            )
            for project_id, request in listed:
                if target := targets.get((project_id, request.iid)):
                    _note(target.pk, request.state)
        except ForgeUnavailable:
            raise
        except ForgeError as error:  # a person's own namespace is no group
            log.info("merge requests cannot be listed", group=group, reason=str(error))
    Campaign.objects.filter(pk=campaign.pk).update(listed_at=begun)


def _ask(targets: QuerySet[Target]) -> None:
    for target in targets:
        try:
            request = connect().merge_request(target.repository, target.merge_request_iid or 0)
            state, pipeline = request.state, request.pipeline
            if request.has_conflicts:
                on_commit(tasks.refresh_target, target.pk)
        except ForgeNotFound:
            state, pipeline = "closed", ""
        Target.objects.filter(pk=target.pk).update(checked_at=timezone.now())
        if state != "opened":
            _note(target.pk, state)
        elif pipeline in RESULTS:
            _keep_result(Target.objects.open().filter(pk=target.pk), pipeline)
