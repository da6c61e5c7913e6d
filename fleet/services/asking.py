"""Who is asked: owners are told what waits for them, and one of them reviews."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.services import notify
from fleet.models import Campaign, Target
from forge import Desk, Forge, ForgeNotFound

AT_ONCE = 200


def owners_of(target: Target) -> QuerySet[User]:
    """The members of the group that owns the repository, or the one person."""
    if target.owner_ref.startswith("user:"):
        return User.objects.filter(entity_ref=target.owner_ref, is_active=True)
    return User.objects.members_of(target.owner_ref)


def reviewers(target: Target, forge: Forge) -> list[int]:
    """The forge's id of one of the owners, another for each target; none where nobody is known.
    GitLab's free tier takes one reviewer."""
    if not target.campaign.ask_reviewers:
        return []
    names = list(owners_of(target).order_by("username").values_list("username", flat=True))
    start = target.pk % len(names) if names else 0
    for name in [*names[start:], *names[:start]][:5]:
        try:
            return [int(Desk(forge).user(name)["id"])]
        except ForgeNotFound:
            continue
    return []


def tell_owners(target: Target, title: str) -> None:
    link = reverse("fleet:target", args=[target.campaign.key, target.pk])
    notify(recipients=owners_of(target), topic="campaign", title=title, link=link)


def remind(now: datetime) -> None:
    """Owners of merge requests that have been open for a while, once in that while."""
    rows = Target.objects.filter(campaign__status=Campaign.Status.RUNNING)
    rows = rows.filter(Q(state__in=Target.OPEN) | Q(state=Target.State.NEEDS_ANSWER))
    for target in rows.filter(campaign__remind_days__gt=0).due_for_reminder(now)[:AT_ONCE]:
        pause = now - timedelta(days=target.campaign.remind_days)
        claimed = Target.objects.filter(pk=target.pk).filter(
            Q(reminded_at=None) | Q(reminded_at__lte=pause)
        )
        if claimed.update(reminded_at=now):
            what = (
                "An answer is"
                if target.state == Target.State.NEEDS_ANSWER
                else "A merge request is"
            )
            tell_owners(
                target, f"{what} waited for: {target.campaign.title} in {target.repository}"
            )
