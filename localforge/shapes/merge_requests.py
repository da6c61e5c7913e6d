"""Merge requests as JSON, and the question what stands between one and its merge."""

import json
import re
from typing import Any

from localforge.context import Context
from localforge.git.repository import Repo
from localforge.shapes import users as user_shapes
from localforge.store import projects, records
from localforge.store.database import Row
from localforge.verbs import notes

Json = dict[str, Any]
_DRAFT = re.compile(r"^\s*(\[draft\]|\(draft\)|draft:)\s*", re.IGNORECASE)


def is_draft(merge_request: Row) -> bool:
    """Whether the title says that it is not ready."""
    return bool(_DRAFT.match(merge_request["title"]))


def detailed_status(ctx: Context, project: Row, merge_request: Row) -> str:
    """The first thing that stands in the way, in GitLab's words."""
    if merge_request["state"] != "opened":
        return "not_open"
    if merge_request["merge_status"] in ("preparing", "checking", "unchecked"):
        return str(merge_request["merge_status"])
    if is_draft(merge_request):
        return "draft_status"
    return _rules(ctx, project, merge_request) or "mergeable"


def _rules(ctx: Context, project: Row, merge_request: Row) -> str | None:
    settings = projects.settings(project)
    if merge_request["merge_status"] == "cannot_be_merged":
        return "conflict"
    if merge_request["merge_status"] == "need_rebase":
        return "need_rebase"
    if settings.get("only_allow_merge_if_pipeline_succeeds"):
        pending = _pipeline_status(ctx, merge_request)
        if pending:
            return pending
    resolved_only = settings.get("only_allow_merge_if_all_discussions_are_resolved")
    if resolved_only and notes.unresolved(ctx, merge_request["id"]):
        return "discussions_not_resolved"
    if json.loads(merge_request["data"]).get("requested_changes"):
        return "requested_changes"
    if len(json.loads(merge_request["approvals"])) < approvals_required(
        ctx, project, merge_request
    ):
        return "not_approved"
    return None


def approvals_required(ctx: Context, project: Row, merge_request: Row) -> int:
    """How many approvals are needed."""
    own = json.loads(merge_request["data"]).get("approvals_required")
    if own is not None:
        return int(own)
    rules = records.every(ctx.db, "approval_rule", ("project", project["id"]))
    needed = [int(rule["data"].get("approvals_required", 0)) for rule in rules]
    general = int(projects.settings(project).get("approvals_before_merge") or 0)
    return max([general, *needed])


def head_pipeline(ctx: Context, merge_request: Row) -> Row | None:
    """The newest pipeline of the head commit."""
    return ctx.db.one(
        "SELECT * FROM pipelines WHERE project_id IN (?, ?) AND sha = ? ORDER BY id DESC",
        merge_request["project_id"],
        merge_request["source_project_id"],
        merge_request["sha"],
    )


def _pipeline_status(ctx: Context, merge_request: Row) -> str | None:
    pipeline = head_pipeline(ctx, merge_request)
    if pipeline is None or pipeline["status"] in ("failed", "canceled", "skipped"):
        return "ci_must_pass"
    return None if pipeline["status"] == "success" else "ci_still_running"


def simple(ctx: Context, project: Row, merge_request: Row) -> Json:
    """A merge request with `view=simple`."""
    return {
        "id": merge_request["id"],
        "iid": merge_request["iid"],
        "project_id": merge_request["project_id"],
        "title": merge_request["title"],
        "description": merge_request["description"],
        "state": merge_request["state"],
        "created_at": merge_request["created_at"],
        "updated_at": merge_request["updated_at"],
        "web_url": f"{ctx.base}/{project['full_path']}/-/merge_requests/{merge_request['iid']}",
    }


def listed(ctx: Context, project: Row, merge_request: Row) -> Json:
    """A merge request in a listing."""
    data = json.loads(merge_request["data"])
    status = merge_request["merge_status"]
    assignees = user_shapes.many(ctx, merge_request["assignees"])
    merged_by = user_shapes.by_id(ctx, merge_request["merged_by"])
    return {
        **simple(ctx, project, merge_request),
        "merged_by": merged_by,
        "merge_user": merged_by,
        "merged_at": merge_request["merged_at"],
        "closed_by": user_shapes.by_id(ctx, merge_request["closed_by"]),
        "closed_at": merge_request["closed_at"],
        "target_branch": merge_request["target_branch"],
        "source_branch": merge_request["source_branch"],
        "user_notes_count": _count_notes(ctx, merge_request),
        "upvotes": 0,
        "downvotes": 0,
        "author": user_shapes.by_id(ctx, merge_request["author_id"]),
        "assignees": assignees,
        "assignee": assignees[0] if assignees else None,
        "reviewers": user_shapes.many(ctx, merge_request["reviewers"]),
        "source_project_id": merge_request["source_project_id"],
        "target_project_id": merge_request["project_id"],
        "labels": json.loads(merge_request["labels"]),
        "draft": is_draft(merge_request),
        "imported": False,
        "imported_from": "none",
        "work_in_progress": is_draft(merge_request),
        "milestone": milestone(ctx, merge_request["milestone_id"]),
        "merge_when_pipeline_succeeds": bool(merge_request["auto_merge"]),
        "merge_status": "cannot_be_merged" if status == "need_rebase" else status,
        "detailed_merge_status": detailed_status(ctx, project, merge_request),
        "merge_after": None,
        "sha": merge_request["sha"],
        "merge_commit_sha": merge_request["merge_commit_sha"],
        "squash_commit_sha": merge_request["squash_commit_sha"],
        "discussion_locked": data.get("discussion_locked"),
        "should_remove_source_branch": data.get("should_remove_source_branch"),
        "force_remove_source_branch": data.get("remove_source_branch", False),
        "allow_collaboration": data.get("allow_collaboration", False),
        "prepared_at": merge_request["prepared_at"],
        "reference": f"!{merge_request['iid']}",
        "references": _references(project, merge_request),
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "squash": data.get("squash", False),
        "squash_on_merge": data.get("squash", False),
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_conflicts": status == "cannot_be_merged",
        "blocking_discussions_resolved": not notes.unresolved(ctx, merge_request["id"]),
        "approvals_before_merge": None,
    }


def _references(project: Row, merge_request: Row) -> Json:
    short = f"!{merge_request['iid']}"
    return {"short": short, "relative": short, "full": f"{project['full_path']}{short}"}


def _count_notes(ctx: Context, merge_request: Row) -> int:
    return int(
        ctx.db.value(
            "SELECT count(*) FROM notes"
            " WHERE kind = 'merge_request' AND item_id = ? AND system = 0",
            merge_request["id"],
        )
    )


def milestone(ctx: Context, milestone_id: int | None) -> Json | None:
    """The milestone that a thing belongs to."""
    found = records.by_id(ctx.db, "milestone", milestone_id) if milestone_id else None
    if found is None:
        return None
    shape = {"id": found["id"], "iid": found["id"], **found["data"]}
    return {**shape, "created_at": found["created_at"], "updated_at": found["updated_at"]}


def detail(ctx: Context, project: Row, merge_request: Row) -> Json:
    """A merge request on its own."""
    data = json.loads(merge_request["data"])
    pipeline = head_pipeline(ctx, merge_request)
    pipeline_shape = pipeline and {
        "id": pipeline["id"],
        "iid": pipeline["iid"],
        "project_id": pipeline["project_id"],
        "sha": pipeline["sha"],
        "ref": pipeline["ref"],
        "status": pipeline["status"],
        "source": pipeline["source"],
        "created_at": pipeline["created_at"],
        "updated_at": pipeline["updated_at"],
        "web_url": f"{ctx.base}/{project['full_path']}/-/pipelines/{pipeline['id']}",
    }
    return {
        **listed(ctx, project, merge_request),
        "subscribed": False,
        "changes_count": str(data.get("changes_count", "")) or None,
        "latest_build_started_at": pipeline and pipeline["started_at"],
        "latest_build_finished_at": pipeline and pipeline["finished_at"],
        "first_deployed_to_production_at": None,
        "pipeline": pipeline_shape,
        "head_pipeline": pipeline_shape,
        "diff_refs": diff_refs(ctx, merge_request),
        "merge_error": data.get("merge_error"),
        "first_contribution": False,
        "user": {"can_merge": ctx.project_level(project) >= 30},
    }


def diff_refs(ctx: Context, merge_request: Row) -> Json | None:
    """The three commits that a diff is made of."""
    version = ctx.db.one(
        "SELECT * FROM versions WHERE merge_request_id = ? ORDER BY id DESC", merge_request["id"]
    )
    if version is None:
        return None
    return {name: version[name] for name in ("base_sha", "head_sha", "start_sha")}


def base_and_head(repo: Repo, merge_request: Row) -> tuple[str, str]:
    """What the diff of a merge request is taken between."""
    return merge_request["base_sha"] or merge_request["sha"], merge_request["sha"]
