"""The verbs of campaigns and targets that people use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.services import notify
from catalog.models import Entity
from catalog.queueing import on_commit
from fleet import tasks
from fleet.changes import Candidate, Change, changes
from fleet.models import Campaign, Target, Wave
from fleet.plan import PlanError, WaveSpec, parse_freezes, parse_waves, parse_windows, split
from fleet.services.rights import may_manage, may_waive
from fleet.services.selecting import EVERY_ONE, Selection, selected
from scaffolder.models import Release

Status = Campaign.Status
State = Target.State
POSTPONABLE = Target.READY | Target.OPEN | Target.STUCK | {State.SCHEDULED, State.DRIFTED}


@dataclass(frozen=True, slots=True)
class Roll:
    """How fast and how careful, as people write it."""

    waves_text: str = "1, 10 %, rest"
    windows: str = ""
    freezes: str = ""
    per_hour: int = 60
    per_group: int = 10
    proceed_percent: int = 80
    stop_percent: int = 10
    auto_merge: str = Campaign.AutoMerge.NEVER.value
    approve_waivers: bool = False
    ask_reviewers: bool = True
    remind_days: int = 7


@transaction.atomic
def create_campaign(
    *,
    release: Release | None,
    kind: str,
    title: str,
    by: User,
    notes: str = "",
    roll: Roll = Roll(),
    selection: Selection = EVERY_ONE,
    given: Mapping[str, Any] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Campaign:
    """Freezes the targets and begins to plan; nothing is sent before somebody starts it. `given`
    are answers for all of them.

    Raises PermissionDenied, or ValidationError with messages by field.
    """
    _check(by)
    settings = dict(settings or {})
    specs = _checked(roll, release, kind, settings)
    candidates = selected(changes()[kind].candidates(release), selection)
    if not candidates:
        raise ValidationError("No repository is in need of this change.")
    campaign = Campaign.objects.create(
        release=release, kind=kind, title=title, notes=notes, created_by=by,
        selection=selection.as_kept(),
        options={one.name: settings.get(one.name, "") for one in changes()[kind].settings},
        **{name: getattr(roll, name) for name in Roll.__slots__},
    )  # fmt: skip
    ordered = _in_order(candidates)
    for index, (spec, part) in enumerate(zip(specs, split(ordered, specs), strict=True)):
        wave = Wave.objects.create(campaign=campaign, index=index, name=spec.name)
        Target.objects.bulk_create(
            Target(
                campaign=campaign, wave=wave, repository=candidate.repository,
                entity_ref=candidate.entity_ref, from_version=candidate.from_version,
                owner_ref=entity.owner_ref if entity else "", given=dict(given or {}),
                risky=not entity or entity.lifecycle == "production",
            )
            for candidate, entity in part
        )  # fmt: skip
    _record(campaign, by, "created", release=str(release or ""), kind=kind, settings=settings,
            selection=campaign.selection,
            targets=[candidate.repository for candidate in candidates])  # fmt: skip
    on_commit(tasks.tick)
    return campaign


def _checked(
    roll: Roll, release: Release | None, kind: str, settings: Mapping[str, str]
) -> tuple[WaveSpec, ...]:
    errors = {}
    zone = timezone.get_current_timezone()
    for name, parse in (
        ("waves_text", lambda: parse_waves(roll.waves_text)),
        ("windows", lambda: parse_windows(roll.windows)),
        ("freezes", lambda: parse_freezes(roll.freezes, zone)),
    ):
        try:
            parse()
        except PlanError as error:
            errors[name] = str(error)
    if roll.auto_merge not in Campaign.AutoMerge.values:
        errors["auto_merge"] = f"Write one of {', '.join(Campaign.AutoMerge.values)}."
    change = changes().get(kind)
    if change is None or (release.kind if release else "") not in (change.block_kinds or ("",)):
        errors["kind"] = "This cannot be done with this block."
    else:
        errors |= _settings_problems(change, settings)
    if release and not release.startable:
        errors["kind"] = "The release has problems and cannot be rolled out."
    if errors:
        raise ValidationError(errors)
    return parse_waves(roll.waves_text)


def _settings_problems(change: Change, settings: Mapping[str, str]) -> dict[str, str]:
    """By the setting's name."""
    known = {setting.name for setting in change.settings}
    if unknown := settings.keys() - known:
        return {"settings": f"There is no {', '.join(sorted(unknown))}."}
    missing = [s.name for s in change.settings if s.is_required and not settings.get(s.name)]
    if missing:
        return dict.fromkeys(missing, "This is needed.")
    return change.problems(dict.fromkeys(known, "") | dict(settings))


def _in_order(candidates: list[Candidate]) -> list[tuple[Candidate, Entity | None]]:
    """What is not in production goes first; then by repository."""
    refs = [candidate.entity_ref for candidate in candidates]
    entities = {entity.ref: entity for entity in Entity.objects.filter(ref__in=refs)}
    pairs = [(candidate, entities.get(candidate.entity_ref)) for candidate in candidates]
    return sorted(
        pairs,
        key=lambda pair: (not pair[1] or pair[1].lifecycle == "production", pair[0].repository),
    )


@transaction.atomic
def start_campaign(*, campaign: Campaign, by: User) -> None:
    _check(by)
    _move(campaign, [Status.READY], Status.RUNNING, "There is nothing to start.", started=True)
    _record(campaign, by, "started")
    on_commit(tasks.tick)


@transaction.atomic
def pause_campaign(*, campaign: Campaign, reason: str, by: User) -> None:
    """Nothing more goes out; what is open stays open and is followed."""
    _check(by)
    reason = _said(reason)
    _move(campaign, [Status.RUNNING], Status.PAUSED, "It is not running.", reason)
    _record(campaign, by, "paused", reason=reason)


@transaction.atomic
def resume_campaign(*, campaign: Campaign, by: User, stop_percent: int | None = None) -> None:
    """Goes on. Whoever resumes what the stop rule has paused says how much red is fine now."""
    _check(by)
    if stop_percent is not None:
        if not 0 <= stop_percent <= 100:
            raise ValidationError({"stop_percent": "Give a percentage from 0 to 100."})
        Campaign.objects.filter(pk=campaign.pk).update(stop_percent=stop_percent)
    _move(campaign, [Status.PAUSED], Status.RUNNING, "It is not paused.")
    _record(campaign, by, "resumed", stop_percent=stop_percent)
    on_commit(tasks.tick)


@transaction.atomic
def abort_campaign(*, campaign: Campaign, reason: str, by: User) -> None:
    """Ends it for good: workers close what is open, with the reason; what is merged stays."""
    _check(by)
    reason = _said(reason)
    going = [Status.PLANNING, Status.READY, Status.RUNNING, Status.PAUSED]
    _move(campaign, going, Status.ABORTED, "It is over already.", reason)
    campaign.targets.open().update(scheduled_at=None)
    _record(campaign, by, "aborted", reason=reason)
    on_commit(tasks.tick)


@transaction.atomic
def plan_again(*, target: Target, by: User) -> None:
    """For what changed since the plan, or could not be planned."""
    _check(by)
    again = [*Target.STUCK, *Target.READY, State.DRIFTED]
    rows = Target.objects.filter(pk=target.pk, state__in=again, merge_request_iid=None)
    if not rows.update(state=State.UNPLANNED, scheduled_at=None):
        raise ValidationError("This target cannot be planned again.")
    _record_target(target, by, "planned again")
    on_commit(tasks.plan_targets, [target.pk])


@transaction.atomic
def answer(*, target: Target, answers: Mapping[str, Any], by: User) -> None:
    """Answers what a target could not be planned without; it is planned again."""
    if not may_waive(by, target):
        raise PermissionDenied("Only the owners of the repository can answer this.")
    given = target.given | {name: answers[name] for name in target.asked if name in answers}
    rows = Target.objects.filter(pk=target.pk, state=State.NEEDS_ANSWER)
    if not rows.update(state=State.UNPLANNED, problem="", given=given, scheduled_at=None):
        raise ValidationError("Nothing is asked here any more.")
    _record_target(target, by, "answered", answers=sorted(answers))
    on_commit(tasks.plan_targets, [target.pk])


@transaction.atomic
def waive(*, target: Target, reason: str, until: date, by: User) -> None:
    """Postpones a target until a day; an open merge request is closed and opened again then. Where
    the campaign says so, a platform engineer has to agree first."""
    if not may_waive(by, target):
        raise PermissionDenied("Only the owners of the repository can postpone this.")
    reason = _said(reason)
    if until <= timezone.localdate():
        raise ValidationError({"until": "Choose a day in the future."})
    pending = target.campaign.approve_waivers and not may_manage(by)
    wanted: dict[str, Any] = {"waiver_reason": reason, "waived_until": until, "waived_by": by}
    if not pending:
        wanted |= {"state": State.WAIVED, "problem": ""}
    rows = Target.objects.filter(pk=target.pk, state__in=POSTPONABLE)
    if not rows.update(waiver_pending=pending, **wanted):
        raise ValidationError("This target cannot be postponed any more.")
    verb = "asked to postpone" if pending else "postponed"
    _record_target(target, by, verb, reason=reason, until=until.isoformat())
    if pending:
        _tell(target.campaign.created_by, target, f"{by} asks to postpone {target}: {reason}")
    else:
        on_commit(tasks.close_target, target.pk)


@transaction.atomic
def decide_waiver(*, target: Target, agreed: bool, by: User) -> None:
    """Agrees to a postponement that somebody asked for, or refuses it."""
    _check(by)
    rows = Target.objects.filter(pk=target.pk, waiver_pending=True, state__in=POSTPONABLE)
    if agreed:
        done = rows.update(waiver_pending=False, state=State.WAIVED, problem="")
    else:
        done = rows.update(
            waiver_pending=False, waiver_reason="", waived_until=None, waived_by=None
        )
    if not done:
        raise ValidationError("Nobody asks to postpone this any more.")
    _record_target(target, by, "agreed to postpone" if agreed else "refused to postpone")
    if target.waived_by:
        said = "agreed" if agreed else "refused"
        _tell(target.waived_by, target, f"{by} {said} to postpone {target}")
    if agreed:
        on_commit(tasks.close_target, target.pk)


def _tell(person: User, target: Target, title: str) -> None:
    link = reverse("fleet:target", args=[target.campaign.key, target.pk])
    notify(recipients=[person], topic="campaign", title=title, link=link)


def _check(by: User) -> None:
    if not may_manage(by):
        raise PermissionDenied("Campaigns are for platform engineers.")


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValidationError({"reason": "Say why: others will read it."})
    return reason.strip()


def _move(
    campaign: Campaign, before: list[Campaign.Status], after: Campaign.Status, refusal: str,
    reason: str = "", *, started: bool = False,
) -> None:  # fmt: skip
    """One step of the state machine; the loser of a race is refused."""
    now = timezone.now()
    times = {"started_at": now} if started else {}
    if after == Status.ABORTED:
        times = {"finished_at": now}
    rows = Campaign.objects.filter(pk=campaign.pk, status__in=before)
    if not rows.update(status=after, reason=reason, waiting_for="", **times):
        raise ValidationError(refusal)
    campaign.refresh_from_db()


def _record(campaign: Campaign, by: User, verb: str, **data: object) -> None:
    audit.record(by=by, verb=verb, object_type="campaign", object_id=campaign.key,
                 label=campaign.title, **data)  # fmt: skip


def _record_target(target: Target, by: User, verb: str, **data: object) -> None:
    audit.record(by=by, verb=verb, object_type="campaign target", object_id=target.pk,
                 label=str(target), **data)  # fmt: skip
