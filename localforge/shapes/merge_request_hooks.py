"""Merge requests as webhooks tell of them."""

import json
from typing import Any

from localforge.context import Context
from localforge.shapes import commits, payloads
from localforge.shapes import projects as project_shapes
from localforge.shapes.labels import hook_labels
from localforge.shapes.merge_requests import listed
from localforge.store import projects, users
from localforge.store.database import Row

Json = dict[str, Any]


def payload(
    ctx: Context, project: Row, merge_request: Row, action: str,
    changes: Json | None = None, oldrev: str | None = None,
) -> Json:  # fmt: skip
    """A merge request as webhooks tell of it."""
    source = projects.get_project(ctx.db, merge_request["source_project_id"])
    repo = ctx.repo(project)
    shape = listed(ctx, project, merge_request)
    assignees = [users.get_user(ctx.db, i) for i in json.loads(merge_request["assignees"])]
    reviewers = [users.get_user(ctx.db, i) for i in json.loads(merge_request["reviewers"])]
    target_shape = project_shapes.hook_project(ctx, project)
    labels = hook_labels(ctx, project, shape["labels"])
    attributes = {
        "id": shape["id"], "iid": shape["iid"], "title": shape["title"],
        "description": shape["description"], "state": shape["state"], "action": action,
        "created_at": shape["created_at"], "updated_at": shape["updated_at"],
        "source_branch": shape["source_branch"], "target_branch": shape["target_branch"],
        "source_project_id": shape["source_project_id"],
        "target_project_id": shape["target_project_id"],
        "author_id": merge_request["author_id"],
        "assignee_id": assignees[0]["id"] if assignees and assignees[0] else None,
        "assignee_ids": json.loads(merge_request["assignees"]),
        "reviewer_ids": json.loads(merge_request["reviewers"]),
        "milestone_id": merge_request["milestone_id"],
        "merge_status": shape["merge_status"],
        "detailed_merge_status": shape["detailed_merge_status"],
        "merge_commit_sha": shape["merge_commit_sha"],
        "merge_user_id": merge_request["merged_by"],
        "merge_when_pipeline_succeeds": shape["merge_when_pipeline_succeeds"],
        "draft": shape["draft"], "work_in_progress": shape["draft"], "labels": labels,
        "blocking_discussions_resolved": shape["blocking_discussions_resolved"],
        "state_id": {"opened": 1, "closed": 2, "merged": 3}.get(shape["state"], 4),
        "url": shape["web_url"],
        "last_commit": commits.hook_commit(ctx, project, repo.commit(merge_request["sha"])),
        "source": project_shapes.hook_project(ctx, source) if source else None,
        "target": target_shape,
    }  # fmt: skip
    if oldrev:
        attributes["oldrev"] = oldrev
    result = {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": payloads.user(ctx, ctx.user),
        "project": target_shape,
        "repository": project_shapes.hook_repository(ctx, project),
        "object_attributes": attributes,
        "labels": labels,
        "changes": _hook_changes(ctx, project, changes or {}),
    }
    if assignees:
        result["assignees"] = [payloads.user(ctx, row) for row in assignees]
    if reviewers:
        result["reviewers"] = [payloads.user(ctx, row) for row in reviewers]
    return result


def _hook_changes(ctx: Context, project: Row, changes: Json) -> Json:
    """Lists are kept as JSON, and told as what they name."""

    def people(kept: str) -> list[Json]:
        return [payloads.user(ctx, users.get_user(ctx.db, i)) for i in json.loads(kept)]

    def labels(kept: str) -> list[Json]:
        return hook_labels(ctx, project, json.loads(kept))

    views = {"labels": labels, "assignees": people, "reviewers": people}
    return {
        name: {side: views[name](kept) for side, kept in sides.items()} if name in views else sides
        for name, sides in changes.items()
    }
