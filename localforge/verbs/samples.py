"""What a test delivery of a hook carries: the newest real thing of its kind."""

from typing import Any

from localforge.context import Context
from localforge.shapes import merge_request_hooks, payloads
from localforge.store import projects
from localforge.store.database import Row
from localforge.verbs import events


def sample(ctx: Context, hook: Row, trigger: events.Trigger) -> dict[str, Any] | None:
    """A payload, or None if there is nothing to tell of."""
    project = _project(ctx, hook)
    if project is None:
        return None
    if trigger is events.MERGE_REQUEST:
        sql = "SELECT * FROM merge_requests WHERE project_id = ? ORDER BY id DESC"
        row = ctx.db.one(sql, project["id"])
        return merge_request_hooks.payload(ctx, project, row, "open") if row else None
    tip = ctx.repo(project).branch(project["default_branch"])
    if tip is None:
        return None
    parents = ctx.repo(project).commit(tip).parent_ids
    old = str(parents[0]) if parents else None
    return payloads.push(ctx, project, f"refs/heads/{project['default_branch']}", old, tip)


def _project(ctx: Context, hook: Row) -> Row | None:
    if hook["kind"] == "project":
        return projects.get_project(ctx.db, hook["source_id"])
    if hook["kind"] == "group":
        sql = "SELECT * FROM projects WHERE namespace_id = ? AND empty = 0 ORDER BY id DESC"
        return ctx.db.one(sql, hook["source_id"])
    return ctx.db.one("SELECT * FROM projects WHERE empty = 0 ORDER BY id DESC")
