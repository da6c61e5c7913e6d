"""Who asks, with all that every page wants to know of them, in one statement."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q

from accounts.models import Membership, User


class PeopleBackend(ModelBackend):
    """Django's own, with the person's groups and the number of unread notifications."""

    def get_user(self, user_id: Any) -> User | None:
        groups = Membership.objects.filter(user_ref=OuterRef("entity_ref")).values("group_ref")
        unread = Count("notifications", filter=Q(notifications__read_at=None))
        people = User.objects.annotate(groups_now=ArraySubquery(groups), unread_now=unread)
        user = people.filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        user.__dict__ |= {
            "group_refs": frozenset(user.__dict__.pop("groups_now")),
            "unread_count": user.__dict__.pop("unread_now"),
        }
        return user
