"""What webhooks carry."""

from typing import Any

from localforge.context import Context
from localforge.git import diffs
from localforge.shapes import commits, projects
from localforge.shapes import users as user_shapes
from localforge.store import users
from localforge.store.database import Row

Json = dict[str, Any]
_MOST_COMMITS = 20
NULL = "0" * 40


def user(ctx: Context, row: Row | None) -> Json:
    """A user as webhooks tell of one."""
    shape = user_shapes.basic(ctx, row)
    if shape is None or row is None:
        return {}
    names = ("id", "name", "username", "avatar_url")
    return {**{name: shape[name] for name in names}, "email": row["email"]}


def push(ctx: Context, project: Row, ref: str, old: str | None, new: str | None) -> Json:
    """A branch or tag that was pushed."""
    actor = ctx.need_user()
    tag = ref.startswith("refs/tags/")
    found = [] if tag else _pushed_commits(ctx, project, old, new)
    return {
        "object_kind": "tag_push" if tag else "push",
        "event_name": "tag_push" if tag else "push",
        "before": old or NULL,
        "after": new or NULL,
        "ref": ref,
        "ref_protected": False,
        "checkout_sha": new,
        "message": None,
        "user_id": actor["id"],
        "user_name": actor["name"],
        "user_username": actor["username"],
        "user_email": actor["email"],
        "user_avatar": (user_shapes.basic(ctx, actor) or {}).get("avatar_url"),
        "project_id": project["id"],
        "project": projects.hook_project(ctx, project),
        "commits": [_with_paths(ctx, project, c) for c in found[-_MOST_COMMITS:]],
        "total_commits_count": len(found),
        "push_options": {},
        "repository": projects.hook_repository(ctx, project),
    }


def _pushed_commits(ctx: Context, project: Row, old: str | None, new: str | None) -> list[Any]:
    if new is None:
        return []
    repo = ctx.repo(project)
    if old is None:
        main = repo.branch(project["default_branch"])
        old = main if main != new else None
    return list(reversed(repo.between(old, new)))


def _with_paths(ctx: Context, project: Row, commit: Any) -> Json:
    paths = diffs.changed_paths(ctx.repo(project), commit)
    return {**commits.hook_commit(ctx, project, commit), **paths}


def repository_update(ctx: Context, project: Row, changes: list[Json]) -> Json:
    """Several refs that changed at once, for system hooks."""
    actor = ctx.need_user()
    return {
        "event_name": "repository_update",
        "user_id": actor["id"],
        "user_name": actor["name"],
        "user_email": actor["email"],
        "user_avatar": None,
        "project_id": project["id"],
        "project": projects.hook_project(ctx, project),
        "changes": changes,
        "refs": [change["ref"] for change in changes],
    }


def project_event(ctx: Context, project: Row, event: str, **more: Any) -> Json:
    """A project that came, went or moved, for system hooks."""
    owner = users.get_user(ctx.db, project["creator_id"])
    return {
        "event_name": event,
        "created_at": project["created_at"],
        "updated_at": project["updated_at"],
        "name": project["name"],
        "path": project["path"],
        "path_with_namespace": project["full_path"],
        "project_id": project["id"],
        "owner_name": owner["name"] if owner else None,
        "owner_email": owner["email"] if owner else None,
        "owners": [],
        "project_visibility": project["visibility"],
        **more,
    }
