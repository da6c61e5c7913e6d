"""Groups and namespaces as JSON."""

import json
from typing import Any

from localforge.context import Context
from localforge.store import namespaces
from localforge.store.database import Row

Json = dict[str, Any]


def path_of(row: Row) -> str:
    """Where a namespace's page is."""
    return f"groups/{row['full_path']}" if row["kind"] == "group" else str(row["full_path"])


def namespace(ctx: Context, row: Row) -> Json:
    """A namespace, as it stands inside a project."""
    return {
        "id": row["id"],
        "name": row["name"],
        "path": row["path"],
        "kind": row["kind"],
        "full_path": row["full_path"],
        "parent_id": row["parent_id"],
        "avatar_url": None,
        "web_url": f"{ctx.base}/{path_of(row)}",
    }


def full_name(ctx: Context, row: Row) -> str:
    """The names of all groups down to this one."""
    names = [parent["name"] for parent in reversed(namespaces.ancestors(ctx.db, row))]
    return " / ".join([*names, row["name"]])


_DEFAULTS: Json = {
    "share_with_group_lock": False,
    "require_two_factor_authentication": False,
    "two_factor_grace_period": 48,
    "project_creation_level": "developer",
    "auto_devops_enabled": None,
    "subgroup_creation_level": "maintainer",
    "emails_disabled": False,
    "emails_enabled": True,
    "mentions_disabled": None,
    "lfs_enabled": True,
    "default_branch": None,
    "default_branch_protection": 2,
    "request_access_enabled": True,
    "membership_lock": False,
}
GROUP_SETTINGS = tuple(_DEFAULTS)


def group(ctx: Context, row: Row) -> Json:
    """A group in a listing."""
    data = json.loads(row["data"])
    avatar = data.get("avatar")
    return {
        "id": row["id"],
        "web_url": f"{ctx.base}/{path_of(row)}",
        "name": row["name"],
        "path": row["path"],
        "description": row["description"],
        "visibility": row["visibility"],
        **_DEFAULTS,
        **{name: data[name] for name in _DEFAULTS if name in data},
        "avatar_url": f"{ctx.base}{avatar}" if avatar else None,
        "full_name": full_name(ctx, row),
        "full_path": row["full_path"],
        "created_at": row["created_at"],
        "parent_id": row["parent_id"],
        "organization_id": 1,
        "archived": False,
    }


def group_detail(ctx: Context, row: Row) -> Json:
    """A group on its own."""
    shares = ctx.db.all("SELECT * FROM shares WHERE kind = 'group' AND source_id = ?", row["id"])
    return {
        **group(ctx, row),
        "shared_with_groups": [share(ctx, s) for s in shares],
        "prevent_sharing_groups_outside_hierarchy": False,
        "runners_token": None,
    }


def share(ctx: Context, row: Row) -> Json:
    """A group that something is shared with."""
    found = namespaces.get_namespace(ctx.db, row["group_id"])
    assert found is not None
    return {
        "group_id": found["id"],
        "group_name": found["name"],
        "group_full_path": found["full_path"],
        "group_access_level": row["access_level"],
        "expires_at": row["expires_at"],
    }
