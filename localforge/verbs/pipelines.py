"""Pipelines and jobs are records here: nothing runs, but what a client sets has its effects, from
webhooks to a merge that was waiting for the pipeline."""

import json

from localforge import clock
from localforge.context import Context
from localforge.errors import ApiError
from localforge.store import projects, users
from localforge.store.database import Row
from localforge.verbs import merge_requests, start

STATUSES = (
    "created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running",
    "success", "failed", "canceling", "canceled", "skipped", "manual", "scheduled",
)  # fmt: skip
FINISHED = ("success", "failed", "canceled", "skipped")


def set_status(ctx: Context, project: Row, pipeline: Row, status: str) -> None:
    """Moves a pipeline and does what follows."""
    if pipeline["status"] == status:
        return
    now = clock.now()
    columns: Row = {"status": status, "updated_at": now}
    if status == "running" or (status in FINISHED and pipeline["started_at"] is None):
        columns["started_at"] = now
    columns["finished_at"] = now if status in FINISHED else None
    ctx.db.update("pipelines", pipeline["id"], **columns)
    pipeline.update(columns)
    start.announce(ctx, project, pipeline)
    if status in FINISHED:
        _waiting_merges(ctx, project, pipeline)


def set_job_status(ctx: Context, project: Row, job: Row, status: str) -> None:
    """Moves a job; the pipeline follows its jobs."""
    now = clock.now()
    columns: Row = {"status": status}
    if status == "running":
        columns["started_at"] = now
    if status in FINISHED:
        columns["finished_at"] = now
    ctx.db.update("jobs", job["id"], **columns)
    job.update(columns)
    pipeline = ctx.db.one("SELECT * FROM pipelines WHERE id = ?", job["pipeline_id"])
    assert pipeline is not None
    set_status(ctx, project, pipeline, summed_up(jobs_of(ctx, pipeline)))


def jobs_of(ctx: Context, pipeline: Row) -> list[Row]:
    """The jobs of a pipeline; of several with one name, the newest."""
    rows = ctx.db.all("SELECT * FROM jobs WHERE pipeline_id = ? ORDER BY id", pipeline["id"])
    return list({row["name"]: row for row in rows}.values())


def summed_up(jobs: list[Row]) -> str:
    """The status of a pipeline with these jobs."""
    found = {
        "success" if j["allow_failure"] and j["status"] == "failed" else j["status"] for j in jobs
    }
    if found & {"running"} or (found & {"success"} and found & {"pending", "created"}):
        return "running"
    for status in ("pending", "created", "failed", "canceled", "manual"):
        if status in found:
            return status
    return "skipped" if found == {"skipped"} else "success"


def _waiting_merges(ctx: Context, project: Row, pipeline: Row) -> None:
    rows = ctx.db.all(
        "SELECT * FROM merge_requests WHERE state = 'opened' AND auto_merge = 1 AND sha = ?"
        " AND (source_project_id = ? OR project_id = ?)",
        pipeline["sha"], project["id"], project["id"],
    )  # fmt: skip
    for row in rows:
        target = projects.get_project(ctx.db, row["project_id"])
        if target is None:
            continue
        if pipeline["status"] == "success":
            _merge_now(ctx, target, row)
        else:
            ctx.db.update("merge_requests", row["id"], auto_merge=0)


def _merge_now(ctx: Context, target: Row, row: Row) -> None:
    data = json.loads(row["data"])
    by = users.get_user(ctx.db, data.get("auto_merge_by"))
    options = {k: v for k, v in data.get("auto_merge_options", {}).items() if k != "auto_merge"}
    actor = Context(forge=ctx.forge, db=ctx.db, base=ctx.base, user=by)
    try:
        merge_requests.merge(actor, target, row, options)
    except ApiError as error:
        ctx.db.update("merge_requests", row["id"], auto_merge=0)
        text = f"auto-merge was given up: {error.body}"
        projects.change_data(ctx.db, "merge_requests", row, merge_error=text)
