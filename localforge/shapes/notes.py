"""Notes and discussions as JSON."""

import json
from typing import Any

from localforge.context import Context
from localforge.shapes import commits, issues, merge_request_hooks, payloads, projects
from localforge.shapes import users as user_shapes
from localforge.store.database import Row

Json = dict[str, Any]
_TYPES = {
    "merge_request": "MergeRequest",
    "issue": "Issue",
    "commit": "Commit",
    "snippet": "Snippet",
}


def note(ctx: Context, row: Row, iid: int | None = None) -> Json:
    """One note."""
    resolved = bool(row["resolved"])
    position = json.loads(row["position"]) if row["position"] else None
    shape = {
        "id": row["id"],
        "type": None if row["individual"] else "DiffNote" if position else "DiscussionNote",
        "body": row["body"],
        "author": user_shapes.by_id(ctx, row["author_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "system": bool(row["system"]),
        "noteable_id": row["item_id"],
        "noteable_type": _TYPES.get(row["kind"], row["kind"]),
        "noteable_iid": iid,
        "resolvable": bool(row["resolvable"]),
        "confidential": False,
        "internal": False,
        "imported": False,
        "imported_from": "none",
        "commands_changes": {},
    }
    if position:
        shape["position"] = position
    if row["resolvable"]:
        shape["resolved"] = resolved
        shape["resolved_by"] = user_shapes.by_id(ctx, row["resolved_by"])
    return shape


def discussions(ctx: Context, rows: list[Row], iid: int | None = None) -> list[Json]:
    """Notes as threads, in the order of their first notes."""
    found: dict[str, Json] = {}
    for row in rows:
        thread = found.setdefault(
            row["discussion"],
            {"id": row["discussion"], "individual_note": bool(row["individual"]), "notes": []},
        )
        thread["notes"].append(note(ctx, row, iid))
    return list(found.values())


def payload(ctx: Context, project: Row, kind: str, item: Row, row: Row) -> Json:
    """A note as webhooks tell of it."""
    place = {"merge_request": "merge_requests", "issue": "issues", "commit": "commit"}[kind]
    where = f"{place}/{item['sha'] if kind == 'commit' else item['iid']}"
    return {
        "object_kind": "note",
        "event_type": "note",
        "user": payloads.user(ctx, ctx.user),
        "project_id": project["id"],
        "project": projects.hook_project(ctx, project),
        "repository": projects.hook_repository(ctx, project),
        "object_attributes": {
            "id": row["id"],
            "note": row["body"],
            "noteable_type": _TYPES[kind],
            "author_id": row["author_id"],
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "project_id": project["id"],
            "noteable_id": None if kind == "commit" else item["id"],
            "commit_id": item["sha"] if kind == "commit" else None,
            "line_code": None,
            "position": json.loads(row["position"]) if row["position"] else None,
            "system": bool(row["system"]),
            "action": "create",
            "discussion_id": row["discussion"],
            "url": f"{ctx.base}/{project['full_path']}/-/{where}#note_{row['id']}",
        },
        kind: _noted(ctx, project, kind, item),
    }


def _noted(ctx: Context, project: Row, kind: str, item: Row) -> Json:
    if kind == "commit":
        return commits.hook_commit(ctx, project, ctx.repo(project).commit(item["sha"]))
    shapes = merge_request_hooks if kind == "merge_request" else issues
    found: Json = shapes.payload(ctx, project, item, "update")["object_attributes"]
    return found


def commit_comment(ctx: Context, row: Row) -> Json:
    """A comment on a commit."""
    return {
        "note": row["body"],
        "path": None,
        "line": None,
        "line_type": None,
        "author": user_shapes.by_id(ctx, row["author_id"]),
        "created_at": row["created_at"],
    }
