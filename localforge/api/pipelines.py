"""Pipelines, jobs and commit statuses. A client makes them; `localforge/` routes move them."""

import json
from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import ApiError, bad_request, not_found
from localforge.paging import page_rows
from localforge.reply import Reply, blob, created
from localforge.routing import delete, get, post, put
from localforge.shapes import pipelines as shapes
from localforge.store.database import Query, Row
from localforge.verbs import pipelines as verbs
from localforge.verbs import start


def list_pipelines(call: Call) -> Reply:
    """GET /projects/:id/pipelines"""
    project = call.project()
    query = Query("pipelines").where("project_id = ?", project["id"])
    for name in ("ref", "sha", "status", "source"):
        if call.params.get(name):
            query.where(f"{name} = ?", call.params.text(name))
    for name, sign in (("updated_after", ">="), ("updated_before", "<=")):
        if call.params.get(name):
            query.where(f"updated_at {sign} ?", call.params.moment(name))
    direction = "ASC" if call.params.text("sort") == "asc" else "DESC"
    return page_rows(
        call, query.order(f"id {direction}"), lambda row: shapes.listed(call, project, row)
    )


def create_pipeline(call: Call) -> Reply:
    """POST /projects/:id/pipeline: its jobs are those of the branch's .gitlab-ci.yml"""
    project = call.writable()
    ref = call.params.need("ref")
    sha = call.repo(project).resolve(ref)
    if sha is None:
        raise bad_request({"base": ["Reference not found"]})
    data = {"variables": call.params.get("variables") or []}
    pipeline = start.wanted(call, project, ref=ref, sha=sha, source="api", data=data)
    return created(shapes.detail(call, project, pipeline))


def _pipeline(call: Call, level: int = access.NONE) -> tuple[Row, Row]:
    project = call.project(level)
    sql = "SELECT * FROM pipelines WHERE project_id = ? AND id = ?"
    row = call.db.one(sql, project["id"], call.number("pipeline_id"))
    if row is None:
        raise not_found("Pipeline")
    return project, row


def get_pipeline(call: Call) -> dict[str, Any]:
    """GET /projects/:id/pipelines/:pipeline_id"""
    return shapes.detail(call, *_pipeline(call))


def latest_pipeline(call: Call) -> dict[str, Any]:
    """GET /projects/:id/pipelines/latest"""
    project = call.project()
    ref = call.params.text("ref") or project["default_branch"]
    sql = "SELECT * FROM pipelines WHERE project_id = ? AND ref = ? ORDER BY id DESC"
    row = call.db.one(sql, project["id"], ref)
    if row is None:
        raise not_found("Pipeline")
    return shapes.detail(call, project, row)


def delete_pipeline(call: Call) -> None:
    """DELETE /projects/:id/pipelines/:pipeline_id"""
    _, row = _pipeline(call, access.OWNER)
    call.db.run("DELETE FROM pipelines WHERE id = ?", row["id"])


def _move_all(call: Call, *, only: tuple[str, ...], to: str) -> Reply:
    project, row = _pipeline(call, access.DEVELOPER)
    for job in verbs.jobs_of(call, row):
        if job["status"] in only:
            verbs.set_job_status(call, project, job, to)
    jobs = verbs.jobs_of(call, row)
    verbs.set_status(call, project, row, verbs.summed_up(jobs) if jobs else to)
    return created(shapes.detail(call, project, row))


def cancel_pipeline(call: Call) -> Reply:
    """POST .../cancel"""
    return _move_all(call, only=("created", "pending", "running"), to="canceled")


def retry_pipeline(call: Call) -> Reply:
    """POST .../retry"""
    return _move_all(call, only=("failed", "canceled"), to="pending")


def pipeline_jobs(call: Call) -> Reply:
    """GET .../jobs of a pipeline"""
    project, row = _pipeline(call)
    query = Query("jobs").where("pipeline_id = ? AND external = 0", row["id"]).order("id DESC")
    return page_rows(call, query, lambda job: shapes.job(call, project, job))


def pipeline_variables(call: Call) -> list[dict[str, Any]]:
    """GET .../variables of a pipeline"""
    _, row = _pipeline(call, access.DEVELOPER)
    sent = json.loads(row["data"]).get("variables", [])
    return [{"variable_type": "env_var", "raw": False, **one} for one in sent]


def pipeline_bridges(call: Call) -> list[Any]:
    """GET .../bridges: no pipeline starts another one here"""
    _pipeline(call)
    return []


def list_jobs(call: Call) -> Reply:
    """GET /projects/:id/jobs"""
    project = call.project(access.REPORTER)
    query = Query("jobs").where("project_id = ? AND external = 0", project["id"])
    scope = call.params.texts("scope")
    if scope:
        query.where(f"status IN ({', '.join('?' * len(scope))})", *scope)
    return page_rows(call, query.order("id DESC"), lambda job: shapes.job(call, project, job))


def _job(call: Call, level: int = access.NONE) -> tuple[Row, Row]:
    project = call.project(level)
    sql = "SELECT * FROM jobs WHERE project_id = ? AND id = ?"
    row = call.db.one(sql, project["id"], call.number("job_id"))
    if row is None:
        raise not_found("Job")
    return project, row


def get_job(call: Call) -> dict[str, Any]:
    """GET /projects/:id/jobs/:job_id"""
    return shapes.job(call, *_job(call))


def job_trace(call: Call) -> Reply:
    """GET /projects/:id/jobs/:job_id/trace"""
    return blob(_job(call)[1]["log"].encode(), "text/plain; charset=utf-8")


_JOB_VERBS = {"cancel": "canceled", "retry": "pending", "play": "pending"}


def move_job(call: Call) -> Reply:
    """POST /projects/:id/jobs/:job_id/cancel, retry and play"""
    verb = call.values["verb"]
    if verb not in _JOB_VERBS:
        raise not_found()
    project, row = _job(call, access.DEVELOPER)
    verbs.set_job_status(call, project, row, _JOB_VERBS[verb])
    return created(shapes.job(call, project, row))


def _status_sent(call: Call) -> str:
    return call.params.choice("status", verbs.STATUSES) or call.params.need("status")


def force_pipeline(call: Call) -> dict[str, Any]:
    """PUT /localforge/projects/:id/pipelines/:pipeline_id: for tests and demos"""
    call.need_admin()
    project, row = _pipeline(call)
    status = _status_sent(call)
    for job in verbs.jobs_of(call, row):
        call.db.update("jobs", job["id"], status=status)
    verbs.set_status(call, project, row, status)
    return shapes.detail(call, project, row)


def make_pipeline(call: Call) -> Reply:
    """POST /localforge/projects/:id/pipelines: any pipeline, for tests and demos"""
    call.need_admin()
    project, params = call.project(), call.params
    ref = params.text("ref") or project["default_branch"]
    sha = call.repo(project).resolve(params.text("sha") or ref)
    if sha is None:
        raise bad_request({"base": ["Reference not found"]})
    pipeline = start.create(
        call, project, ref=ref, sha=sha, status="created", source=params.text("source", "push")
    )
    for name in params.texts("jobs"):
        start.add_job(call, project, pipeline, name, "test")
    verbs.set_status(call, project, pipeline, params.choice("status", verbs.STATUSES, "pending"))
    return created(shapes.detail(call, project, pipeline))


def force_job(call: Call) -> dict[str, Any]:
    """PUT /localforge/projects/:id/jobs/:job_id: for tests and demos"""
    call.need_admin()
    project, row = _job(call)
    if call.params.get("log") is not None:
        call.db.update("jobs", row["id"], log=call.params.text("log"))
    verbs.set_job_status(call, project, row, _status_sent(call))
    return shapes.job(call, project, row)


def list_statuses(call: Call) -> Reply:
    """GET /projects/:id/repository/commits/:sha/statuses"""
    project = call.project()
    sha = call.repo(project).resolve(call.values["sha"])
    if sha is None:
        raise not_found("Commit")
    query = Query("jobs").where("project_id = ? AND sha = ?", project["id"], sha)
    for name in ("ref", "stage", "name"):
        if call.params.get(name):
            query.where(f"{name} = ?", call.params.text(name))
    return page_rows(call, query.order("id"), lambda row: shapes.status(call, row))


_STATES = {"pending", "running", "success", "failed", "canceled", "skipped"}


def set_status(call: Call) -> Reply:
    """POST /projects/:id/statuses/:sha"""
    project, params = call.writable(), call.params
    state = params.choice("state", _STATES) or params.need("state")
    sha = call.repo(project).resolve(call.values["sha"])
    if sha is None:
        raise not_found("Commit")
    name = params.text("name") or params.text("context") or "default"
    ref = params.text("ref") or _ref_of(call, project, sha)
    pipeline = _pipeline_for(call, project, sha, ref)
    sql = "SELECT * FROM jobs WHERE pipeline_id = ? AND name = ? AND external = 1 ORDER BY id DESC"
    row = call.db.one(sql, pipeline["id"], name)
    if row is None or row["status"] in verbs.FINISHED:
        row = start.add_job(
            call,
            project,
            pipeline,
            name,
            "external",
            external=1,
            status="created",
            ref=ref,
            sha=sha,
        )
    elif row["status"] == state:
        raise bad_request(f"Cannot transition status via :enqueue from :{state}")
    coverage = params.get("coverage")
    call.db.update(
        "jobs", row["id"], description=params.get("description"),
        target_url=params.get("target_url"), coverage=float(coverage) if coverage else None,
    )  # fmt: skip
    verbs.set_job_status(call, project, row, state)
    return created(shapes.status(call, {**row, **params.only(("description", "target_url"))}))


def _ref_of(call: Call, project: Row, sha: str) -> str:
    repo = call.repo(project)
    for name, tip in repo.branches().items():
        if tip == sha:
            return name
    return str(project["default_branch"])


def _pipeline_for(call: Call, project: Row, sha: str, ref: str) -> Row:
    sql = "SELECT * FROM pipelines WHERE project_id = ? AND sha = ? AND ref = ? ORDER BY id DESC"
    found = call.db.one(sql, project["id"], sha, ref)
    return found or start.create(
        call, project, ref=ref, sha=sha, status="created", source="external"
    )


def lint(call: Call) -> Reply:
    """POST /projects/:id/ci/lint: whether it is YAML with jobs in it"""
    call.project(access.DEVELOPER)
    text = call.params.need("content")
    try:
        jobs = start.jobs_in(text.encode())
        problems = [] if jobs else ["jobs config should contain at least one visible job"]
    except ApiError as error:
        problems = [error.body["message"]["base"][0].removeprefix("Invalid CI config: ")]
    shape = {"valid": not problems, "errors": problems, "warnings": [], "merged_yaml": text}
    return Reply({**shape, "includes": [], "jobs": None})


_ALL = "/projects/:id/pipelines"
_ONE = f"{_ALL}/:pipeline_id"
ROUTES = [
    get(_ALL, list_pipelines),
    post("/projects/:id/pipeline", create_pipeline),
    get(f"{_ALL}/latest", latest_pipeline),
    get(_ONE, get_pipeline),
    delete(_ONE, delete_pipeline),
    post(f"{_ONE}/cancel", cancel_pipeline),
    post(f"{_ONE}/retry", retry_pipeline),
    get(f"{_ONE}/jobs", pipeline_jobs),
    get(f"{_ONE}/variables", pipeline_variables),
    get(f"{_ONE}/bridges", pipeline_bridges),
    get("/projects/:id/jobs", list_jobs),
    get("/projects/:id/jobs/:job_id", get_job),
    get("/projects/:id/jobs/:job_id/trace", job_trace),
    post("/projects/:id/jobs/:job_id/:verb", move_job),
    get("/projects/:id/repository/commits/:sha/statuses", list_statuses),
    post("/projects/:id/statuses/:sha", set_status),
    post("/projects/:id/ci/lint", lint),
    post("/localforge/projects/:id/pipelines", make_pipeline),
    put("/localforge/projects/:id/pipelines/:pipeline_id", force_pipeline),
    put("/localforge/projects/:id/jobs/:job_id", force_job),
]
