"""Issues as JSON."""

import json
from typing import Any

from localforge.context import Context
from localforge.shapes import payloads
from localforge.shapes import projects as project_shapes
from localforge.shapes import users as user_shapes
from localforge.shapes.labels import hook_labels
from localforge.shapes.merge_requests import milestone
from localforge.store.database import Row

Json = dict[str, Any]


def issue(ctx: Context, project: Row, row: Row) -> Json:
    """An issue."""
    data = json.loads(row["data"])
    assignees = user_shapes.many(ctx, row["assignees"])
    short = f"#{row['iid']}"
    return {
        "id": row["id"],
        "iid": row["iid"],
        "project_id": row["project_id"],
        "title": row["title"],
        "description": row["description"],
        "state": row["state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "closed_by": user_shapes.by_id(ctx, row["closed_by"]),
        "labels": json.loads(row["labels"]),
        "milestone": milestone(ctx, row["milestone_id"]),
        "assignees": assignees,
        "assignee": assignees[0] if assignees else None,
        "author": user_shapes.by_id(ctx, row["author_id"]),
        "type": "ISSUE",
        "issue_type": "issue",
        "user_notes_count": 0,
        "merge_requests_count": 0,
        "upvotes": 0,
        "downvotes": 0,
        "due_date": data.get("due_date"),
        "confidential": bool(data.get("confidential")),
        "weight": data.get("weight"),
        "discussion_locked": None,
        "web_url": f"{ctx.base}/{project['full_path']}/-/issues/{row['iid']}",
        "references": {"short": short, "relative": short, "full": f"{project['full_path']}{short}"},
        "subscribed": False,
    }


def payload(ctx: Context, project: Row, row: Row, action: str) -> Json:
    """An issue as webhooks tell of it."""
    shape = issue(ctx, project, row)
    assignees, labels = json.loads(row["assignees"]), hook_labels(ctx, project, shape["labels"])
    names = ("id", "iid", "project_id", "title", "description", "state", "created_at", "updated_at")
    return {
        "object_kind": "issue",
        "event_type": "issue",
        "user": payloads.user(ctx, ctx.user),
        "project": project_shapes.hook_project(ctx, project),
        "repository": project_shapes.hook_repository(ctx, project),
        "object_attributes": {
            **{name: shape[name] for name in names},
            "action": action,
            "url": shape["web_url"],
            "author_id": row["author_id"],
            "assignee_id": next(iter(assignees), None),
            "assignee_ids": assignees,
            "milestone_id": row["milestone_id"],
            "labels": labels,
        },
        "labels": labels,
        "changes": {},
    }
