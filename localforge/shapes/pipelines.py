"""Pipelines, jobs and commit statuses as JSON."""

import json
from typing import Any

from localforge.context import Context
from localforge.shapes import commits, payloads
from localforge.shapes import projects as project_shapes
from localforge.shapes import users as user_shapes
from localforge.store import users
from localforge.store.database import Row

Json = dict[str, Any]


def listed(ctx: Context, project: Row, row: Row) -> Json:
    """A pipeline in a listing."""
    names = (
        "id",
        "iid",
        "project_id",
        "sha",
        "ref",
        "status",
        "source",
        "created_at",
        "updated_at",
    )
    url = f"{ctx.base}/{project['full_path']}/-/pipelines/{row['id']}"
    return {**{name: row[name] for name in names}, "web_url": url, "name": None}


def detail(ctx: Context, project: Row, row: Row) -> Json:
    """A pipeline on its own."""
    return {
        **listed(ctx, project, row),
        "before_sha": payloads.NULL,
        "tag": bool(row["tag"]),
        "yaml_errors": None,
        "user": user_shapes.by_id(ctx, row["user_id"]),
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "committed_at": None,
        "duration": None,
        "queued_duration": None,
        "coverage": None,
        "archived": False,
        "detailed_status": {
            "text": row["status"],
            "label": row["status"],
            "group": row["status"],
            "icon": f"status_{row['status']}",
        },
    }


def job(ctx: Context, project: Row, row: Row) -> Json:
    """A job."""
    pipeline = ctx.db.one("SELECT * FROM pipelines WHERE id = ?", row["pipeline_id"])
    assert pipeline is not None
    sha = ctx.repo(project).resolve(row["sha"])
    return {
        "id": row["id"],
        "name": row["name"],
        "stage": row["stage"],
        "status": row["status"],
        "ref": row["ref"],
        "tag": bool(pipeline["tag"]),
        "coverage": row["coverage"],
        "allow_failure": bool(row["allow_failure"]),
        "created_at": row["created_at"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "erased_at": None,
        "duration": None,
        "queued_duration": None,
        "failure_reason": None,
        "user": user_shapes.by_id(ctx, row["user_id"]),
        "commit": commits.commit(ctx, project, ctx.repo(project).commit(sha)) if sha else None,
        "pipeline": listed(ctx, project, pipeline),
        "web_url": f"{ctx.base}/{project['full_path']}/-/jobs/{row['id']}",
        "project": {"ci_job_token_scope_enabled": False},
        "artifacts": [],
        "artifacts_expire_at": None,
        "runner": None,
        "tag_list": [],
    }


def status(ctx: Context, row: Row) -> Json:
    """A commit status."""
    return {
        "id": row["id"],
        "sha": row["sha"],
        "ref": row["ref"],
        "status": row["status"],
        "name": row["name"],
        "target_url": row["target_url"],
        "description": row["description"],
        "created_at": row["created_at"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "allow_failure": bool(row["allow_failure"]),
        "coverage": row["coverage"],
        "pipeline_id": row["pipeline_id"],
        "author": user_shapes.by_id(ctx, row["user_id"]),
    }


def payload(ctx: Context, project: Row, row: Row) -> Json:
    """A pipeline as webhooks tell of it."""
    jobs = ctx.db.all("SELECT * FROM jobs WHERE pipeline_id = ? ORDER BY id", row["id"])
    user = payloads.user(ctx, users.get_user(ctx.db, row["user_id"]))
    repo = ctx.repo(project)
    sha = repo.resolve(row["sha"])
    variables = json.loads(row["data"]).get("variables", [])
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": row["id"], "iid": row["iid"], "name": None, "ref": row["ref"],
            "tag": bool(row["tag"]), "sha": row["sha"], "before_sha": payloads.NULL,
            "source": row["source"], "status": row["status"], "detailed_status": row["status"],
            "stages": list(dict.fromkeys(job["stage"] for job in jobs)),
            "created_at": row["created_at"], "finished_at": row["finished_at"], "duration": None,
            "queued_duration": None, "variables": variables,
            "url": f"{ctx.base}/{project['full_path']}/-/pipelines/{row['id']}",
        },
        "merge_request": _merge_request(ctx, project, row),
        "user": user,
        "project": project_shapes.hook_project(ctx, project),
        "commit": commits.hook_commit(ctx, project, repo.commit(sha)) if sha else None,
        "builds": [_build(user, job) for job in jobs],
    }  # fmt: skip


def _build(user: Json, job: Row) -> Json:
    names = ("id", "stage", "name", "status", "created_at", "started_at", "finished_at")
    more = {"duration": None, "queued_duration": None, "failure_reason": None, "when": "on_success",
            "manual": False, "allow_failure": bool(job["allow_failure"]), "user": user,
            "runner": None, "artifacts_file": {"filename": None, "size": None},
            "environment": None}  # fmt: skip
    return {**{name: job[name] for name in names}, **more}


def _merge_request(ctx: Context, project: Row, row: Row) -> Json | None:
    found = ctx.db.one(
        "SELECT * FROM merge_requests WHERE source_project_id = ? AND sha = ? AND state = 'opened'",
        project["id"],
        row["sha"],
    )
    if found is None:
        return None
    names = ("id", "iid", "title", "source_branch", "source_project_id", "target_branch", "state")
    return {
        **{name: found[name] for name in names},
        "target_project_id": found["project_id"],
        "merge_status": found["merge_status"],
        "url": f"{ctx.base}/{project['full_path']}/-/merge_requests/{found['iid']}",
    }
