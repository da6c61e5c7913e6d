"""Users, what they belong to, the tokens they ask with, and the trail of every write."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, Self

import psycopg
from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import InterfaceError, OperationalError, connection, models
from django.utils import timezone


class Role(models.TextChoices):
    """What somebody may do. Everybody who can sign in may look."""

    DEVELOPER = "developer", "Developer: runs golden paths, mends what their groups own"
    PLATFORM = "platform", "Platform engineer: sources, blocks, scorecards, everybody's runs"
    APPROVER = "approver", "Approver: approves and sees the audit trail"


class PeopleManager(UserManager["User"]):
    def members_of(self, group_ref: str) -> models.QuerySet[User]:
        """Who is in a group or in one below it, and may sign in."""
        members = Membership.objects.filter(group_ref=group_ref).values("user_ref")
        return self.filter(entity_ref__in=members, is_active=True)


class User(AbstractUser):
    """A person who signs in. `entity_ref` is the same person in the catalogue."""

    entity_ref = models.CharField(max_length=255, unique=True, null=True, blank=True)

    objects: ClassVar[PeopleManager] = PeopleManager()

    @cached_property
    def group_refs(self) -> frozenset[str]:
        """The groups this person is in, and every group above those."""
        if not self.entity_ref:
            return frozenset()
        memberships = Membership.objects.filter(user_ref=self.entity_ref)
        return frozenset(memberships.values_list("group_ref", flat=True))

    @cached_property
    def unread_count(self) -> int:
        return self.notifications.unread().count()

    @cached_property
    def roles(self) -> frozenset[Role]:
        if self.is_superuser:
            return frozenset(Role)
        return frozenset(
            Role(name)
            for name, groups in settings.ROLE_GROUPS.items()
            if not self.group_refs.isdisjoint(groups)
        )

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    @property
    def sees_everything(self) -> bool:
        """Platform engineers and approvers see private entities and everybody's runs."""
        return not self.roles.isdisjoint({Role.PLATFORM, Role.APPROVER})


class MembershipQuerySet(models.QuerySet["Membership"]):
    def counts(self, groups: Collection[str]) -> dict[str, int]:
        """Number of people by group, those of the groups below included."""
        rows = self.filter(group_ref__in=groups).order_by().values_list("group_ref")
        return dict(rows.annotate(count=models.Count("pk")))


class Membership(models.Model):
    """User in group, written by the catalogue; inherited rows name the groups further up."""

    user_ref = models.CharField(max_length=255, db_index=True)
    group_ref = models.CharField(max_length=255, db_index=True)
    direct = models.BooleanField()

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_ref", "group_ref"], name="one_membership")
        ]

    def __str__(self) -> str:
        return f"{self.user_ref} in {self.group_ref}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> Self:
        """Tokens neither revoked nor expired, of people who may still sign in."""
        alive = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=timezone.now())
        return self.filter(alive, revoked_at__isnull=True, user__is_active=True)

    def who(self, secret: str) -> ApiToken | None:
        """The usable token with its user and the user's groups: one statement a request.

        It is the first one of a request, so it is the connection's health check as well.
        """
        parameters = [ApiToken.digest_of(secret), timezone.now()]
        connection.health_check_done = True  # type: ignore[attr-defined]
        try:
            row = _first_row(parameters)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            connection.close()  # the server was restarted: once more, on a new connection
            row = _first_row(parameters)
        if row is None:
            return None
        user_columns = len(_USER)
        *columns, groups, asked = row
        user = User.from_db("default", _USER, columns[:user_columns])
        user.__dict__["group_refs"] = frozenset(groups)
        token = ApiToken.from_db("default", _TOKEN, columns[user_columns:])
        token.user, token.asked_along = user, asked
        return token


class ApiToken(models.Model):
    """A secret for programs. Only its SHA-256 is kept: it is 256 random bits, so that is safe."""

    class Scope(models.TextChoices):
        READ = "read", "Read everything you can see"
        WRITE = "write", "Do everything you can do"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    asked_along: int | None = None

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        expired = self.expires_at and self.expires_at <= timezone.now()
        return "expired" if expired else "active"


_USER = [field.attname for field in User._meta.concrete_fields]
_TOKEN = [field.attname for field in ApiToken._meta.concrete_fields]
# One number that a higher app wants to know with every request of a program, as a subquery.
asked_along = ["NULL"]


class _Prepared(psycopg.Cursor[Any]):
    """Planned once a connection: planning takes longer than looking four rows up."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        return super().execute(query, params, prepare=True, **options)


def _first_row(parameters: list[Any]) -> tuple[Any, ...] | None:
    columns = [f'u."{name}"' for name in _USER] + [f't."{name}"' for name in _TOKEN]
    sql = f"""
        SELECT {", ".join(columns)},
            ARRAY(SELECT m.group_ref FROM accounts_membership m WHERE m.user_ref = u.entity_ref),
            ({asked_along[-1]})
        FROM accounts_apitoken t JOIN accounts_user u ON u.id = t.user_id AND u.is_active
        WHERE t.digest = %s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %s)
    """  # noqa: S608  (names of our own columns)
    connection.ensure_connection()
    raw: Any = _Prepared(connection.connection)
    wrapped = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrapped(raw) as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


class NotificationQuerySet(models.QuerySet["Notification"]):
    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notification(models.Model):
    """Something that a person should know, and where to see it."""

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications"
    )
    topic = models.CharField(max_length=60)
    title = models.CharField(max_length=500)
    link = models.CharField(max_length=500, help_text="Path in the portal")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["recipient"], condition=models.Q(read_at=None), name="unread_of_a_person"
            )
        ]

    def __str__(self) -> str:
        return self.title


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def recent_failed_logins(self, username: str, minutes: int) -> Self:
        since = timezone.now() - timedelta(minutes=minutes)
        return self.filter(verb="login failed", object_id=username.lower()[:255], at__gt=since)


class AuditEvent(models.Model):
    """One write: who did what to which object, when and from where. A trigger forbids changes."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=150, help_text="User name; empty for the portal itself")
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=255)
    object_label = models.CharField(max_length=255)
    data = models.JSONField(default=dict)
    address = models.CharField(max_length=64, help_text="IP address; empty for background work")
    request_id = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["object_type", "object_id"])]

    def __str__(self) -> str:
        return f"{self.actor or 'the portal'} {self.verb} {self.object_label}"
