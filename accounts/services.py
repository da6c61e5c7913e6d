"""The verbs of accounts: every write to users, memberships and tokens."""

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import ApiToken, AuditEvent, Membership, Notification, User

TOKEN_PREFIX = "bspk_"  # noqa: S105  (a public marker, so that secret scanners find leaked tokens)
FAILED_LOGINS_ALLOWED = 10
LOCKED_MINUTES = 5


@transaction.atomic
def create_user(
    *, username: str, password: str, name: str, email: str, entity_ref: str, by: User | None
) -> User:
    """Makes (or brings up to date) the person who signs in as `username`."""
    first, _, last = name.partition(" ")
    user, created = User.objects.update_or_create(
        username=username,
        defaults={
            "first_name": first,
            "last_name": last,
            "email": email,
            "entity_ref": entity_ref.lower(),
        },
    )
    user.set_password(password)
    user.save(update_fields=["password"])
    verb = "created" if created else "updated"
    audit.record(by=by, verb=verb, object_type="user", object_id=user.pk, label=username)
    return user


@transaction.atomic
def create_token(
    *, user: User, name: str, scopes: Iterable[str], days: int | None, by: User | None
) -> tuple[ApiToken, str]:
    """Makes an API token; returns it with its secret, which can never be read again."""
    if by is not None and by != user:
        raise PermissionDenied("Only you can make a token for yourself.")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:10],
        digest=ApiToken.digest_of(secret),
        scopes=sorted(set(scopes)),
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    audit.record(by=by or user, verb="created", object_type="API token", object_id=token.pk,
                 label=str(token), scopes=token.scopes, days=days)  # fmt: skip
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User) -> ApiToken:
    if by != token.user and not by.is_superuser:
        raise PermissionDenied("Only its owner can revoke a token.")
    token.revoked_at = token.revoked_at or timezone.now()
    token.save(update_fields=["revoked_at"])
    audit.record(
        by=by, verb="revoked", object_type="API token", object_id=token.pk, label=str(token)
    )
    return token


def touch_token(*, token: ApiToken) -> None:
    """Notes the token's use, at most once a minute: a busy client must not cost a write a call."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def note_failed_login(*, username: str) -> None:
    audit.record(by=None, verb="login failed", object_type="user", object_id=username.lower())


def note_login(*, user: User) -> None:
    audit.record(by=user, verb="signed in", object_type="user", object_id=user.username)


def is_locked(username: str) -> bool:
    """Whether too many wrong passwords were tried lately for this name."""
    tries = AuditEvent.objects.recent_failed_logins(username, LOCKED_MINUTES).count()
    return tries >= FAILED_LOGINS_ALLOWED


@transaction.atomic
def replace_memberships(*, rows: Iterable[tuple[str, str, bool]]) -> int:
    """Sets all memberships to `rows` (user ref, group ref, direct); returns how many changed."""
    wanted = {(user, group): direct for user, group, direct in rows}
    existing = {(m.user_ref, m.group_ref): m for m in Membership.objects.select_for_update()}
    gone = [m.pk for key, m in existing.items() if wanted.get(key) is not m.direct]
    new = [
        Membership(user_ref=user, group_ref=group, direct=direct)
        for (user, group), direct in wanted.items()
        if (user, group) not in existing or existing[user, group].direct is not direct
    ]
    Membership.objects.filter(pk__in=gone).delete()
    Membership.objects.bulk_create(new)
    return len(gone) + len(new)


def notify(*, recipients: Iterable[User], topic: str, title: str, link: str) -> None:
    """Tells each of these people once; `link` is a path in the portal."""
    people = {user.pk: user for user in recipients}
    Notification.objects.bulk_create(
        Notification(recipient=user, topic=topic, title=title[:500], link=link)
        for user in people.values()
    )


def mark_read(*, user: User, pk: int | None = None) -> int:
    """Marks one of the person's notifications as read, or all of them; returns how many."""
    unread = Notification.objects.filter(recipient=user).unread()
    return (unread.filter(pk=pk) if pk else unread).update(read_at=timezone.now())
