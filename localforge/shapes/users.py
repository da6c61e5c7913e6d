"""Users, tokens and members as JSON."""

import json
from typing import Any

from localforge.access import scopes
from localforge.context import Context
from localforge.store import users
from localforge.store.database import Row

Json = dict[str, Any]


def basic(ctx: Context, user: Row | None) -> Json | None:
    """The few fields of a user that stand inside other things."""
    if user is None:
        return None
    avatar = json.loads(user["data"]).get("avatar")
    return {
        "id": user["id"],
        "username": user["username"],
        "public_email": None,
        "name": user["name"],
        "state": user["state"],
        "locked": False,
        "avatar_url": f"{ctx.base}{avatar}" if avatar else None,
        "web_url": f"{ctx.base}/{user['username']}",
    }


def by_id(ctx: Context, user_id: int | None) -> Json | None:
    """The same, looked up."""
    return basic(ctx, users.get_user(ctx.db, user_id))


def many(ctx: Context, ids: str) -> list[Json]:
    """The users whose ids stand in a JSON list."""
    found = (by_id(ctx, user_id) for user_id in json.loads(ids))
    return [user for user in found if user]


def full(ctx: Context, user: Row, *, private: bool) -> Json:
    """A user's page; the private half is for themselves and administrators."""
    data = json.loads(user["data"])
    shape = {
        **(basic(ctx, user) or {}),
        "created_at": user["created_at"],
        "bio": data.get("bio", ""),
        "location": data.get("location", ""),
        "linkedin": "", "twitter": "", "discord": "", "website_url": data.get("website_url", ""),
        "job_title": data.get("job_title", ""), "pronouns": None,
        "organization": data.get("organization", ""), "bot": bool(user["bot"]),
        "work_information": None, "followers": 0, "following": 0,
        "is_followed": False, "local_time": None,
    }  # fmt: skip
    return {**shape, **_private(user, data)} if private else shape


def _private(user: Row, data: Json) -> Json:
    return {
        "email": user["email"],
        "commit_email": user["email"],
        "confirmed_at": user["created_at"],
        "last_sign_in_at": None, "current_sign_in_at": None, "last_activity_on": None,
        "theme_id": 1, "color_scheme_id": 1,
        "projects_limit": data.get("projects_limit", 100000),
        "identities": data.get("identities", []),
        "can_create_group": True, "can_create_project": True,
        "two_factor_enabled": False, "external": data.get("external", False),
        "private_profile": False, "is_admin": bool(user["admin"]),
        "note": data.get("note"), "namespace_id": None, "extra_shared_runners_minutes_limit": None,
        "preferred_language": "en",
    }  # fmt: skip


def token(row: Row, secret: str | None = None) -> Json:
    """An access token; the secret only in the answer that made it."""
    shape = {
        "id": row["id"],
        "name": row["name"],
        "revoked": bool(row["revoked"]),
        "created_at": row["created_at"],
        "description": row["description"],
        "scopes": scopes(row),
        "user_id": row["user_id"],
        "last_used_at": row["last_used_at"],
        "active": not row["revoked"],
        "expires_at": row["expires_at"],
    }
    if row["access_level"] is not None:
        shape["access_level"] = row["access_level"]
    if row["kind"] == "impersonation":
        shape["impersonation"] = True
    return {**shape, "token": secret} if secret else shape


def member(ctx: Context, row: Row) -> Json:
    """A member of a group or project."""
    return {
        **(by_id(ctx, row["user_id"]) or {}),
        "access_level": row["access_level"],
        "created_at": row["created_at"],
        "created_by": by_id(ctx, row["created_by"]),
        "expires_at": row["expires_at"],
        "membership_state": "active",
    }
