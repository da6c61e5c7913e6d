"""Pipelines: the list and one with its jobs."""

from localforge.call import Call
from localforge.errors import not_found
from localforge.pages.projects import place, show
from localforge.reply import Reply
from localforge.routing import get
from localforge.store.database import Query

_PER_PAGE = 30


def list_pipelines(call: Call) -> Reply:
    """GET /:project/-/pipelines"""
    where = place(call, "pipelines")
    number = max(call.params.integer("page", 1), 1)
    query = Query("pipelines").where("project_id = ?", where.project["id"]).order("id DESC")
    rows = query.rows(call.db, _PER_PAGE + 1, (number - 1) * _PER_PAGE)
    return show(
        call, "pipelines.html", where, rows=rows[:_PER_PAGE], more=len(rows) > _PER_PAGE,
        number=number,
    )  # fmt: skip


def pipeline(call: Call) -> Reply:
    """GET /:project/-/pipelines/:pipeline_id"""
    where = place(call, "pipelines")
    sql = "SELECT * FROM pipelines WHERE id = ? AND project_id = ?"
    row = call.db.one(sql, call.number("pipeline_id"), where.project["id"])
    if row is None:
        raise not_found("Pipeline")
    jobs = call.db.all("SELECT * FROM jobs WHERE pipeline_id = ? ORDER BY id", row["id"])
    return show(call, "pipeline.html", where, row=row, jobs=jobs)


ROUTES = [
    get("/*project/-/pipelines", list_pipelines),
    get("/*project/-/pipelines/:pipeline_id", pipeline),
]
