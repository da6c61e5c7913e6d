"""The scheduler: every few seconds, whose turn is it? One at a time, by an advisory lock."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import Task
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from catalog.models import try_lock_until_commit
from catalog.queueing import on_commit
from fleet import tasks
from fleet.models import Campaign, Target, TargetQuerySet
from fleet.plan import Item, Phase, Rules, next_turn, parse_freezes, parse_windows
from fleet.services.following import finish_if_done, settle_no_ops

State = Target.State
LOST = timedelta(minutes=2)  # a task that the queue has had for longer is queued again
AT_ONCE = 500
TOGETHER = 25  # targets that one task plans
PHASES = {
    State.PLANNED: Phase.READY,
    State.CONFLICT: Phase.READY,
    State.SCHEDULED: Phase.OUT,
    State.OPEN: Phase.OUT,
    State.RED: Phase.RED,
    State.GREEN: Phase.GREEN,
    State.APPROVED: Phase.GREEN,
    State.MERGED: Phase.MERGED,
    State.CLOSED: Phase.DONE,
    State.NO_OP: Phase.DONE,
    State.SUPERSEDED: Phase.DONE,
}


def tick() -> None:
    """Brings every campaign a step forward. Two at once do no harm: the second has nothing."""
    now = timezone.localtime()
    with transaction.atomic():
        if not try_lock_until_commit("fleet.tick"):
            return
        end_waivers(now)
        queue_plans(now)
        for campaign in Campaign.objects.rolling().select_related("release"):
            settle_no_ops(campaign)
            _roll(campaign, now)
            _queue(campaign.targets.filter(state=State.SCHEDULED), tasks.open_target, now)
            if campaign.auto_merge != Campaign.AutoMerge.NEVER:
                green = campaign.targets.filter(state__in=[State.GREEN, State.APPROVED])
                _queue(green.filter(problem=""), tasks.merge_target, now)
        _close_leftovers(now)
    for pk in Campaign.objects.rolling().values_list("pk", flat=True):
        finish_if_done(pk)


def _roll(campaign: Campaign, now: datetime) -> None:
    turn = next_turn(_items(campaign), rules(campaign), now)
    if turn.stop:
        campaign.status, campaign.reason = Campaign.Status.PAUSED, turn.reason
        campaign.save(update_fields=["status", "reason"])
        audit.record(by=None, verb="paused", object_type="campaign", object_id=campaign.key,
                     label=campaign.title, reason=turn.reason)  # fmt: skip
        return
    ready = campaign.targets.filter(pk__in=turn.keys, state__in=Target.READY, waiver_pending=False)
    ready.update(state=State.SCHEDULED, scheduled_at=None)
    if campaign.waiting_for != turn.reason:
        campaign.waiting_for = turn.reason
        campaign.save(update_fields=["waiting_for"])


def rules(campaign: Campaign) -> Rules:
    return Rules(
        per_hour=campaign.per_hour,
        per_group=campaign.per_group,
        proceed_percent=campaign.proceed_percent,
        stop_percent=campaign.stop_percent,
        windows=parse_windows(campaign.windows),
        freezes=parse_freezes(campaign.freezes, timezone.get_current_timezone()),
    )


def _items(campaign: Campaign) -> list[Item]:
    rows = campaign.targets.order_by("wave__index", "pk").values_list(
        "pk", "repository", "wave__index", "state", "opened_at", "scheduled_at", "red_before"
    )
    return [
        Item(
            key=pk,
            group=repository.rpartition("/")[0],
            wave=wave,
            phase=PHASES.get(State(state), Phase.HELD),
            opened_at=opened or (scheduled if state == State.SCHEDULED else None),
            red_before=red,
        )
        for pk, repository, wave, state, opened, scheduled, red in rows
    ]


def queue_plans(now: datetime) -> None:
    """Targets to be planned whose task nobody has, or the queue lost. Those of a campaign in a row:
    what they are made of is read once."""
    unplanned = Target.objects.filter(state=State.UNPLANNED)
    keys = _taken(unplanned.order_by("campaign", "pk"), now)
    for start in range(0, len(keys), TOGETHER):
        on_commit(tasks.plan_targets, keys[start : start + TOGETHER])


def _queue(targets: TargetQuerySet, task: Task[..., None], now: datetime) -> None:
    for pk in _taken(targets.order_by("pk"), now):
        on_commit(task, pk)


def _taken(targets: TargetQuerySet, now: datetime) -> list[int]:
    """Marks as queued as many as the queue has room for."""
    waiting = targets.filter(Q(scheduled_at=None) | Q(scheduled_at__lt=now - LOST))
    room = max(AT_ONCE - targets.filter(scheduled_at__gte=now - LOST).count(), 0)
    keys = list(waiting.values_list("pk", flat=True)[:room])
    Target.objects.filter(pk__in=keys).update(scheduled_at=now)
    return keys


def end_waivers(now: datetime) -> None:
    """What was postponed is planned again: its repository has moved on meanwhile."""
    over = Target.objects.waiver_over(now.date()).filter(campaign__in=Campaign.objects.rolling())
    over.update(state=State.UNPLANNED, scheduled_at=None, finished_at=None)


def _close_leftovers(now: datetime) -> None:
    aborted = Target.objects.open().filter(campaign__status=Campaign.Status.ABORTED)
    _queue(aborted, tasks.close_target, now)
